"""Content management: tags, manifests and blobs are deleted, at once and for this repository."""

from __future__ import annotations

import pytest

from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST
from tests.conformance.talking import Registry
from tests.fronts.registry_api.asking import digest_of, index, manifest

NOWHERE = digest_of(b"nowhere")


def test_a_tag_is_deleted_at_once(registry: Registry) -> None:
    """Deleting tags · end-9 · MUST: 202, and the tag is 404 from then on, in lists too; the manifest stays."""
    digest = registry.put_image("v1")
    registry.put_manifest(f"{digest}?tag=v2", manifest(), OCI_MANIFEST)

    assert registry.ask("DELETE", "manifests/v1").status == 202

    assert [registry.ask(method, "manifests/v1").status for method in ("GET", "HEAD")] == [404, 404]
    assert registry.ask("GET", "tags/list").document["tags"] == ["v2"]
    assert registry.ask("GET", "manifests/v2").digest == digest
    assert registry.ask("GET", f"manifests/{digest}").status == 200


def test_a_manifest_is_deleted_with_its_tags_at_once(registry: Registry) -> None:
    """Deleting Manifests · end-9 · MUST: 202, and the digest and every tag of it are 404 from then on."""
    digest = registry.put_image("v1")
    registry.put_manifest(f"{digest}?tag=v2", manifest(), OCI_MANIFEST)

    assert registry.ask("DELETE", f"manifests/{digest}").status == 202

    for reference in (digest, "v1", "v2"):
        assert [registry.ask(method, f"manifests/{reference}").status for method in ("GET", "HEAD")] == [404, 404]
    assert registry.ask("GET", "tags/list").document["tags"] == []


def test_a_blob_is_deleted_at_once(registry: Registry) -> None:
    """Deleting Blobs · end-10 · MUST: 202, and the blob is 404 from then on."""
    digest = digest_of(b"some blob")
    registry.put_blob(b"some blob", digest)

    assert registry.ask("DELETE", f"blobs/{digest}").status == 202

    assert [registry.ask(method, f"blobs/{digest}").status for method in ("GET", "HEAD")] == [404, 404]


@pytest.mark.parametrize("target", ["manifests/none", f"manifests/{NOWHERE}", f"blobs/{NOWHERE}"])
@pytest.mark.parametrize("repository", ["there", "not there"])
def test_what_is_not_there_is_not_deleted(registry: Registry, target: str, repository: str) -> None:
    """Deleting tags, Manifests and Blobs · end-9, end-10 · MUST: 404 where it, or its repository, is not."""
    if repository == "there":
        registry.put_image("v1")

    assert registry.ask("DELETE", target).status == 404


def test_what_was_deleted_can_be_pushed_again(registry: Registry) -> None:
    """Content Management · end-9, end-10 · practice: deleting is not forbidding."""
    digest = registry.put_image("v1")
    registry.ask("DELETE", f"manifests/{digest}")
    registry.ask("DELETE", f"blobs/{digest_of(b'layer')}")

    assert registry.put_image("v1") == digest
    assert registry.ask("GET", f"blobs/{digest_of(b'layer')}").body == b"layer"


@pytest.mark.parametrize("needed", [f"blobs/{digest_of(b'layer')}", f"manifests/{digest_of(manifest())}"])
def test_what_a_manifest_needs_is_not_taken_from_it(registry: Registry, needed: str) -> None:
    """Deleting Manifests, Deleting Blobs · end-9, end-10 · MAY: refused with 400 or 405 while something names it."""
    registry.put_image("v1")
    registry.put_manifest("list", index(manifest()), OCI_INDEX)

    reply = registry.ask("DELETE", needed)

    assert reply.status in {400, 405}
    assert registry.ask("GET", needed).status == 200


def test_two_repositories_keep_their_own(registry: Registry) -> None:
    """Deleting Manifests · end-9 · MUST: a deletion is this repository's alone."""
    other = registry.another()
    digest = registry.put_image("v1")
    registry.put_image("v1", repository=other)

    registry.ask("DELETE", f"manifests/{digest}")

    assert registry.ask("GET", f"/v2/{other}/manifests/v1").digest == digest
