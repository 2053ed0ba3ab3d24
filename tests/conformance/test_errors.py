"""Errors: one form, the specification's codes, and none for a failure of ours, whatever is asked."""

from __future__ import annotations

import json

import pytest

from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST
from tests.conformance.talking import CODES, Registry
from tests.fronts.registry_api.asking import descriptor, digest_of, index, manifest

NOWHERE = digest_of(b"nowhere")


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "code"),
    [
        ("GET", f"blobs/{NOWHERE}", None, 404, "BLOB_UNKNOWN"),
        ("PATCH", "blobs/uploads/none", b"x", 404, "BLOB_UPLOAD_UNKNOWN"),
        ("PUT", f"manifests/{NOWHERE}", manifest(), 400, "DIGEST_INVALID"),
        ("PUT", "manifests/v2", index(b"missing"), 400, "MANIFEST_BLOB_UNKNOWN"),
        ("PUT", "manifests/v2", b"{}", 400, "MANIFEST_INVALID"),
        ("GET", "manifests/none", None, 404, "MANIFEST_UNKNOWN"),
        ("GET", "/v2/UPPER/manifests/v1", None, 400, "NAME_INVALID"),
        ("GET", "/v2/conformance/never/manifests/v1", None, 404, "NAME_UNKNOWN"),
        ("PUT", "manifests/v2", b"x" * (4 * 1024 * 1024 + 1), 413, "SIZE_INVALID"),
        ("POST", "manifests/v1", b"", 405, "UNSUPPORTED"),
    ],
)
def test_a_code_for_each_error(
    registry: Registry, method: str, target: str, body: bytes | None, status: int, code: str
) -> None:
    """Error Codes · code-1 to code-14 · MUST: JSON with errors, each with one of the fourteen codes."""
    registry.put_image("v1")
    media_type = OCI_INDEX if body == index(b"missing") else OCI_MANIFEST

    reply = registry.ask(method, target, body, {"Content-Type": media_type})

    assert (reply.status, reply.codes) == (status, [code])


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("PUT", "/v2/", "GET, HEAD"),
        ("DELETE", "tags/list", "GET, HEAD"),
        ("PATCH", "manifests/v1", "GET, HEAD, PUT, DELETE"),
        ("POST", f"blobs/{NOWHERE}", "GET, HEAD, DELETE"),
        ("GET", "blobs/uploads/", "POST"),
    ],
)
def test_a_method_that_is_not_to_be_had(registry: Registry, method: str, target: str, allowed: str) -> None:
    """API · RFC 9110, 15.5.6 · SHOULD: 405 with Allow."""
    reply = registry.ask(method, target, b"")

    assert (reply.status, reply.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/", "/v1/", "/v2/a", "/v2/a/b", "/v2/a/tags", "/v2/_other", "/v2/a/blobs/"])
def test_a_path_that_is_none_is_404(registry: Registry, path: str) -> None:
    """Endpoints · RFC 9110, 15.5.5 · SHOULD: 404 for what is no endpoint."""
    assert registry.ask("GET", path).status == 404


HOSTILE = [
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "a%00b",
    "a%0d%0aX:y",
    "%ff%fe",
    "a%5c..%5cb",
    "%e2%80%ae",
    "a" * 20_000,
    "a/" * 5_000,
    "a%2f%2fb",
    "'; DROP TABLE tag; --".replace(" ", "%20"),
    "<script>",
    "{}",
    "%25%32%65",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_refused(registry: Registry, name: str) -> None:
    """Error Codes · code-8 · MUST: what is called a name, a tag, a digest or a session is one, or refused with 4xx."""
    for method, target in (
        ("GET", f"/v2/{name}/manifests/v1"),
        ("PUT", f"/v2/{name}/manifests/v1"),
        ("POST", f"/v2/{name}/blobs/uploads/"),
        ("GET", f"/v2/{registry.repository}/manifests/{name}"),
        ("PUT", f"/v2/{registry.repository}/manifests/{name}"),
        ("DELETE", f"/v2/{registry.repository}/blobs/{name}"),
        ("PATCH", f"/v2/{registry.repository}/blobs/uploads/{name}"),
        ("GET", f"/v2/{registry.repository}/referrers/{name}"),
        ("GET", f"/v2/{registry.repository}/tags/list?n={name}&last={name}"),
        ("POST", f"/v2/{registry.repository}/blobs/uploads/?mount={name}&from={name}"),
    ):
        reply = registry.ask(method, target, b"" if method in {"PUT", "PATCH", "POST"} else None)
        assert 400 <= reply.status < 500
        assert set(reply.codes) <= CODES


def test_an_index_as_deep_as_one_likes_is_taken_level_by_level(registry: Registry) -> None:
    """Pushing Manifests · end-7a · practice: depth costs nothing, as each level is looked at by itself."""
    digest = registry.put_image("v1")
    raw, media_type = manifest(), OCI_MANIFEST
    for _ in range(60):
        inner = descriptor(raw, media_type)
        raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [inner]}).encode()
        media_type = OCI_INDEX
        assert registry.put_manifest(digest_of(raw), raw, OCI_INDEX).status == 201

    assert registry.put_manifest("deep", raw, OCI_INDEX).status == 201
    assert registry.ask("GET", "manifests/deep").body == raw
    assert registry.ask("GET", f"manifests/{digest}").status == 200


@pytest.mark.parametrize("depth", [500, 100_000])
def test_a_document_as_deep_as_one_likes_is_refused(registry: Registry, depth: int) -> None:
    """Error Codes · code-6 · MUST: MANIFEST_INVALID for what only means to be deep."""
    for raw in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        reply = registry.put_manifest("v1", raw, OCI_MANIFEST)
        assert (reply.status, reply.codes) == (400, ["MANIFEST_INVALID"])
