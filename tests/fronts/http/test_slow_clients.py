"""A body that moves, but more slowly than a client must be, is given up like one that does not move at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from lading.backends.content_store.file_reader import PlainFileReader
from lading.errors import LadingError
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.exchange import Answer, IncomingRequest, Peer
from lading.fronts.http.limits import Limits
from lading.fronts.http.outflow import FILE_PIECE, WATCHED_PIECE, next_piece
from lading.fronts.http.pace import Pace, TooSlow
from tests.fakes.raw_client import RawClient

PEER = Peer("203.0.113.9", 4711)
LIMITS = Limits(stall_seconds=60.0, slowest=1000)

NOBODY_IS_SO_FAST = Limits(stall_seconds=0.1, slowest=10**15)
"""Whoever is waited for as long as `stall_seconds` is too slow."""

SIZE = 64 * 1024 * 1024
GET = "GET /x HTTP/1.1\nHost: localhost\nConnection: close\n\n"


@pytest.mark.parametrize(
    "moves",
    [
        [(60_000, 60.0)],
        [(0, 59.0), (60_000, 1.0)],
        [(1, 59.9)],
        [(60_000, 60.0), (1, 59.0)],
        [(10**9, 0.0)] * 3,
    ],
    ids=["exactly", "late", "not long enough to say", "a window begins anew", "no wait"],
)
def test_a_pace_that_will_do(moves: list[tuple[int, float]]) -> None:
    pace = Pace(PEER, LIMITS)

    for count, waited in moves:
        pace.moved(count, waited)


@pytest.mark.parametrize(
    "moves",
    [[(59_999, 60.0)], [(1000, 1.0)] * 58 + [(0, 2.5)], [(10**9, 60.0), (100, 60.0)]],
    ids=["at once", "bit by bit", "not for what was before"],
)
def test_a_pace_that_is_too_slow(moves: list[tuple[int, float]]) -> None:
    pace = Pace(PEER, LIMITS)
    for count, waited in moves[:-1]:
        pace.moved(count, waited)

    with pytest.raises(TooSlow, match=r"^203\.0\.113\.9:4711 has been slower than 1000 bytes a second for 60 s$"):
        pace.moved(*moves[-1])


@pytest.mark.parametrize(
    ("asked", "moved", "seconds", "piece"),
    [
        (WATCHED_PIECE, WATCHED_PIECE, 0.0, FILE_PIECE),
        (FILE_PIECE, FILE_PIECE, 0.1, FILE_PIECE),
        (FILE_PIECE, FILE_PIECE, 0.2, WATCHED_PIECE),
        (FILE_PIECE, FILE_PIECE - 1, 0.0, WATCHED_PIECE),
        (WATCHED_PIECE, WATCHED_PIECE, 120.0, WATCHED_PIECE),
    ],
    ids=["a quick client", "it stays quick", "it had to be waited for", "it took less", "it stays slow"],
)
def test_a_client_that_must_be_waited_for_is_looked_at_more_often(
    asked: int, moved: int, seconds: float, piece: int
) -> None:
    assert next_piece(asked, moved, seconds) == piece


class Taker:
    """Reads a body to its end, and keeps what ended it."""

    error: LadingError | None = None

    def __call__(self, request: IncomingRequest) -> Answer:
        buffer = memoryview(bytearray(1024))
        try:
            while request.body.readinto(buffer):
                pass
        except LadingError as error:
            self.error = error
            raise
        return Answer(201, (("Content-Length", "0"),))


@pytest.mark.parametrize(
    ("fields", "piece"), [("Content-Length: 1000000", b"x"), ("Transfer-Encoding: chunked", b"1\r\nx\r\n")]
)
def test_a_body_that_trickles_in_is_given_up(fields: str, piece: bytes) -> None:
    taker = Taker()
    with (
        ByteServer([("127.0.0.1", 0)], taker, NOBODY_IS_SO_FAST) as server,
        RawClient(server.addresses[0]) as client,
    ):
        client.send(f"PUT /x HTTP/1.1\nHost: localhost\n{fields}\n\n")
        with suppress(OSError):  # it closes while we send
            while taker.error is None:
                client.send(piece)

    assert isinstance(taker.error, TooSlow)


def file_of(folder: Path) -> Callable[[IncomingRequest], Answer]:
    """Gives a large file, which the kernel sends."""
    path = folder / "large"
    with path.open("wb") as file:
        file.truncate(SIZE)
    return lambda _: Answer(200, (("Content-Length", str(SIZE)),), stream=PlainFileReader(path))


def memory(_folder: Path) -> Callable[[IncomingRequest], Answer]:
    """Gives as much out of memory, piece by piece."""
    return lambda _: Answer(200, (("Content-Length", str(SIZE)),), content=(bytes(2**20) for _ in range(64)))


@pytest.mark.parametrize("application", [file_of, memory])
def test_an_answer_that_trickles_out_is_given_up(
    tmp_path: Path, application: Callable[[Path], Callable[[IncomingRequest], Answer]]
) -> None:
    with (
        ByteServer([("127.0.0.1", 0)], application(tmp_path), NOBODY_IS_SO_FAST) as server,
        RawClient(server.addresses[0]) as client,
    ):
        client.send(GET)
        taken = 0
        with suppress(ConnectionResetError):
            while count := len(client.socket.recv(16)):
                taken += count

    assert taken < SIZE
