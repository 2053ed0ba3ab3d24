"""A network to a registry in which only so many uploads of layers get through.

    with UploadGate(registry.port) as gate:
        gate.let(2)           # two more requests that send a layer's bytes; whatever comes after them is held

What is held is not read any further, so that its sender is not done with it either: a Docker engine that has sent a
layer whole waits for the answer, whoever may have cancelled the push. So layers are to be larger than what networks
buffer.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from tests.fakes.own_loop import own_loop

PIECE = 64 * 1024


class UploadGate:
    """Listens on a free port of loopback, before a registry at another."""

    def __init__(self, port: int) -> None:
        self._registry = port
        self._loop = own_loop("upload-gate")
        self._left = 0
        self._over = asyncio.Event()
        self.port = 0

    def __enter__(self) -> Self:
        self._running = self._loop.__enter__()
        self._running.run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.run(self._close())
        self._loop.__exit__(kind, error, traceback)

    def let(self, count: int) -> None:
        """So many more, and no others; the connections of those that are held end."""
        self._running.run(self._let(count))

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        self._over.set()

    async def _let(self, count: int) -> None:
        self._left = count
        self._over.set()
        self._over = asyncio.Event()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._registry)
            try:
                await asyncio.gather(self._up(reader, up_writer), _pass(up_reader, writer))
            finally:
                writer.transport.abort()
                up_writer.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Who sends a request sends it in one piece, as far as its method is concerned."""
        while piece := await reader.read(PIECE):
            if piece.startswith(b"PATCH "):
                self._left -= 1
                if self._left < 0:
                    await self._over.wait()
                    break
            writer.write(piece)
            await writer.drain()
        writer.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()
    writer.transport.abort()
