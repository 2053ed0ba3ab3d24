"""What is said to a trust server."""

from __future__ import annotations

from collections.abc import Generator
from email import message_from_bytes
from typing import TypeVar

import pytest

from lading.errors import AccessDenied, LadingError, ProtocolBroken
from lading.wire import notary
from lading.wire.message import BytesContent, BytesReader, ConnectionLost, Request, Response
from lading.wire.trust_urls import FileAt

T = TypeVar("T")
BASE, GUN = "https://notary.corp", "localhost:5000/team/app"
ROOT = FileAt(GUN, "root")


class Counting:
    """A body that tells how much of it was read, and may break off."""

    def __init__(self, content: bytes, breaks_at: int | None = None) -> None:
        self._reader = BytesReader(content)
        self._breaks_at = breaks_at
        self.read, self.closed = 0, False

    def readinto(self, buffer: memoryview, /) -> int:
        if self._breaks_at is not None and self.read >= self._breaks_at:
            raise ConnectionLost("notary.corp", "it hung up")
        count = self._reader.readinto(buffer[:7])
        self.read += count
        return count

    def close(self) -> None:
        self.closed = True


def held(conversation: Generator[Request, Response, T], *answers: Response | Exception) -> tuple[T, list[Request]]:
    """What came of it, and what was asked."""
    asked = [next(conversation)]
    try:
        for answer in answers:
            asked.append(conversation.send(answer) if isinstance(answer, Response) else conversation.throw(answer))
    except StopIteration as end:
        result: T = end.value
        return result, asked
    raise AssertionError(f"it goes on with {asked[-1]}")


@pytest.mark.parametrize(
    ("file", "path"),
    [
        (FileAt(GUN, "root"), "root.json"),
        (FileAt(GUN, "root", version=2), "2.root.json"),
        (FileAt(GUN, "targets/releases", sha256="0" * 64), f"targets/releases.{'0' * 64}.json"),
    ],
)
def test_a_file_is_asked_for_by_the_repositorys_full_name(file: FileAt, path: str) -> None:
    raw, [request] = held(notary.fetch(BASE, file, 10), Response(200, stream=BytesReader(b"raw")))

    assert (raw, request.method) == (b"raw", "GET")
    assert request.url == f"https://notary.corp/v2/localhost:5000/team/app/_trust/tuf/{path}"


def test_what_is_not_there_is_none() -> None:
    assert held(notary.fetch(BASE, ROOT, 10), Response(404))[0] is None


def test_no_more_is_read_than_a_byte_beyond_the_limit() -> None:
    stream = Counting(b"x" * 10_000)

    raw, _ = held(notary.fetch(BASE, ROOT, 99), Response(200, stream=stream))

    assert (len(raw or b""), stream.read, stream.closed) == (100, 100, True)


def test_a_body_that_is_cut_is_fetched_again_and_not_for_ever() -> None:
    def broken() -> Response:
        return Response(200, stream=Counting(b"raw", 0))

    whole = Response(200, stream=BytesReader(b"raw"))

    assert held(notary.fetch(BASE, ROOT, 10), broken(), whole)[0] == b"raw"
    with pytest.raises(ConnectionLost):
        held(notary.fetch(BASE, ROOT, 10), broken(), broken(), broken())


@pytest.mark.parametrize(("status", "error"), [(302, ProtocolBroken), (401, AccessDenied), (403, AccessDenied)])
def test_other_answers_are_refusals_and_no_redirect_is_followed(status: int, error: type[LadingError]) -> None:
    with pytest.raises(error):
        held(notary.fetch(BASE, ROOT, 10), Response(status, {"location": "http://elsewhere/"}))


def test_all_files_are_published_in_one_form() -> None:
    files = {"root": b'{"a": 1}', "targets/releases": b"\r\n--odd\r\n"}

    _, [request] = held(notary.publish(BASE, GUN, files), Response(200))

    assert isinstance(request.content, BytesContent)
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    _, *parts = message_from_bytes(head + request.content.held).walk()
    assert {part.get_filename(): part.get_payload(decode=True) for part in parts} == files
    assert {part.get_param("name", header="content-disposition") for part in parts} == {"files"}


def test_what_parts_the_files_stands_in_none_of_them() -> None:
    _, [first] = held(notary.publish(BASE, GUN, {"root": b"x"}), Response(200))
    boundary = first.headers["content-type"].rpartition("=")[2].encode()
    hostile = {"root": b"x", "targets": boundary}

    _, [request] = held(notary.publish(BASE, GUN, hostile), Response(200))

    assert request.headers["content-type"].rpartition("=")[2].encode() not in b"".join(hostile.values())


def test_an_update_that_got_lost_is_sent_again() -> None:
    _, asked = held(notary.publish(BASE, GUN, {"root": b"x"}), ConnectionLost("h", "cut"), Response(503), Response(200))

    assert [request.method for request in asked] == ["POST"] * 3


def test_notarys_own_reason_is_told() -> None:
    body = (
        b'{"errors":[{"code":"INVALID_UPDATE","message":"Update sent by the client is invalid.",'
        b'"detail":{"Name":"ErrBadTargets","Error":{"Msg":"tuf: data has expired"}}}]}'
    )

    with pytest.raises(notary.UpdateRefused) as refused:
        held(notary.publish(BASE, GUN, {"root": b"x"}), Response(400, body=body))

    assert str(refused.value) == (
        "the trust server notary.corp does not take the change: "
        "Update sent by the client is invalid.; tuf: data has expired"
    )


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b'{"errors":[{"code":"X","detail":[1]}]}'])
def test_a_refusal_in_other_words_is_told_too(body: bytes) -> None:
    with pytest.raises(notary.UpdateRefused) as refused:
        held(notary.publish(BASE, GUN, {"root": b"x"}), Response(400, body=body))

    assert str(refused.value).startswith("the trust server notary.corp does not take the change: ")


def test_the_servers_keys_are_asked_for_and_renewed() -> None:
    raw, [request] = held(notary.public_key(BASE, GUN, "snapshot"), Response(200, body=b"{}"))
    _, [another] = held(notary.public_key(BASE, GUN, "snapshot", another=True), Response(200, body=b"{}"))

    assert (raw, request.method, another.method) == (b"{}", "GET", "POST")
    assert request.url == another.url == f"{BASE}/v2/{GUN}/_trust/tuf/snapshot.key"
