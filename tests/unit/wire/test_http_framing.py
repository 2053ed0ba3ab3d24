"""How bodies are delimited, as tables."""

from __future__ import annotations

import pytest

from lading.wire.http_framing import (
    AnswerFraming,
    Head,
    RequestFraming,
    RequestRefused,
    answer_framing,
    chunk_start,
    framing_fields,
    request_framing,
)

HOST = ("host", "here")


def head(*fields: tuple[str, str], method: str = "PUT", minor: int = 1) -> Head:
    return Head(method, "/", minor, fields)


@pytest.mark.parametrize(
    ("fields", "framing"),
    [
        ([], RequestFraming(0, False, True)),
        ([("content-length", "0")], RequestFraming(0, False, True)),
        ([("content-length", "123456789012345678")], RequestFraming(123456789012345678, False, True)),
        ([("transfer-encoding", "chunked")], RequestFraming(None, False, True)),
        ([("transfer-encoding", "Chunked")], RequestFraming(None, False, True)),
        ([("content-length", "5"), ("expect", "100-Continue")], RequestFraming(5, True, True)),
        ([("connection", "close")], RequestFraming(0, False, False)),
        ([("connection", "Foo, Close")], RequestFraming(0, False, False)),
        ([("connection", "keep-alive")], RequestFraming(0, False, True)),
    ],
)
def test_a_body_goes_as_its_head_says(fields: list[tuple[str, str]], framing: RequestFraming) -> None:
    assert request_framing(head(HOST, *fields)) == framing


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([("content-length", "5"), ("content-length", "5")], 400),
        ([("content-length", "5, 5")], 400),
        ([("content-length", "+5")], 400),
        ([("content-length", "-5")], 400),
        ([("content-length", " 5")], 400),
        ([("content-length", "5_0")], 400),
        ([("content-length", "٣")], 400),
        ([("content-length", "")], 400),
        ([("content-length", "1" * 19)], 400),
        ([("content-length", "5"), ("transfer-encoding", "chunked")], 400),
        ([("transfer-encoding", "chunked"), ("content-length", "5")], 400),
        ([("transfer-encoding", "")], 501),
        ([("transfer-encoding", "gzip, chunked")], 501),
        ([("transfer-encoding", "chunked, chunked")], 501),
        ([("transfer-encoding", "chunked"), ("transfer-encoding", "identity")], 501),
        ([("transfer-encoding", "xchunked")], 501),
        ([("expect", "a-miracle")], 417),
        ([HOST], 400),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(fields: list[tuple[str, str]], status: int) -> None:
    with pytest.raises(RequestRefused) as refused:
        request_framing(head(HOST, *fields))

    assert refused.value.status == status


def test_http_1_1_names_its_host() -> None:
    with pytest.raises(RequestRefused):
        request_framing(head())


def test_http_1_0_closes_and_has_neither_chunks_nor_100() -> None:
    assert request_framing(head(("expect", "100-continue"), minor=0)) == RequestFraming(0, False, False)
    with pytest.raises(RequestRefused):
        request_framing(head(("transfer-encoding", "chunked"), minor=0))


@pytest.mark.parametrize(
    ("method", "minor", "status", "length", "expected"),
    [
        ("GET", 1, 200, 5, AnswerFraming(True, 5, False, True)),
        ("GET", 1, 200, None, AnswerFraming(True, None, True, True)),
        ("GET", 0, 200, None, AnswerFraming(True, None, False, False)),
        ("HEAD", 1, 200, 5, AnswerFraming(False, 5, False, True)),
        ("HEAD", 1, 200, None, AnswerFraming(False, None, False, True)),
        ("GET", 1, 204, None, AnswerFraming(False, None, False, True)),
        ("GET", 1, 304, 5, AnswerFraming(False, 5, False, True)),
    ],
)
def test_an_answer_goes_as_method_status_and_version_say(
    method: str, minor: int, status: int, length: int | None, expected: AnswerFraming
) -> None:
    headers = [] if length is None else [("Content-Length", str(length))]

    framing = answer_framing(head(method=method, minor=minor), status, headers, body_read=True, keep_alive=True)

    assert framing == expected


def test_a_connection_is_not_used_again_after_a_body_left_unread() -> None:
    framing = answer_framing(head(), 401, [("Content-Length", "0")], body_read=False, keep_alive=True)

    assert not framing.keep_alive
    assert framing_fields(framing) == [("Connection", "close")]


@pytest.mark.parametrize(
    "headers",
    [
        [("Transfer-Encoding", "chunked")],
        [("Connection", "close")],
        [("Content-Length", "1"), ("content-length", "1")],
    ],
)
def test_an_application_does_not_frame(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        answer_framing(head(), 200, headers, body_read=True, keep_alive=True)


def test_a_chunk_begins_with_its_size() -> None:
    assert chunk_start(0x1F0) == b"1f0\r\n"
