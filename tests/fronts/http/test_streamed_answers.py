"""Table A3 of the server trials: hang-ups while an answer streams, and answers that break."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import Queue

import pytest

from lading.errors import Cancelled
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.limits import Limits
from lading.wire.message import Cancel
from tests.fakes.raw_client import WAIT_SECONDS, RawClient

GET = "GET /x HTTP/1.1\nHost: localhost\n\n"
OLD_GET = "GET /x HTTP/1.0\n\n"


class Lines:
    """Streams what a test puts into it, line by line, and tells how that ended."""

    def __init__(self) -> None:
        self.lines: Queue[bytes | None] = Queue()
        self.ended: Queue[str] = Queue()

    def __call__(self, _request: IncomingRequest) -> Answer:
        return Answer(200, content=self._stream())

    def _stream(self) -> Iterator[bytes]:
        try:
            yield b"first\n"
            while line := self.lines.get(timeout=WAIT_SECONDS):
                yield line
        except GeneratorExit:
            self.ended.put("closed")
            raise
        self.ended.put("whole")


def test_each_line_is_sent_when_it_is_given() -> None:
    lines = Lines()
    with ByteServer([("127.0.0.1", 0)], lines) as server, RawClient(server.addresses[0]) as client:
        client.send(GET)
        assert client.head().headers["transfer-encoding"] == "chunked"
        assert (client.line(), client.line(), client.line()) == (b"6\r\n", b"first\n", b"\r\n")

        lines.lines.put(b"second\n")

        assert (client.line(), client.line()) == (b"7\r\n", b"second\n")
        lines.lines.put(None)
        assert lines.ended.get(timeout=WAIT_SECONDS) == "whole"


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_hang_up_closes_the_generator_within_two_lines(end: str) -> None:
    lines = Lines()
    with ByteServer([("127.0.0.1", 0)], lines) as server, RawClient(server.addresses[0]) as client:
        client.send(GET)
        while client.line() != b"first\n":
            pass
        client.reset() if end == "reset" else client.close()

        for _ in range(100):  # the server stops taking them as soon as it learns
            lines.lines.put(b"more\n")

        assert lines.ended.get(timeout=WAIT_SECONDS) == "closed"


class Waiting:
    """Streams one line and then waits on its Cancel, as work that has nothing to tell does."""

    def __init__(self) -> None:
        self.ended: Queue[str] = Queue()

    def __call__(self, request: IncomingRequest) -> Answer:
        return Answer(200, content=self._stream(request.cancel))

    def _stream(self, cancel: Cancel) -> Iterator[bytes]:
        yield b"first\n"
        try:
            cancel.wait(WAIT_SECONDS)
        except Cancelled:
            self.ended.put("cancelled")
            raise
        self.ended.put("waited in vain")


def test_a_reset_cancels_work_that_is_not_writing() -> None:
    waiting = Waiting()
    with ByteServer([("127.0.0.1", 0)], waiting) as server, RawClient(server.addresses[0]) as client:
        client.send(GET)
        client.head()
        client.reset()

        assert waiting.ended.get(timeout=WAIT_SECONDS) == "cancelled"


def test_a_half_close_is_no_hang_up() -> None:
    lines = Lines()
    with ByteServer([("127.0.0.1", 0)], lines) as server, RawClient(server.addresses[0]) as client:
        client.send(GET)
        client.half_close()
        for _ in range(5):
            lines.lines.put(b"more\n")
        lines.lines.put(None)

        reply = client.reply()

    assert (reply.body, reply.whole) == (b"first\n" + 5 * b"more\n", True)


@pytest.mark.parametrize("watches_work", [True, False])
@pytest.mark.parametrize("end", ["close", "half-close"])
def test_who_stops_sending_is_gone_where_the_answer_says_so(end: str, watches_work: bool) -> None:
    waiting = Waiting()

    def following(request: IncomingRequest) -> Answer:
        return replace(waiting(request), ends_with_input=True)

    server = ByteServer([("127.0.0.1", 0)], following, watches_work=watches_work)
    with server, RawClient(server.addresses[0]) as client:
        client.send(GET)
        while client.line() != b"first\n":
            pass
        client.close() if end == "close" else client.half_close()

        assert waiting.ended.get(timeout=WAIT_SECONDS) == "cancelled"


class Endless:
    """Streams more than any buffer takes."""

    def __init__(self) -> None:
        self.ended: Queue[str] = Queue()

    def __call__(self, _request: IncomingRequest) -> Answer:
        return Answer(200, content=self._stream())

    def _stream(self) -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 262144
        finally:
            self.ended.put("closed")


def test_a_client_that_stops_reading_is_given_up() -> None:
    endless = Endless()
    limits = Limits(stall_seconds=0.2)
    with ByteServer([("127.0.0.1", 0)], endless, limits) as server, RawClient(server.addresses[0]) as client:
        client.send(GET)

        assert endless.ended.get(timeout=WAIT_SECONDS) == "closed"


def breaking(headers: tuple[tuple[str, str], ...]) -> Answer:
    def stream() -> Iterator[bytes]:
        yield b"begun"
        raise RuntimeError("the work failed")

    return Answer(200, headers, stream())


@pytest.mark.parametrize(
    ("request_head", "headers"),
    [(GET, ()), (GET, (("Content-Length", "100"),)), (OLD_GET, ())],
    ids=["chunked", "length", "until closed"],
)
def test_a_generator_that_raises_cuts_the_answer_visibly(
    request_head: str, headers: tuple[tuple[str, str], ...]
) -> None:
    with (
        ByteServer([("127.0.0.1", 0)], lambda _: breaking(headers)) as server,
        RawClient(server.addresses[0]) as client,
    ):
        client.send(request_head)

        reply = client.reply()

    assert reply.status == 200
    assert not reply.whole


def test_an_answer_that_fails_before_its_first_byte_is_a_500() -> None:
    failing = (bytes(1 // zero) for zero in (0,))
    with (
        ByteServer([("127.0.0.1", 0)], lambda _: Answer(200, content=failing)) as server,
        RawClient(server.addresses[0]) as client,
    ):
        assert client.send(GET).reply().status == 500


@pytest.mark.parametrize("given", [b"short", b"too long for it"])
def test_a_wrong_length_is_cut(given: bytes) -> None:
    answer = Answer(200, (("Content-Length", "10"),), iter([given]))
    with (
        ByteServer([("127.0.0.1", 0)], lambda _: answer) as server,
        RawClient(server.addresses[0]) as client,
    ):
        reply = client.send(GET).reply()

    assert not reply.whole or reply.status == 500


class FileStream:
    """A FileReader over a whole file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.closed = threading.Event()

    def readinto(self, buffer: memoryview, /) -> int:
        return self._file.readinto(buffer) or 0

    def file(self) -> tuple[int, int]:
        return self._file.fileno(), self._file.tell()

    def close(self) -> None:
        self._file.close()
        self.closed.set()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 3_000_000])
def test_files_are_sent_whole_and_closed(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "file").write_bytes(content[:size])
    streams = []

    def application(request: IncomingRequest) -> Answer:
        streams.append(FileStream(tmp_path / "file"))
        return Answer(200, (("Content-Length", str(size)),), stream=streams[-1])

    with ByteServer([("127.0.0.1", 0)], application) as server, RawClient(server.addresses[0]) as client:
        for _ in range(2):
            assert client.send(GET).reply().body == content[:size]
        client.send(OLD_GET)
        assert client.reply().body == content[:size]

    assert [stream.closed.is_set() for stream in streams] == [True] * 3


def test_a_file_that_became_shorter_is_cut(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100_000)

    def application(_request: IncomingRequest) -> Answer:
        return Answer(200, (("Content-Length", "200000"),), stream=FileStream(tmp_path / "file"))

    with ByteServer([("127.0.0.1", 0)], application) as server, RawClient(server.addresses[0]) as client:
        assert not client.send(GET).reply().whole
