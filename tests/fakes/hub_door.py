"""Where agents come to a LocalHub in a test, without logins: an agent's token is the number of its environment."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import replace
from types import TracebackType
from typing import Self

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from lading.services.hub.hub import Attach
from lading.wire.tunnel_frames import Hello
from lading.wire.tunnel_text import read_frame
from tests.fakes.own_loop import own_loop


class HubDoor:
    """A WebSocket server on a free port of loopback; `url` is where agents dial."""

    def __init__(self, attach: Attach, tls: ssl.SSLContext | None = None) -> None:
        self._attach, self._tls = attach, tls
        self._loop = own_loop("hub-door")
        self.port = 0

    @property
    def url(self) -> str:
        """For an agent."""
        return f"{'ws' if self._tls is None else 'wss'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._running = self._loop.__enter__()
        self._running.run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.run(self._close())
        self._loop.__exit__(kind, error, traceback)

    async def _listen(self) -> None:
        self._server = await serve(
            self._converse, "127.0.0.1", 0, ssl=self._tls, compression=None, ping_interval=None, max_size=None
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _converse(self, connection: ServerConnection) -> None:
        link = _Link(connection)
        writing = asyncio.ensure_future(link.write())
        try:
            with contextlib.suppress(ConnectionClosed):
                await self._attached(connection, link)
        finally:
            writing.cancel()

    async def _attached(self, connection: ServerConnection, link: _Link) -> None:
        hello = read_frame(str(await connection.recv()))
        assert isinstance(hello, Hello)
        line = self._attach(int(hello.token), replace(hello, token=""), "127.0.0.1", link)
        try:
            async for message in connection:
                line.receive(message)
        finally:
            line.lost()


class _Link:
    """Fulfils AgentLink."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[str | bytes | tuple[int, str]] = asyncio.Queue()

    def send(self, frame: str | bytes) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._waiting.put_nowait, frame)

    def close(self, code: int, reason: str) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._waiting.put_nowait, (code, reason))

    async def write(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                frame = await self._waiting.get()
                if isinstance(frame, tuple):
                    await self._connection.close(*frame)
                else:
                    await self._connection.send(frame)
