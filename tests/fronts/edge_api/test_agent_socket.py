"""An agent's socket by itself: what is written while the connection goes away, and what threads may do then."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from lading.fronts.edge_api.asgi import Message
from lading.fronts.edge_api.limits import EdgeLimits
from lading.fronts.edge_api.socket import AgentSocket


class Connection:
    """Takes messages; `failure` ends it."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure, self.taken, self.hung_up = failure, list[Message](), asyncio.Event()

    async def send(self, message: Message) -> None:
        if self.failure is not None:
            raise self.failure
        self.taken.append(message)


def run(work: Callable[[AgentSocket, Connection], Awaitable[None]], failure: Exception | None = None) -> Connection:
    """What became of the connection."""

    async def world() -> Connection:
        connection = Connection(failure)
        socket = AgentSocket(connection.send, connection.hung_up.set, EdgeLimits(waiting_bytes=100))
        async with asyncio.timeout(20):
            await work(socket, connection)
        return connection

    return asyncio.run(world())


@pytest.mark.parametrize(
    "failure", [OSError(), ConnectionResetError(), RuntimeError("after sending 'websocket.close'")]
)
def test_writing_ends_with_the_connection(failure: Exception) -> None:
    async def work(socket: AgentSocket, _: Connection) -> None:
        socket.send("frame")
        await socket.writing()
        socket.send("nobody hears it")

    run(work, failure)


def test_a_long_reason_is_cut_where_a_close_ends() -> None:
    async def work(socket: AgentSocket, _: Connection) -> None:
        socket.close(1008, "ä" * 100)
        await socket.writing()
        socket.gone()

    assert run(work).taken == [{"type": "websocket.close", "code": 1008, "reason": "ä" * 61}]


def test_what_waits_is_bounded_and_one_frame_may_be_longer() -> None:
    async def work(socket: AgentSocket, connection: Connection) -> None:
        socket.send("x" * 1000)
        assert not connection.hung_up.is_set()
        socket.send("y")
        await connection.hung_up.wait()

    assert run(work).taken == []


def test_threads_speak_in_their_own_order() -> None:
    async def work(socket: AgentSocket, connection: Connection) -> None:
        def speak(letter: str) -> None:
            for number in range(5):
                socket.send(f"{letter}{number}")

        threads = [threading.Thread(target=speak, args=[letter]) for letter in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        socket.close(1000, "")
        await socket.writing()
        said = [str(message.get("text")) for message in connection.taken[:-1]]
        for letter in "abcd":
            assert [each for each in said if each[0] == letter] == [f"{letter}{number}" for number in range(5)]

    run(work)


def test_after_the_loop_nothing_happens() -> None:
    kept: list[AgentSocket] = []

    async def work(socket: AgentSocket, _: Connection) -> None:
        kept.append(socket)

    run(work)
    kept[0].send("late")
    kept[0].close(1000, "later")
