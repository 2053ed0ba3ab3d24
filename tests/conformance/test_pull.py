"""Pull: manifests and blobs, whole or in part, and whether they are there."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from lading.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_INDEX,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)
from tests.conformance.talking import Registry
from tests.fronts.registry_api.asking import artifact, descriptor, digest_of, index, manifest

CONTENT = bytes(range(256)) * 8
SIZE = len(CONTENT)
NOWHERE = digest_of(b"nowhere")

DOCKER = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": descriptor(b"{}", DOCKER_CONFIG),
        "layers": [descriptor(b"layer", DOCKER_LAYER_GZIP)],
    },
    indent=4,
).encode()
DOCKER_LIST = json.dumps(
    {"schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": [descriptor(DOCKER, DOCKER_MANIFEST)]}
).encode()
UNTYPED = json.dumps({name: value for name, value in json.loads(manifest()).items() if name != "mediaType"}).encode()
ARTIFACT = artifact(b"subject", "application/vnd.example.sbom.v1")

KINDS = {
    "an image": (manifest(), OCI_MANIFEST),
    "an image without mediaType": (UNTYPED, OCI_MANIFEST),
    "an index": (index(manifest()), OCI_INDEX),
    "an artifact": (ARTIFACT, OCI_MANIFEST),
    "docker's image": (DOCKER, DOCKER_MANIFEST),
    "docker's list": (DOCKER_LIST, DOCKER_INDEX),
}


def filled(registry: Registry) -> None:
    """With what the manifests above name."""
    for blob in (b"{}", b"layer"):
        registry.put_blob(blob, digest_of(blob))
    for raw, media_type in ((manifest(), OCI_MANIFEST), (DOCKER, DOCKER_MANIFEST)):
        assert registry.put_manifest(digest_of(raw), raw, media_type).status == 201


def test_the_root_says_that_this_is_a_registry(registry: Registry) -> None:
    """Determining Support · end-1 · MUST: a GET of /v2/ answers 200."""
    assert registry.ask("GET", "/v2/").status == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest_comes_back_as_it_was_pushed(registry: Registry, kind: str) -> None:
    """Pulling manifests · end-3 · MUST: a GET of a manifest by tag and by digest answers 200 with the very bytes."""
    filled(registry)
    raw, media_type = KINDS[kind]
    assert registry.put_manifest("v1", raw, media_type).status == 201

    for reference in ("v1", digest_of(raw)):
        reply = registry.ask("GET", f"manifests/{reference}")
        assert (reply.status, reply.body) == (200, raw)


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest_keeps_its_type(registry: Registry, kind: str) -> None:
    """Pulling manifests · end-3 · SHOULD: Content-Type is the one that was pushed, without parameters."""
    filled(registry)
    raw, media_type = KINDS[kind]
    registry.put_manifest("v1", raw, media_type)

    for method in ("GET", "HEAD"):
        assert registry.ask(method, "manifests/v1").headers["content-type"] == media_type


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_names_its_digest(registry: Registry, method: str) -> None:
    """Pulling manifests · end-2, end-3 · MUST: a manifest or blob comes with Docker-Content-Digest."""
    digest = registry.put_image("v1")

    assert registry.ask(method, "manifests/v1").digest == digest
    assert registry.ask(method, f"manifests/{digest}").digest == digest
    assert registry.ask(method, f"blobs/{digest_of(b'layer')}").digest == digest_of(b"layer")


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/html",
        "application/json",
        DOCKER_MANIFEST,
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        f"{OCI_INDEX}, {DOCKER_INDEX};q=0.5",
        "nonsense",
    ],
)
def test_what_is_stored_is_served_whatever_accept_says(registry: Registry, accept: str) -> None:
    """Pulling manifests · end-3 · practice: never converted and never hidden because of Accept; clients judge."""
    registry.put_image("v1")

    reply = registry.ask("GET", "manifests/v1", headers={"Accept": accept})

    assert (reply.status, reply.body) == (200, manifest())


def test_a_blob_comes_back(registry: Registry) -> None:
    """Pulling blobs · end-2 · MUST: a GET of a blob answers 200 with its bytes."""
    digest = digest_of(CONTENT)
    registry.put_blob(CONTENT, digest)

    reply = registry.ask("GET", f"blobs/{digest}")

    assert (reply.status, reply.body) == (200, CONTENT)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", ["manifests/none", f"manifests/{NOWHERE}", f"blobs/{NOWHERE}"])
def test_what_is_not_there_is_404(registry: Registry, method: str, target: str) -> None:
    """Pulling manifests, Pulling blobs, Checking if content exists · end-2, end-3 · MUST: 404 where it is not."""
    registry.put_image("v1")

    assert registry.ask(method, target).status == 404


@pytest.mark.parametrize("target", ["manifests/v1", f"manifests/{NOWHERE}", f"blobs/{NOWHERE}", "tags/list"])
def test_a_repository_that_is_not_there_is_404(registry: Registry, target: str) -> None:
    """Pushing manifests · end-2, end-3 · MUST: an attempt to pull from a repository that is not there answers 404."""
    reply = registry.ask("GET", target)

    assert (reply.status, reply.codes) == (404, ["NAME_UNKNOWN"])


def test_a_repository_answers_for_its_own_content_alone(registry: Registry) -> None:
    """Pulling blobs · end-2, end-3 · MUST: what another repository holds is not found in this one."""
    other = registry.another()
    digest = registry.put_image("v1", repository=other)
    registry.put_image("v2", b"another layer")

    assert registry.ask("GET", f"blobs/{digest_of(b'layer')}").status == 404
    assert registry.ask("GET", f"manifests/{digest}").status == 404


def test_head_tells_the_size(registry: Registry) -> None:
    """Checking if content exists · end-2, end-3 · MUST: HEAD answers 200 with the size in Content-Length."""
    digest = registry.put_image("v1")

    for target, size in (
        ("manifests/v1", len(manifest())),
        (f"manifests/{digest}", len(manifest())),
        (f"blobs/{digest_of(b'layer')}", 5),
    ):
        reply = registry.ask("HEAD", target)
        assert (reply.status, reply.headers["content-length"]) == (200, str(size))


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=500-1499", 500, 1499),
        ("bytes=500-", 500, SIZE - 1),
        ("bytes=-500", SIZE - 500, SIZE - 1),
        ("bytes=2000-5000", 2000, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
    ],
)
def test_a_range_of_a_blob(registry: Registry, asked: str, first: int, last: int) -> None:
    """Pulling blobs · end-2 · SHOULD: Range gives a part with 206: closed, open, from the end, beyond the end."""
    digest = digest_of(CONTENT)
    registry.put_blob(CONTENT, digest)

    reply = registry.ask("GET", f"blobs/{digest}", headers={"Range": asked})

    assert (reply.status, reply.body) == (206, CONTENT[first : last + 1])
    assert reply.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert reply.digest == digest


@pytest.mark.parametrize("asked", ["bytes=500-0", f"bytes={SIZE}-", "bytes=5000-10000", "bytes=-0"])
def test_a_range_that_there_is_not_leaves_the_connection_whole(registry: Registry, asked: str) -> None:
    """Pulling blobs · end-2 · SHOULD: a reversed or unsatisfiable range is 416, and the next answer is whole."""
    digest = digest_of(CONTENT)
    registry.put_blob(CONTENT, digest)
    registry.ask("GET", "/v2/")
    connected = registry.connection.sock

    reply = registry.ask("GET", f"blobs/{digest}", headers={"Range": asked})

    assert (reply.status, reply.headers["content-range"]) == (416, f"bytes */{SIZE}")
    assert registry.ask("GET", f"blobs/{digest}").body == CONTENT
    assert registry.connection.sock is connected


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "lines=1-2", "bytes", "0-5", "bytes=a-b"])
def test_a_range_that_is_not_understood_is_passed_over(registry: Registry, asked: str) -> None:
    """Pulling blobs · end-2 · SHOULD: several ranges, other units and nonsense give all of it (RFC 9110, 14.2)."""
    digest = digest_of(CONTENT)
    registry.put_blob(CONTENT, digest)

    reply = registry.ask("GET", f"blobs/{digest}", headers={"Range": asked})

    assert (reply.status, reply.body) == (200, CONTENT)


def test_blobs_say_that_they_have_ranges(registry: Registry) -> None:
    """Pulling blobs · end-2 · SHOULD: Accept-Ranges tells it, and HEAD passes over Range (RFC 9110, 14)."""
    digest = digest_of(CONTENT)
    registry.put_blob(CONTENT, digest)

    reply = registry.ask("HEAD", f"blobs/{digest}", headers={"Range": "bytes=0-9"})

    assert (reply.status, reply.headers["accept-ranges"]) == (200, "bytes")
    assert reply.headers["content-length"] == str(SIZE)


@pytest.mark.parametrize(
    "name", ["a", "a1", "a/b", "a.b", "a_b", "a__b", "a-b", "a---b", "0/1/2", "x" * 200, "tags/list"]
)
def test_a_name_of_the_grammar_is_a_name(registry: Registry, name: str) -> None:
    """Pulling manifests · end-3 · MUST: names match [a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)* between slashes."""
    repository = f"{registry.repository}/{name}"
    digest = registry.put_image("v1", repository=repository)

    assert registry.ask("GET", f"/v2/{repository}/manifests/v1").digest == digest


@pytest.mark.parametrize(
    "name", ["A", "a..b", "a___b", "a._b", "-a", "a-", ".a", "a.", "a//b", "a/", "_a", "a%20b", "ä"]
)
def test_a_name_beyond_the_grammar_is_refused(registry: Registry, name: str) -> None:
    """Pulling manifests · end-3 · MUST: other names are none, and answered with NAME_INVALID."""
    for target in ("manifests/v1", "tags/list", f"blobs/{NOWHERE}"):
        reply = registry.ask("GET", f"/v2/{quote(name, safe='/%')}/{target}")
        assert (reply.status, reply.codes) == (400, ["NAME_INVALID"])


@pytest.mark.parametrize("tag", ["a", "A", "_", "_-.", "v1.0-rc_1", "0", "t" * 128, "sha256-abc.sig"])
def test_a_tag_of_the_grammar_is_a_tag(registry: Registry, tag: str) -> None:
    """Pulling manifests · end-3 · MUST: a tag has up to 128 characters of [a-zA-Z0-9_][a-zA-Z0-9._-]*."""
    registry.put_image(tag)

    assert registry.ask("GET", f"manifests/{tag}").status == 200


@pytest.mark.parametrize("tag", [".a", "-a", "t" * 129, "a%20b", "a%2Bb", "%C3%A4"])
def test_a_tag_beyond_the_grammar_is_refused(registry: Registry, tag: str) -> None:
    """Pulling manifests · end-3, end-7a · MUST NOT: a reference is in no other form than a digest or a tag."""
    registry.put_image("v1")

    assert registry.ask("GET", f"manifests/{tag}").status in {400, 404}
    assert registry.put_manifest(tag, manifest(), OCI_MANIFEST).status == 400


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:",
        "sha256:abc",
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha512:" + "a" * 64,
        "SHA256:" + "a" * 64,
        "md5:" + "a" * 32,
        "sha256:sha256:" + "a" * 64,
        ":" + "a" * 64,
    ],
)
def test_a_malformed_digest_is_refused(registry: Registry, digest: str) -> None:
    """Pulling manifests, Pushing manifests · end-2, end-3, end-7a, end-9 · SHOULD: 400 or 404, never a 500."""
    registry.put_image("v1")

    for method, target in (
        ("GET", "manifests"),
        ("HEAD", "manifests"),
        ("PUT", "manifests"),
        ("DELETE", "manifests"),
        ("GET", "blobs"),
        ("DELETE", "blobs"),
    ):
        body = manifest() if method == "PUT" else None
        reply = registry.ask(method, f"{target}/{digest}", body, {"Content-Type": OCI_MANIFEST})
        assert reply.status in {400, 404}
        assert method == "HEAD" or reply.codes == ["DIGEST_INVALID"]


def test_the_source_host_of_a_mirrored_pull_is_passed_over(registry: Registry) -> None:
    """Registry Proxying · end-2, end-3 · MAY: `ns` is passed over."""
    digest = registry.put_image("v1")

    assert registry.ask("GET", "manifests/v1?ns=docker.io").digest == digest
    assert registry.ask("GET", f"blobs/{digest_of(b'layer')}?ns=docker.io").body == b"layer"


@pytest.mark.parametrize("media_type", [OCI_LAYER_GZIP, OCI_EMPTY])
def test_a_blobs_type_says_nothing_of_it(registry: Registry, media_type: str) -> None:
    """Pulling blobs · end-2 · practice: a blob is bytes; no browser takes it for a page."""
    digest = digest_of(CONTENT)
    session = registry.begin().location
    registry.ask("PUT", f"{session}?digest={digest}", CONTENT, {"Content-Type": media_type})

    reply = registry.ask("GET", f"blobs/{digest}")

    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["x-content-type-options"] == "nosniff"
