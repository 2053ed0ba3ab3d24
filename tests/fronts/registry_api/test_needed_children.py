"""What a manifest names stays with it, and is there as what clients will ask for: a manifest or a blob."""

from __future__ import annotations

import json

import pytest

from lading.oci.media_types import OCI_EMPTY, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from tests.fronts.registry_api.asking import Asker, descriptor, digest_of, index, manifest

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"


def index_of(*entries: dict[str, object]) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


def foreign(media_type: str) -> bytes:
    """An image whose only layer need not be here."""
    layer = descriptor(b"elsewhere", media_type) | {"urls": ["https://example.com/x"]}
    return manifest(layers=[layer])


@pytest.mark.parametrize("media_type", [FOREIGN, NONDISTRIBUTABLE])
@pytest.mark.parametrize("pushed", ["before", "after"])
def test_a_foreign_layer_that_was_pushed_stays_with_its_manifest(ask: Asker, media_type: str, pushed: str) -> None:
    ask.put_blob("r", b"{}")
    if pushed == "before":
        ask.put_blob("r", b"elsewhere")
    digest = ask.put_manifest("r", "v1", foreign(media_type)).headers["docker-content-digest"]
    if pushed == "after":
        ask.put_blob("r", b"elsewhere")

    reply = ask("DELETE", f"/v2/r/blobs/{digest_of(b'elsewhere')}")

    assert (reply.status, reply.code) == (405, "UNSUPPORTED")
    assert ask("GET", f"/v2/r/blobs/{digest_of(b'elsewhere')}").body == b"elsewhere"
    assert ask("DELETE", f"/v2/r/manifests/{digest}").status == 202
    assert ask("DELETE", f"/v2/r/blobs/{digest_of(b'elsewhere')}").status == 202


def test_a_layer_that_is_named_as_foreign_and_as_none_is_needed(ask: Asker) -> None:
    ask.put_blob("r", b"{}")
    layers = [descriptor(b"elsewhere", FOREIGN), descriptor(b"elsewhere", OCI_LAYER_GZIP)]

    assert ask.put_manifest("r", "v1", manifest(layers=layers)).code == "MANIFEST_BLOB_UNKNOWN"


def test_an_index_needs_its_manifests_as_manifests(ask: Asker) -> None:
    """Held as a blob it would be 404 where whoever reads the index asks for it."""
    ask.put_image("r", "v1")
    other = manifest(annotations={"other": "yes"})
    ask.put_blob("r", other)

    reply = ask.put_manifest("r", "all", index(manifest(), other), OCI_INDEX)

    assert (reply.status, reply.code) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert digest_of(other) in str(reply.document)
    assert digest_of(manifest()) not in str(reply.document)
    assert ask.put_manifest("r", digest_of(other), other).status == 201
    assert ask.put_manifest("r", "all", index(manifest(), other), OCI_INDEX).status == 201


def test_a_manifest_needs_its_layers_as_blobs(ask: Asker) -> None:
    ask.put_image("r", "v1")
    raw = manifest(layers=[descriptor(manifest(), OCI_LAYER_GZIP)])

    assert ask.put_manifest("r", "v2", raw).code == "MANIFEST_BLOB_UNKNOWN"

    ask.put_blob("r", manifest())
    assert ask.put_manifest("r", "v2", raw).status == 201


def test_an_index_of_layers_is_what_a_build_cache_is(ask: Asker) -> None:
    ask.put_blob("r", b"layer")

    assert ask.put_manifest("r", "cache", index_of(descriptor(b"layer", OCI_LAYER_GZIP)), OCI_INDEX).status == 201
    assert ask.put_manifest("r", "none", index_of(descriptor(b"none", OCI_EMPTY)), OCI_INDEX).status == 400


def test_a_layer_that_is_a_manifest_may_be_held_as_one(ask: Asker) -> None:
    ask.put_image("r", "v1")

    assert ask.put_manifest("r", "v2", manifest(layers=[descriptor(manifest(), OCI_MANIFEST)])).status == 201
