"""Push: manifests of every kind, by tag, by digest, and by digest with tags."""

from __future__ import annotations

import json

import pytest

from lading.oci.manifest import MANIFEST_LIMIT
from lading.oci.media_types import OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST
from tests.conformance.talking import Registry
from tests.fronts.registry_api.asking import artifact, descriptor, digest_of, index, manifest

IMAGE = manifest()
DIGEST = digest_of(IMAGE)
NOWHERE = digest_of(b"nowhere")


def changed(**fields: object) -> bytes:
    return json.dumps(json.loads(IMAGE) | fields).encode()


@pytest.fixture
def filled(registry: Registry) -> Registry:
    """Holds what IMAGE names."""
    for blob in (b"{}", b"layer"):
        registry.put_blob(blob, digest_of(blob))
    return registry


@pytest.mark.parametrize("reference", ["v1", DIGEST])
def test_a_manifest_is_put(filled: Registry, reference: str) -> None:
    """Pushing Manifests · end-7a · MUST: 201 with a Location from which it can be pulled, and its digest."""
    reply = filled.put_manifest(reference, IMAGE, OCI_MANIFEST)

    assert (reply.status, reply.digest) == (201, DIGEST)
    assert filled.ask("GET", reply.location).body == IMAGE


@pytest.mark.parametrize("raw", [IMAGE + b"\n\n  ", IMAGE.replace(b"  ", b"\t"), changed(custom={"a": [1, None, "ü"]})])
def test_a_manifest_is_kept_byte_for_byte(filled: Registry, raw: bytes) -> None:
    """Pushing Manifests · end-7a · MUST: stored in the exact bytes of the client, fields that nobody knows included."""
    assert filled.put_manifest("v1", raw, OCI_MANIFEST).digest == digest_of(raw)

    assert filled.ask("GET", "manifests/v1").body == raw


def test_parameters_of_the_type_are_passed_over(filled: Registry) -> None:
    """Pushing Manifests · end-7a · SHOULD: the registry ignores parameters on Content-Type."""
    assert filled.put_manifest("v1", IMAGE, f"{OCI_MANIFEST}; charset=utf-8").status == 201

    assert filled.ask("GET", "manifests/v1").headers["content-type"] == OCI_MANIFEST


def test_a_manifest_of_another_digest_is_refused(filled: Registry) -> None:
    """Pushing Manifests · end-7a · MUST: the digest is the bytes', else 400 with DIGEST_INVALID."""
    reply = filled.put_manifest(NOWHERE, IMAGE, OCI_MANIFEST)

    assert (reply.status, reply.codes) == (400, ["DIGEST_INVALID"])
    assert filled.ask("GET", f"manifests/{NOWHERE}").status == 404


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (changed(layers=[descriptor(b"missing", OCI_LAYER_GZIP)]), OCI_MANIFEST),
        (changed(config=descriptor(b"missing", OCI_CONFIG)), OCI_MANIFEST),
        (index(b"missing"), OCI_INDEX),
    ],
)
def test_a_manifest_without_its_content_is_refused(filled: Registry, raw: bytes, media_type: str) -> None:
    """Push · end-7a · MUST: a manifest that is refused for what it names gets MANIFEST_BLOB_UNKNOWN."""
    reply = filled.put_manifest("v1", raw, media_type)

    assert (reply.status, reply.codes) == (400, ["MANIFEST_BLOB_UNKNOWN"])
    assert filled.ask("GET", "manifests/v1").status == 404


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"{}", changed(schemaVersion=1), changed(layers=5)])
def test_what_is_no_manifest_is_refused(filled: Registry, raw: bytes) -> None:
    """Error Codes · end-7a · MUST: 400 with MANIFEST_INVALID."""
    reply = filled.put_manifest("v1", raw, OCI_MANIFEST)

    assert (reply.status, reply.codes) == (400, ["MANIFEST_INVALID"])


def test_a_type_that_contradicts_the_manifest_is_refused(filled: Registry) -> None:
    """Pushing Manifests · end-7a · MUST: Content-Type is the manifest's mediaType."""
    assert filled.put_manifest("v1", IMAGE, OCI_INDEX).codes == ["MANIFEST_INVALID"]


def test_an_image_may_have_no_layers(filled: Registry) -> None:
    """Pushing Manifests · end-7a · MAY: the list of blobs is empty."""
    assert filled.put_manifest("v1", changed(layers=[]), OCI_MANIFEST).status == 201


def test_an_index_may_have_no_manifests(registry: Registry) -> None:
    """Pushing Manifests · end-7a · MAY: the list of manifests is empty."""
    assert registry.put_manifest("v1", index(), OCI_INDEX).status == 201


def test_an_index_may_hold_indexes(filled: Registry) -> None:
    """Pushing Manifests · end-7a · MUST: an index of indexes is an index."""
    filled.put_manifest(DIGEST, IMAGE, OCI_MANIFEST)
    inner = index(IMAGE)
    filled.put_manifest(digest_of(inner), inner, OCI_INDEX)
    outer = json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(inner, OCI_INDEX)]}
    ).encode()

    assert filled.put_manifest("v1", outer, OCI_INDEX).status == 201


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
def test_a_layer_that_may_not_be_distributed_need_not_be_here(filled: Registry, media_type: str) -> None:
    """Pushing Manifests · end-7a · practice: non-distributable layers are elsewhere, as their urls say."""
    foreign = {**descriptor(b"elsewhere", media_type), "urls": ["https://example.com/layer"]}

    assert filled.put_manifest("v1", changed(layers=[foreign]), OCI_MANIFEST).status == 201


