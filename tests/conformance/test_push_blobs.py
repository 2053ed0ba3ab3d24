"""Push: blobs in one piece, by two requests or by one; cancelled, mounted, and what is refused."""

from __future__ import annotations

import pytest

from tests.conformance.talking import Registry, with_query
from tests.fronts.registry_api.asking import digest_of

CONTENT = bytes(range(256)) * 8
DIGEST = digest_of(CONTENT)
NOWHERE = digest_of(b"nowhere")


def test_a_post_begins_an_upload(registry: Registry) -> None:
    """POST then PUT · end-4a · MUST: 202 with a Location."""
    reply = registry.begin()

    assert reply.status == 202
    assert reply.headers["location"]
    assert reply.headers["range"] == "0-0"


def test_every_upload_has_an_id_of_its_own(registry: Registry) -> None:
    """POST then PUT · end-4a · MUST: the Location holds a unique id of the session."""
    locations = {registry.begin().location for _ in range(20)}

    assert len(locations) == 20
    assert all(registry.ask("GET", location).status == 204 for location in locations)


def test_a_put_ends_it(registry: Registry) -> None:
    """POST then PUT · end-6 · MUST: 201 with a Location from which the blob can be pulled."""
    session = registry.begin().location

    reply = registry.ask(
        "PUT", with_query(session, digest=DIGEST), CONTENT, {"Content-Type": "application/octet-stream"}
    )

    assert reply.status == 201
    assert registry.ask("GET", reply.location).body == CONTENT


def test_a_client_that_drops_the_query_of_a_location_works(registry: Registry) -> None:
    """POST then PUT · end-4a, end-5 · practice: all state of an upload is in the path or with us, none in a query."""
    session = registry.begin().location.partition("?")[0]
    session = registry.ask("PATCH", session, CONTENT[:100]).location.partition("?")[0]

    assert registry.ask("PUT", f"{session}?digest={DIGEST}", CONTENT[100:]).status == 201


def test_a_single_post_is_enough(registry: Registry) -> None:
    """Single POST · end-4b · MAY: a POST with digest and body answers 201."""
    reply = registry.ask("POST", f"blobs/uploads/?digest={DIGEST}", CONTENT)

    assert reply.status == 201
    assert registry.ask("GET", reply.location).body == CONTENT


@pytest.mark.parametrize("way", ["POST and PUT", "POST"])
def test_a_blob_of_another_digest_is_refused(registry: Registry, way: str) -> None:
    """Single POST, POST then PUT · end-4b, end-6 · MUST: the digest is the content's, else 400 DIGEST_INVALID."""
    if way == "POST":
        reply = registry.ask("POST", f"blobs/uploads/?digest={NOWHERE}", CONTENT)
    else:
        reply = registry.put_blob(CONTENT, NOWHERE)

    assert (reply.status, reply.codes) == (400, ["DIGEST_INVALID"])
    assert registry.ask("GET", f"blobs/{NOWHERE}").status == 404


@pytest.mark.parametrize(
    "digest", ["sha256:abc", "sha256", "md5:" + "a" * 32, "sha384:" + "a" * 96, "", "sha256:" + "G" * 64]
)
def test_a_digest_that_is_none_is_refused(registry: Registry, digest: str) -> None:
    """Pushing blobs · end-4b, end-6 · SHOULD: an invalid digest, or one of an unknown algorithm, is 400."""
    session = registry.begin().location

    reply = registry.ask("PUT", with_query(session, digest=digest), CONTENT)

    assert (reply.status, reply.codes) == (400, ["DIGEST_INVALID"])
    if digest:
        assert registry.ask("POST", f"blobs/uploads/?digest={digest}", CONTENT).status == 400
    assert registry.ask("PUT", with_query(session, digest=DIGEST), CONTENT).status == 201


def test_a_put_without_a_digest_is_refused(registry: Registry) -> None:
    """Pushing a blob in chunks · end-6 · MUST: the closing PUT names the digest."""
    session = registry.begin().location

    assert registry.ask("PUT", session, CONTENT).codes == ["DIGEST_INVALID"]


def test_an_empty_blob_is_a_blob(registry: Registry) -> None:
    """Pushing blobs · end-6 · MUST: content of no bytes has a digest like any other."""
    assert registry.put_blob(b"", digest_of(b"")).status == 201

    reply = registry.ask("GET", f"blobs/{digest_of(b'')}")
    assert (reply.status, reply.body) == (200, b"")


def test_the_same_blob_again_is_success(registry: Registry) -> None:
    """Pushing blobs · end-6 · practice: clients push what is there already."""
    assert [registry.put_blob(CONTENT, DIGEST).status for _ in range(2)] == [201, 201]


