"""What one client's connection may take: a head that is slow or endless, and answers that nobody reads."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from lading.fronts.http.limits import Limits
from lading.fronts.http.occupancy import no_proxy
from lading.fronts.rest_api.connections import LONGEST_HEAD, BoundedConnection, bounded
from tests.fakes.raw_client import WAIT_SECONDS, RawClient

REQUEST = "GET / HTTP/1.1\nHost: localhost\n\n"
SLOWLY = "GET /slowly HTTP/1.1\nHost: localhost\n\n"


class QuickConnection(BoundedConnection):
    limits: ClassVar[Limits] = Limits(head_seconds=0.2, stall_seconds=0.2)


class Word:
    """An application: `/endless` is more than anybody reads, `/slowly` comes when `go` is set; the rest is a word."""

    def __init__(self) -> None:
        self.go, self.hung_up = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        if scope["path"] == "/endless":
            gone = asyncio.ensure_future(receive())
            while not gone.done():
                await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
                await asyncio.sleep(0)
            self.hung_up.set()
        if scope["path"] == "/slowly":
            await send({"type": "http.response.body", "body": b"first ", "more_body": True})
            await asyncio.to_thread(self.go.wait, WAIT_SECONDS)
        await send({"type": "http.response.body", "body": b"word"})


class Server(uvicorn.Server):
    """Tells when it is up."""

    up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@pytest.fixture(scope="module")
def word() -> Word:
    return Word()


@pytest.fixture(scope="module")
def address(word: Word) -> Iterator[tuple[str, int]]:
    server = Server(uvicorn.Config(word, http=QuickConnection, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        server.up.wait(WAIT_SECONDS)
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def rest(client: RawClient) -> bytes:
    """All that comes until the server hangs up."""
    pieces = []
    while piece := client.socket.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def test_requests_are_answered_one_after_another(address: tuple[str, int]) -> None:
    with RawClient(address) as client:
        for _ in range(3):
            client.send(REQUEST)
            assert b"word" in client.socket.recv(65536)


@pytest.mark.parametrize("head", ["GET / HT", "GET / HTTP/1.1\n", "GET / HTTP/1.1\nHost: localhost\nX: "])
def test_a_head_that_does_not_end_is_given_up(address: tuple[str, int], head: str) -> None:
    with RawClient(address) as client:
        client.send(head)
        assert rest(client).startswith(b"HTTP/1.1 408 ")


def test_who_says_nothing_is_hung_up_on(address: tuple[str, int]) -> None:
    with RawClient(address) as client:
        assert rest(client) == b""


def test_a_slow_head_after_a_whole_request_is_given_up_as_well(address: tuple[str, int]) -> None:
    with RawClient(address) as client:
        client.send(REQUEST)
        assert b"word" in client.socket.recv(65536)
        client.send("GET / HT")
        assert rest(client).startswith(b"HTTP/1.1 408 ")


def test_empty_lines_between_requests_keep_nothing_open(address: tuple[str, int]) -> None:
    with RawClient(address) as client:
        client.send(REQUEST)
        assert b"word" in client.socket.recv(65536)
        client.send("\n")
        assert b"word" not in rest(client)


def test_an_endless_head_is_refused(address: tuple[str, int]) -> None:
    with RawClient(address) as client:
        client.send(f"GET / HTTP/1.1\nHost: localhost\nX: {'x' * (LONGEST_HEAD + 1)}")
        assert rest(client).startswith(b"HTTP/1.1 431 ")


def test_nothing_is_written_into_an_answer_that_goes_on(address: tuple[str, int], word: Word) -> None:
    """The second request's head is slow while the first one's answer is being written."""
    with RawClient(address) as client:
        client.send(SLOWLY, "GET / HT")
        try:
            answer = rest(client)
        except ConnectionResetError:
            answer = b""
        word.go.set()
    assert b"408" not in answer


def test_who_does_not_read_is_hung_up_on(address: tuple[str, int], word: Word) -> None:
    with RawClient(address) as client:
        client.send("GET /endless HTTP/1.1\nHost: localhost\n\n")
        assert word.hung_up.wait(WAIT_SECONDS)


@contextlib.contextmanager
def serving(word: Word, limits: Limits) -> Iterator[tuple[str, int]]:
    """A server of its own with these limits."""
    server = Server(uvicorn.Config(word, http=bounded(limits, no_proxy), lifespan="off", log_config=None))
    server.up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        server.up.wait(WAIT_SECONDS)
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


@pytest.mark.parametrize("limits", [Limits(connections=1), Limits(per_address=1)], ids=["in all", "per address"])
def test_whoever_comes_when_all_places_are_taken_is_told_before_a_body_is_read(limits: Limits) -> None:
    with serving(Word(), limits) as address:
        with RawClient(address) as inside:
            inside.send(REQUEST)
            assert inside.reply().body == b"word"
            with RawClient(address) as outside:
                outside.send("POST / HTTP/1.1\nHost: localhost\nContent-Length: 1000000\n\n")
                reply = outside.reply()
                assert (reply.status, reply.headers["retry-after"]) == (503, "5")
                assert outside.at_end()

        assert once_there_is_room(address) == b"word"


def once_there_is_room(address: tuple[str, int]) -> bytes:
    """The answer of the first connection that gets in: a server notices a moment later that another one has ended."""
    for _ in range(1000):
        with RawClient(address) as client:
            reply = client.send(REQUEST).reply()
            if reply.status != 503:
                return reply.body
    raise AssertionError("nobody got in again")


class GoneTransport(asyncio.Transport):
    """Of a client that hung up before anybody looked at its connection."""

    aborted = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def abort(self) -> None:
        self.aborted = True


def test_who_is_gone_before_anybody_looked_is_let_go(word: Word) -> None:
    async def met() -> tuple[bool, int]:
        config, transport = uvicorn.Config(word, ws="none"), GoneTransport()
        config.load()
        connection = BoundedConnection(config, ServerState(), {}, asyncio.get_running_loop())
        connection.connection_made(transport)
        connection.data_received(REQUEST.encode())
        connection.connection_lost(None)
        return transport.aborted, len(connection.refused)

    assert asyncio.run(met()) == (True, 0)