@pytest.mark.parametrize("artifact_type", ["application/vnd.example.sbom.v1", "a/b", "application/wasm"])
def test_any_artifact_is_taken(filled: Registry, artifact_type: str) -> None:
    """Pushing Manifests · end-7a · practice: an artifact of any type, with the empty config, about nothing."""
    raw = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": {**descriptor(b"{}", OCI_EMPTY), "data": "e30="},
            "layers": [descriptor(b"layer", "text/plain")],
        }
    ).encode()

    assert filled.put_manifest("v1", raw, OCI_MANIFEST).status == 201
    assert filled.ask("GET", "manifests/v1").body == raw


def test_zstd_layers_are_taken(filled: Registry) -> None:
    """Pushing Manifests · end-7a · practice: a layer of any type."""
    assert filled.put_manifest("v1", changed(layers=[descriptor(b"layer", OCI_LAYER_ZSTD)]), OCI_MANIFEST).status == 201


def test_four_mebibytes_of_manifest_are_taken(filled: Registry) -> None:
    """Pushing Manifests · end-7a · SHOULD: manifests of at least 4 megabytes."""
    bare = len(changed(annotations={"a": ""}))
    raw = changed(annotations={"a": "x" * (MANIFEST_LIMIT - bare)})
    assert len(raw) == 4 * 1024 * 1024

    assert filled.put_manifest("v1", raw, OCI_MANIFEST).status == 201
    assert filled.ask("GET", "manifests/v1").body == raw


@pytest.mark.parametrize("sent", ["with its length", "in chunks"])
def test_a_manifest_beyond_the_limit_is_413(filled: Registry, sent: str) -> None:
    """Pushing Manifests · end-7a · SHOULD: a registry with a limit answers 413 beyond it."""
    raw = changed(annotations={"a": "x" * MANIFEST_LIMIT})
    body = raw if sent == "with its length" else [raw[:1000], raw[1000:]]

    reply = filled.ask("PUT", "manifests/v1", body, {"Content-Type": OCI_MANIFEST})

    assert (reply.status, reply.codes) == (413, ["SIZE_INVALID"])
    assert filled.ask("GET", "manifests/v1").status == 404


def test_a_tag_moves(filled: Registry) -> None:
    """Pushing Manifests · end-7a · MUST: the tag names what was pushed last; what it named before stays by digest."""
    filled.put_manifest("v1", IMAGE, OCI_MANIFEST)
    other = changed(annotations={"a": "b"})

    filled.put_manifest("v1", other, OCI_MANIFEST)

    assert filled.ask("GET", "manifests/v1").body == other
    assert filled.ask("GET", f"manifests/{DIGEST}").body == IMAGE


# ── subjects


def test_a_subject_is_told_to_have_been_seen(filled: Registry) -> None:
    """Pushing Manifests with Subject · end-7a · MUST: OCI-Subject says that the registry lists the referrer itself."""
    filled.put_manifest("v1", IMAGE, OCI_MANIFEST)
    raw = artifact(IMAGE, "a/b")

    assert filled.put_manifest(digest_of(raw), raw, OCI_MANIFEST).headers["oci-subject"] == DIGEST


def test_a_subject_may_come_later(filled: Registry) -> None:
    """Push · end-7a · MUST: a manifest is accepted whose subject is not there."""
    raw = artifact(b"not there", "a/b")

    assert filled.put_manifest("sbom", raw, OCI_MANIFEST).status == 201


def test_without_a_subject_nothing_is_told(filled: Registry) -> None:
    """Pushing Manifests with Subject · end-7a · MUST NOT: no OCI-Subject where there is no subject."""
    assert "oci-subject" not in filled.put_manifest("v1", IMAGE, OCI_MANIFEST).headers


# ── tags by parameters


@pytest.mark.parametrize("count", [1, 10, 100])
def test_tags_come_with_a_manifest(filled: Registry, count: int) -> None:
    """Pushing Manifests · end-7b · dev: `tag` parameters set tags, at least ten, each told in OCI-Tag."""
    tags = [f"t{number}" for number in range(count)]

    reply = filled.put_manifest(f"{DIGEST}?{'&'.join(f'tag={tag}' for tag in tags)}", IMAGE, OCI_MANIFEST)

    assert (reply.status, reply.digest) == (201, DIGEST)
    assert [tag.strip() for value in reply.several["oci-tag"] for tag in value.split(",")] == tags
    assert filled.ask("GET", "tags/list").document["tags"] == sorted(tags)


def test_too_many_tags_are_414_and_none_is_set(filled: Registry) -> None:
    """Pushing Manifests · end-7b · MAY: 414 for too many tags."""
    tags = "&".join(f"tag=t{number}" for number in range(101))

    assert filled.put_manifest(f"{DIGEST}?{tags}", IMAGE, OCI_MANIFEST).status == 414
    assert filled.ask("GET", f"manifests/{DIGEST}").status == 404


@pytest.mark.parametrize("tag", ["-no", "", "a b", "t" * 129])
def test_one_tag_that_is_none_refuses_all(filled: Registry, tag: str) -> None:
    """Pushing Manifests · end-7b · dev: all tags are set, or none."""
    reply = filled.put_manifest(f"{DIGEST}?tag=good&tag={tag.replace(' ', '%20')}", IMAGE, OCI_MANIFEST)

    assert (reply.status, reply.codes) == (400, ["MANIFEST_INVALID"])
    assert filled.ask("GET", "manifests/good").status == 404


def test_the_same_manifest_again_is_success(filled: Registry) -> None:
    """Pushing Manifests · end-7a, end-7b · practice: who pushes again gets the same answer."""
    for _ in range(2):
        assert filled.put_manifest("v1", IMAGE, OCI_MANIFEST).status == 201
        assert filled.put_manifest(f"{DIGEST}?tag=v1&tag=v2", IMAGE, OCI_MANIFEST).status == 201
