"""Answers that are written to from outside their own task: over a real server, and what its client makes of them."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from lading.fronts.rest_api.connections import BoundedConnection
from lading.fronts.rest_api.live_bodies import live_body_of

WAIT_SECONDS = 30.0
ROOM = 64 * 1024 * 1024
"""More than any system keeps for a client that does not read."""


class Lecture:
    """An application: its own task writes the first word and the last one, and others are written meanwhile."""

    def __init__(self) -> None:
        self.free: list[bool] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        live = live_body_of(scope)
        assert live is not None
        self.free.append(live.free)  # nothing was sent yet
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        self.free.append(live.free)
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
        for word in (b"second ", b"third ") if scope["path"] == "/words" else (bytes(ROOM),):
            live.write(word)
            await asyncio.sleep(0)
        self.free.append(live.free)
        await send({"type": "http.response.body", "body": b"last"})
        self.free.append(live.free)


class Server(uvicorn.Server):
    """Tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@pytest.fixture
def lecture() -> Lecture:
    return Lecture()


@pytest.fixture
def address(lecture: Lecture) -> Iterator[tuple[str, int]]:
    server = Server(uvicorn.Config(lecture, http=BoundedConnection, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        server.up.wait(WAIT_SECONDS)
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def asked(address: tuple[str, int], path: str) -> bytes:
    with closing(http.client.HTTPConnection(*address, timeout=WAIT_SECONDS)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read()


def test_what_is_written_beside_the_task_comes_in_its_place(address: tuple[str, int], lecture: Lecture) -> None:
    assert asked(address, "/words") == b"first second third last"
    assert lecture.free == [False, True, True, False]


def test_who_does_not_keep_up_is_not_free(address: tuple[str, int], lecture: Lecture) -> None:
    assert len(asked(address, "/much")) == len(b"first last") + ROOM
    assert lecture.free == [False, True, False, False]


def test_another_server_offers_none() -> None:
    assert live_body_of({"type": "http"}) is None
