"""sha512: content is kept and answered under the algorithm that the client chose, never under another."""

from __future__ import annotations

import json

import pytest

from lading.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from tests.conformance.talking import Registry, with_query
from tests.fronts.registry_api.asking import descriptor, digest_of

LAYER, CONFIG = b"layer of sha512", b'{"os":"linux"}'
SHA512, SHA256 = digest_of(LAYER, "sha512"), digest_of(LAYER)
IMAGE = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(CONFIG, OCI_CONFIG, "sha512"),
        "layers": [descriptor(LAYER, OCI_LAYER_GZIP, "sha512")],
    }
).encode()
INDEX = json.dumps(
    {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(IMAGE, OCI_MANIFEST, "sha512")]}
).encode()


def filled(registry: Registry) -> None:
    for blob in (CONFIG, LAYER):
        assert registry.put_blob(blob, digest_of(blob, "sha512")).status == 201


@pytest.mark.parametrize("way", ["POST and PUT", "POST", "chunks", "announced"])
def test_a_blob_is_kept_under_sha512(registry: Registry, way: str) -> None:
    """Pushing blobs · end-4b, end-4c, end-5, end-6 · SHOULD: sha512 is supported in every way of pushing."""
    match way:
        case "POST":
            reply = registry.ask("POST", f"blobs/uploads/?digest={SHA512}", LAYER)
        case "chunks":
            session = registry.ask("PATCH", registry.begin().location, LAYER[:5]).location
            reply = registry.ask("PUT", with_query(session, digest=SHA512), LAYER[5:])
        case "announced":
            session = registry.begin("?digest-algorithm=sha512").location
            reply = registry.ask("PUT", with_query(session, digest=SHA512), LAYER)
        case _:
            reply = registry.put_blob(LAYER, SHA512)

    assert (reply.status, reply.digest) == (201, SHA512)
    for method in ("GET", "HEAD"):
        found = registry.ask(method, f"blobs/{SHA512}")
        assert (found.status, found.digest) == (200, SHA512)
    assert registry.ask("GET", f"blobs/{SHA512}").body == LAYER


def test_a_blob_under_sha512_is_not_there_under_sha256(registry: Registry) -> None:
    """Pulling blobs · end-2 · MUST: the digest of an answer is that of the request."""
    registry.put_blob(LAYER, SHA512)

    assert registry.ask("HEAD", f"blobs/{SHA256}").status == 404


def test_an_algorithm_that_nobody_knows_is_refused(registry: Registry) -> None:
    """Pushing a blob in chunks · end-4c · SHOULD: an unsupported digest-algorithm is 400."""
    reply = registry.begin("?digest-algorithm=md5")

    assert (reply.status, reply.codes) == (400, ["DIGEST_INVALID"])


def test_a_blob_is_mounted_under_sha512(registry: Registry) -> None:
    """Mounting a blob · end-11 · MUST: as any other."""
    other = registry.another()
    registry.put_blob(LAYER, SHA512, other)

    reply = registry.begin(f"?mount={SHA512}&from={other}")

    assert (reply.status, reply.digest) == (201, SHA512)


def test_a_manifest_is_kept_under_sha512(registry: Registry) -> None:
    """Pushing manifests · end-7a · MUST: Docker-Content-Digest is the digest that the client pushed by."""
    filled(registry)
    digest = digest_of(IMAGE, "sha512")

    reply = registry.put_manifest(digest, IMAGE, OCI_MANIFEST)

    assert (reply.status, reply.digest) == (201, digest)
    for method in ("GET", "HEAD"):
        assert registry.ask(method, f"manifests/{digest}").digest == digest
    assert registry.ask("GET", reply.location).body == IMAGE
    assert registry.ask("DELETE", f"manifests/{digest}").status == 202
    assert registry.ask("GET", f"manifests/{digest}").status == 404


def test_an_index_names_its_manifests_by_sha512(registry: Registry) -> None:
    """Pushing manifests · end-7a · MUST: content may be referred to by either algorithm."""
    filled(registry)
    registry.put_manifest(digest_of(IMAGE, "sha512"), IMAGE, OCI_MANIFEST)
    digest = digest_of(INDEX, "sha512")

    assert registry.put_manifest(digest, INDEX, OCI_INDEX).digest == digest
    assert registry.ask("GET", f"manifests/{digest}").body == INDEX


def test_tags_name_what_was_pushed_by_sha512(registry: Registry) -> None:
    """Pushing manifests · end-7b · dev: `tag` parameters point at the manifest under the client's digest."""
    filled(registry)
    digest = digest_of(IMAGE, "sha512")

    registry.put_manifest(f"{digest}?tag=v1", IMAGE, OCI_MANIFEST)

    assert registry.ask("HEAD", "manifests/v1").digest == digest


def test_referrers_of_a_subject_by_sha512(registry: Registry) -> None:
    """Listing Referrers · end-12a · MUST: the subject is the digest that the manifest names."""
    filled(registry)
    subject = descriptor(IMAGE, OCI_MANIFEST, "sha512")
    raw = json.dumps(json.loads(IMAGE) | {"artifactType": "a/b", "subject": subject}).encode()

    reply = registry.put_manifest(digest_of(raw, "sha512"), raw, OCI_MANIFEST)

    assert reply.headers["oci-subject"] == subject["digest"]
    listed = registry.ask("GET", f"referrers/{subject['digest']}").document["manifests"]
    assert isinstance(listed, list)
    assert [each["digest"] for each in listed] == [digest_of(raw, "sha512")]


@pytest.mark.parametrize("digest", [digest_of(b"other", "sha512"), "sha512:" + "a" * 64])
def test_a_sha512_that_is_wrong_is_refused(registry: Registry, digest: str) -> None:
    """Pushing blobs, Pushing manifests · end-6, end-7a · SHOULD: 400 with DIGEST_INVALID."""
    filled(registry)

    assert registry.put_blob(LAYER, digest).codes == ["DIGEST_INVALID"]
    assert registry.put_manifest(digest, IMAGE, OCI_MANIFEST).codes == ["DIGEST_INVALID"]
