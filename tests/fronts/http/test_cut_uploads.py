"""Table A1 of the server trials: a client that drops in the middle of an upload is always noticed.

Whatever ends the connection and however the body is framed, all that arrived is handed out, and then reading raises:
a cut body never looks complete.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Queue

import pytest

from lading.errors import NetworkFailed
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.limits import Limits
from lading.wire.message import ConnectionLost, Stalled
from tests.fakes.raw_client import WAIT_SECONDS, RawClient

COUNTED = "PUT /x HTTP/1.1\nHost: localhost\nContent-Length: 5000000\n\n"
CHUNKED = "PUT /x HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n"
PIECE = b"p" * 100_000
CHUNK = b"186a0\r\n" + PIECE + b"\r\n"


class Uploads:
    """An application that reads every body to its end and tells what it saw."""

    def __init__(self) -> None:
        self.seen: Queue[tuple[int, NetworkFailed | None]] = Queue()
        self.arrived: Queue[int] = Queue()

    def __call__(self, request: IncomingRequest) -> Answer:
        buffer, received = memoryview(bytearray(65536)), 0
        try:
            while count := request.body.readinto(buffer):
                received += count
                self.arrived.put(received)
        except NetworkFailed as error:
            self.seen.put((received, error))
            raise
        self.seen.put((received, None))
        return Answer(201, (("Content-Length", "0"),))

    def wait_for(self, received: int) -> None:
        """Until so many bytes of a body have arrived."""
        while self.arrived.get(timeout=WAIT_SECONDS) < received:
            pass


def close(client: RawClient) -> None:
    client.close()


def reset(client: RawClient) -> None:
    client.reset()


def half_close(client: RawClient) -> None:
    client.half_close()


ENDS = [close, reset, half_close]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("head", "body", "received"),
    [
        (COUNTED, PIECE, 100_000),
        (CHUNKED, CHUNK, 100_000),
        (CHUNKED, CHUNK + b"186a0\r\n" + PIECE[:1000], 101_000),
        (CHUNKED, CHUNK + b"186", 100_000),
        (CHUNKED, CHUNK + b"0\r\n", 100_000),
    ],
    ids=["length", "between chunks", "inside a chunk", "inside a size", "before the last line"],
)
def test_a_cut_body_raises_and_loses_no_byte(
    head: str, body: bytes, received: int, end: Callable[[RawClient], None]
) -> None:
    uploads = Uploads()
    with ByteServer([("127.0.0.1", 0)], uploads) as server, RawClient(server.addresses[0]) as client:
        client.send(head, body)
        uploads.wait_for(received)
        end(client)

        seen, error = uploads.seen.get(timeout=WAIT_SECONDS)

    assert seen == received
    assert isinstance(error, ConnectionLost)


@pytest.mark.parametrize("head", [COUNTED, CHUNKED])
def test_a_silent_client_is_given_up(head: str) -> None:
    uploads = Uploads()
    limits = Limits(stall_seconds=0.2)
    with ByteServer([("127.0.0.1", 0)], uploads, limits) as server, RawClient(server.addresses[0]) as client:
        client.send(head, b"5\r\nabcde" if head is CHUNKED else b"abcde")

        seen, error = uploads.seen.get(timeout=WAIT_SECONDS)

        assert client.at_end()
    assert seen == 5
    assert isinstance(error, Stalled)


def test_whole_bodies_end_quietly() -> None:
    uploads = Uploads()
    with ByteServer([("127.0.0.1", 0)], uploads) as server, RawClient(server.addresses[0]) as client:
        client.send(CHUNKED, CHUNK, CHUNK, b"0\r\n\r\n")
        assert client.reply().status == 201
        client.send("PUT /x HTTP/1.1\nHost: localhost\nContent-Length: 100000\n\n", PIECE)
        assert client.reply().status == 201

    assert uploads.seen.get_nowait() == (200_000, None)
    assert uploads.seen.get_nowait() == (100_000, None)


def test_a_chunk_that_is_none_is_refused() -> None:
    with ByteServer([("127.0.0.1", 0)], Uploads()) as server, RawClient(server.addresses[0]) as client:
        client.send(CHUNKED, b"+5\r\nhello\r\n0\r\n\r\n")

        assert client.reply().status == 400
        assert client.at_end()