@pytest.mark.parametrize("way", ["POST and PUT", "POST", "mount"])
def test_a_blobs_answer_names_its_digest(registry: Registry, way: str) -> None:
    """Pushing blobs · end-4b, end-6, end-11 · dev: Docker-Content-Digest comes with every 201."""
    other = registry.another()
    registry.put_blob(CONTENT, DIGEST, other)
    reply = {
        "POST and PUT": lambda: registry.put_blob(CONTENT, DIGEST),
        "POST": lambda: registry.ask("POST", f"blobs/uploads/?digest={DIGEST}", CONTENT),
        "mount": lambda: registry.begin(f"?mount={DIGEST}&from={other}"),
    }[way]()

    assert (reply.status, reply.digest) == (201, DIGEST)


# ── cancel


@pytest.mark.parametrize("sent", [0, 100])
def test_an_upload_is_cancelled(registry: Registry, sent: int) -> None:
    """Cancel a blob upload · end-14 · dev: DELETE of the Location answers 204, and the session is gone."""
    session = registry.begin().location
    if sent:
        session = registry.ask("PATCH", session, CONTENT[:sent]).location

    assert registry.ask("DELETE", session).status == 204

    for method, query in (("GET", ""), ("PATCH", ""), ("PUT", f"?digest={DIGEST}"), ("DELETE", "")):
        reply = registry.ask(method, session + query, CONTENT if method in {"PATCH", "PUT"} else None)
        assert (reply.status, reply.codes) == (404, ["BLOB_UPLOAD_UNKNOWN"])


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_an_upload_that_nobody_began_is_404(registry: Registry, method: str) -> None:
    """Endpoints · end-5, end-6, end-13, end-14 · MUST: 404 with BLOB_UPLOAD_UNKNOWN."""
    reply = registry.ask(method, f"blobs/uploads/none?digest={DIGEST}", CONTENT if method in {"PATCH", "PUT"} else None)

    assert (reply.status, reply.codes) == (404, ["BLOB_UPLOAD_UNKNOWN"])


def test_an_upload_that_ended_is_404(registry: Registry) -> None:
    """Endpoints · end-13 · MUST: 404 once the blob is there."""
    session = registry.begin().location
    registry.ask("PUT", with_query(session, digest=DIGEST), CONTENT)

    assert registry.ask("GET", session).status == 404


# ── mounts


def test_a_blob_is_mounted(registry: Registry) -> None:
    """Mounting a blob · end-11 · MUST: 201 with a Location from which the blob can be pulled here."""
    other = registry.another()
    registry.put_blob(CONTENT, DIGEST, other)

    reply = registry.begin(f"?mount={DIGEST}&from={other}")

    assert reply.status == 201
    assert reply.location == f"/v2/{registry.repository}/blobs/{DIGEST}"
    assert registry.ask("GET", reply.location).body == CONTENT


@pytest.mark.parametrize("source", ["a repository without it", "a repository that is not there", "no name at all"])
def test_a_blob_that_cannot_be_mounted_is_uploaded(registry: Registry, source: str) -> None:
    """Mounting a blob · end-11 · SHOULD: 202 where the mount is not possible, and the upload goes on from there."""
    other = registry.another()
    if source == "a repository without it":
        registry.put_blob(b"{}", digest_of(b"{}"), other)
    missing = digest_of(registry.repository.encode())

    reply = registry.begin(f"?mount={missing}&from={'A..B' if source == 'no name at all' else other}")

    assert reply.status == 202
    assert registry.ask("PUT", with_query(reply.location, digest=missing), registry.repository.encode()).status == 201


def test_a_missing_blob_is_not_mounted_from_anywhere(registry: Registry) -> None:
    """Mounting a blob · end-11 · SHOULD: without `from` a blob that nobody holds is 202 too."""
    assert registry.begin(f"?mount={digest_of(registry.repository.encode())}").status == 202


def test_a_mounted_blob_stays_when_the_other_repository_drops_it(registry: Registry) -> None:
    """Mounting a blob, Deleting Blobs · end-10, end-11 · practice: each repository holds what it holds."""
    other = registry.another()
    registry.put_blob(CONTENT, DIGEST, other)
    registry.begin(f"?mount={DIGEST}&from={other}")

    assert registry.ask("DELETE", f"/v2/{other}/blobs/{DIGEST}").status == 202

    assert registry.ask("GET", f"blobs/{DIGEST}").body == CONTENT


@pytest.mark.parametrize("digest", ["sha256:abc", "md5:" + "a" * 32])
def test_a_mount_of_no_digest_is_refused(registry: Registry, digest: str) -> None:
    """Pushing blobs · end-11 · SHOULD: an invalid digest is 400."""
    assert registry.begin(f"?mount={digest}&from={registry.another()}").status == 400
