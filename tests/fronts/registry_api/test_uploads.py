"""Blobs being pushed at the /v2/ door: every way the specification has, and every way it can break."""

from __future__ import annotations

import pytest

from lading.wire.message import ConnectionLost
from tests.fronts.registry_api.asking import Asker, digest_of

CONTENT = b"0123456789" * 10
DIGEST = digest_of(CONTENT)


def begin(ask: Asker, repository: str = "r") -> str:
    """A session's path."""
    reply = ask("POST", f"/v2/{repository}/blobs/uploads/")
    assert (reply.status, reply.headers["range"]) == (202, "0-0")
    assert reply.headers["docker-upload-uuid"] in reply.headers["location"]
    return reply.headers["location"]


def is_held(ask: Asker, repository: str = "r") -> bool:
    return ask("GET", f"/v2/{repository}/blobs/{DIGEST}").body == CONTENT


def test_a_post_and_a_put(ask: Asker) -> None:
    reply = ask("PUT", f"{begin(ask)}?digest={DIGEST}", CONTENT)

    assert (reply.status, reply.headers["docker-content-digest"]) == (201, DIGEST)
    assert reply.headers["location"] == f"/v2/r/blobs/{DIGEST}"
    assert is_held(ask)


def test_one_post(ask: Asker) -> None:
    assert ask("POST", f"/v2/r/blobs/uploads/?digest={DIGEST}", CONTENT).status == 201
    assert is_held(ask)


def test_chunks_with_ranges(ask: Asker) -> None:
    session = begin(ask)
    for start in (0, 40):
        chunk = CONTENT[start : start + 40]
        reply = ask("PATCH", session, chunk, content_range=f"{start}-{start + 39}")
        assert (reply.status, reply.headers["range"]) == (202, f"0-{start + 39}")
        session = reply.headers["location"]

    assert ask("PUT", f"{session}?digest={DIGEST}", CONTENT[80:], content_range="80-99").status == 201
    assert is_held(ask)


def test_a_stream_without_a_length_as_dockerd_sends_it(ask: Asker) -> None:
    session = begin(ask)
    assert ask("PATCH", session, CONTENT, streamed=True).headers["range"] == "0-99"

    assert ask("PUT", f"{session}?digest={DIGEST.replace(':', '%3A')}").status == 201
    assert is_held(ask)


def test_a_chunk_out_of_order_is_told_where_to_go_on(ask: Asker) -> None:
    session = begin(ask)
    ask("PATCH", session, CONTENT[:40], content_range="0-39")

    for method, target in (("PATCH", session), ("PUT", f"{session}?digest={DIGEST}")):
        reply = ask(method, target, CONTENT[50:60], content_range="50-59")
        assert (reply.status, reply.code) == (416, "BLOB_UPLOAD_INVALID")
        assert (reply.headers["range"], reply.headers["location"]) == ("0-39", session)
    assert ask("GET", session).headers["range"] == "0-39"

    assert ask("PUT", f"{session}?digest={DIGEST}", CONTENT[40:], content_range="40-99").status == 201
    assert is_held(ask)


def test_a_range_that_does_not_fit_is_refused(ask: Asker) -> None:
    session = begin(ask)

    reply = ask("PATCH", session, CONTENT[:40], content_range="0-50")

    assert (reply.status, reply.code) == (400, "BLOB_UPLOAD_INVALID")
    assert ask("PATCH", session, CONTENT, content_range="0-99").status == 202


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_cut_body_keeps_what_came(ask: Asker, method: str, streamed: bool) -> None:
    session = begin(ask)
    with pytest.raises(ConnectionLost):
        ask(method, f"{session}?digest={DIGEST}", CONTENT[:37], streamed=streamed, cut=True)

    status = ask("GET", session)
    assert (status.status, status.headers["range"]) == (204, "0-36")
    assert ask("PATCH", session, CONTENT[37:], content_range="37-99").status == 202
    assert ask("PUT", f"{session}?digest={DIGEST}").status == 201
    assert is_held(ask)


