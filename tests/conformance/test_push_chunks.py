"""Push: blobs in chunks and as streams, in order, out of order, and gone on with."""

from __future__ import annotations

import pytest

from tests.conformance.talking import Registry, Reply, with_query
from tests.fronts.registry_api.asking import digest_of

CONTENT = bytes(range(256)) * 8
DIGEST = digest_of(CONTENT)
SIZE = len(CONTENT)


def patch(registry: Registry, session: str, first: int, last: int) -> Reply:
    """One chunk, both ends included."""
    headers = {"Content-Range": f"{first}-{last}", "Content-Type": "application/octet-stream"}
    return registry.ask("PATCH", session, CONTENT[first : last + 1], headers)


def begun(registry: Registry, kept: int = 0) -> str:
    """A session that has so many bytes."""
    reply = registry.begin()
    return patch(registry, reply.location, 0, kept - 1).location if kept else reply.location


def test_chunks_make_a_blob(registry: Registry) -> None:
    """Pushing a blob in chunks · end-5 · MUST: each chunk is 202 with Location and the Range that is kept."""
    session = registry.begin().location
    for first, last in ((0, 511), (512, 1023), (1024, SIZE - 1)):
        reply = patch(registry, session, first, last)
        assert (reply.status, reply.headers["range"]) == (202, f"0-{last}")
        session = reply.location

    reply = registry.ask("PUT", with_query(session, digest=DIGEST), b"")

    assert reply.status == 201
    assert registry.ask("GET", reply.location).body == CONTENT


def test_the_last_chunk_may_come_with_the_end(registry: Registry) -> None:
    """Pushing a blob in chunks · end-6 · MUST: the closing PUT takes the final chunk with its Content-Range."""
    session = begun(registry, 1000)

    headers = {"Content-Range": f"1000-{SIZE - 1}"}
    reply = registry.ask("PUT", with_query(session, digest=DIGEST), CONTENT[1000:], headers)

    assert reply.status == 201
    assert registry.ask("GET", reply.location).body == CONTENT


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("first", [0, 500, 999, 1001, 5000])
def test_a_chunk_out_of_order_is_416_and_the_upload_goes_on(registry: Registry, method: str, first: int) -> None:
    """Pushing a blob in chunks · end-5, end-6 · MUST: 416 for a chunk out of order; the session stays usable."""
    session = begun(registry, 1000)
    chunk = CONTENT[1000:]
    target = with_query(session, digest=DIGEST) if method == "PUT" else session

    reply = registry.ask(method, target, chunk, {"Content-Range": f"{first}-{first + len(chunk) - 1}"})

    assert (reply.status, reply.headers["range"]) == (416, "0-999")
    status = registry.ask("GET", session)
    assert (status.status, status.headers["range"]) == (204, "0-999")
    assert registry.ask("PUT", with_query(status.location, digest=DIGEST), chunk).status == 201
    assert registry.ask("GET", f"blobs/{DIGEST}").body == CONTENT


def test_the_first_chunk_begins_at_nothing(registry: Registry) -> None:
    """Pushing a blob in chunks · end-5 · MUST: the first chunk's range begins with 0, else 416."""
    assert patch(registry, begun(registry), 1, 100).status == 416


@pytest.mark.parametrize("kept", [2, 1000, SIZE])
def test_the_status_says_where_to_go_on(registry: Registry, kept: int) -> None:
    """Pushing a blob in chunks · end-13 · MUST: a GET of the Location is 204 with Location and Range."""
    session = begun(registry, kept)

    reply = registry.ask("GET", session)

    assert (reply.status, reply.headers["range"]) == (204, f"0-{kept - 1}")
    assert registry.ask("PUT", with_query(reply.location, digest=DIGEST), CONTENT[kept:]).status == 201


def test_an_earlier_location_still_serves(registry: Registry) -> None:
    """Pushing a blob in chunks · end-13 · MUST: the status is asked at the URL of any preceding POST or PATCH."""
    first = registry.begin().location
    patch(registry, first, 0, 99)
    patch(registry, first, 100, 199)

    assert registry.ask("GET", first).headers["range"] == "0-199"


@pytest.mark.parametrize("text", ["0-", "-99", "99-0", "a-b", "0-98", "0-100", "0-99,100-199", "0 - 99"])
def test_a_content_range_that_is_none_or_does_not_fit_is_refused(registry: Registry, text: str) -> None:
    """Pushing a blob in chunks · end-5 · MUST: Content-Range is <first>-<last>, inclusive, and fits the body."""
    session = begun(registry)

    reply = registry.ask("PATCH", session, CONTENT[:100], {"Content-Range": text})

    assert (reply.status, reply.codes) == (400, ["BLOB_UPLOAD_INVALID"])
    assert patch(registry, session, 0, 99).status == 202


def test_a_stream_has_no_length(registry: Registry) -> None:
    """Pushing a blob in chunks · end-5 · practice: a PATCH without Content-Range and Content-Length, as docker's is."""
    session = registry.begin().location

    reply = registry.ask("PATCH", session, [CONTENT[:700], CONTENT[700:]])

    assert (reply.status, reply.headers["range"]) == (202, f"0-{SIZE - 1}")
    assert registry.ask("PUT", with_query(reply.location, digest=DIGEST), b"").status == 201


def test_a_put_may_be_a_stream(registry: Registry) -> None:
    """POST then PUT · end-6 · practice: a PUT without Content-Length."""
    session = registry.begin().location

    assert registry.ask("PUT", with_query(session, digest=DIGEST), [CONTENT[:1], CONTENT[1:]]).status == 201
    assert registry.ask("GET", f"blobs/{DIGEST}").body == CONTENT


def test_a_wrong_digest_keeps_what_came(registry: Registry) -> None:
    """Pushing a blob in chunks · end-6 · practice: after DIGEST_INVALID the right digest still ends the upload."""
    session = begun(registry, SIZE)

    assert registry.ask("PUT", with_query(session, digest=digest_of(b"")), b"").codes == ["DIGEST_INVALID"]
    assert registry.ask("PUT", with_query(session, digest=DIGEST), b"").status == 201


def test_chunks_may_be_as_small_as_one_likes(registry: Registry) -> None:
    """Pushing a blob in chunks · end-5 · SHOULD: no OCI-Chunk-Min-Length is asked for, and none is needed."""
    reply = registry.begin()
    assert "oci-chunk-min-length" not in reply.headers

    session = reply.location
    for place in range(10):
        session = patch(registry, session, place, place).location

    assert registry.ask("PUT", with_query(session, digest=digest_of(CONTENT[:10])), b"").status == 201