def test_a_wrong_digest_keeps_the_session(ask: Asker) -> None:
    session = begin(ask)

    reply = ask("PUT", f"{session}?digest={digest_of(b'other')}", CONTENT)

    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")
    assert ask("GET", session).headers["range"] == "0-99"
    assert ask("PUT", f"{session}?digest={DIGEST}").status == 201
    assert is_held(ask)


@pytest.mark.parametrize(
    "query", ["", "?digest=", "?digest=sha256:abc", "?digest=md5:d41d8cd98f00b204e9800998ecf8427e"]
)
def test_an_end_without_a_digest_is_refused_before_the_body(ask: Asker, query: str) -> None:
    session = begin(ask)

    reply = ask("PUT", session + query, CONTENT)

    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")
    assert ask("GET", session).headers["range"] == "0-0"


@pytest.mark.parametrize("body", [{"cut": True}, {"streamed": True}])
def test_a_post_that_fails_leaves_nothing(ask: Asker, body: dict[str, bool]) -> None:
    wrong = digest_of(b"other")
    if "cut" in body:
        with pytest.raises(ConnectionLost):
            ask("POST", f"/v2/r/blobs/uploads/?digest={wrong}", CONTENT, cut=True)
    else:
        assert ask("POST", f"/v2/r/blobs/uploads/?digest={wrong}", CONTENT, streamed=True).code == "DIGEST_INVALID"

    assert ask("HEAD", f"/v2/r/blobs/{wrong}").status == 404
    assert ask("HEAD", f"/v2/r/blobs/{DIGEST}").status == 404


def test_a_cancelled_session_is_gone(ask: Asker) -> None:
    session = begin(ask)
    ask("PATCH", session, CONTENT)

    assert ask("DELETE", session).status == 204

    for method in ("GET", "PATCH", "PUT", "DELETE"):
        reply = ask(method, f"{session}?digest={DIGEST}")
        assert (reply.status, reply.code) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_session_belongs_to_its_repository(ask: Asker) -> None:
    session = begin(ask, "one").replace("/v2/one/", "/v2/two/")

    assert ask("PUT", f"{session}?digest={DIGEST}", CONTENT).code == "BLOB_UPLOAD_UNKNOWN"


def test_an_ended_session_is_gone(ask: Asker) -> None:
    session = begin(ask)
    ask("PUT", f"{session}?digest={DIGEST}", CONTENT)

    assert ask("GET", session).status == 404


def test_the_same_blob_twice_is_success(ask: Asker) -> None:
    for _ in range(2):
        assert ask("PUT", f"{begin(ask)}?digest={DIGEST}", CONTENT).status == 201
    assert is_held(ask)


def test_an_empty_blob(ask: Asker) -> None:
    digest = digest_of(b"")

    assert ask("PUT", f"{begin(ask)}?digest={digest}").status == 201
    assert ask("GET", f"/v2/r/blobs/{digest}").body == b""


@pytest.mark.parametrize(
    ("origin", "status"),
    [("one", 201), (None, 201), ("two", 202), ("three", 202), ("NOT A NAME", 202)],
)
def test_a_blob_is_mounted_from_where_it_is_held(ask: Asker, origin: str | None, status: int) -> None:
    ask.put_blob("one", CONTENT)
    ask.put_blob("three", b"something else")

    reply = ask("POST", f"/v2/two/blobs/uploads/?mount={DIGEST}" + (f"&from={origin}" if origin else ""))

    assert reply.status == status
    assert is_held(ask, "two") == (status == 201)
    if status == 202:  # a refused mount is the upload's start
        assert ask("PUT", f"{reply.headers['location']}?digest={DIGEST}", CONTENT).status == 201
    else:
        assert reply.headers["location"] == f"/v2/two/blobs/{DIGEST}"


def test_a_mount_from_the_repository_itself_tells_whether_it_is_there(ask: Asker) -> None:
    mount = f"/v2/r/blobs/uploads/?mount={DIGEST}&from=r"
    assert ask("POST", mount).status == 202

    ask.put_blob("r", CONTENT)

    assert ask("POST", mount).status == 201
