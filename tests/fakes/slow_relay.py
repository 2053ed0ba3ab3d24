"""A slow line on loopback: a TCP relay through which so many bytes a second go, each way of each connection.

with SlowRelay(port, 500_000) as relay:
    …                     # at relay.port
    relay.rate = None     # as fast as it goes
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from tests.fakes.own_loop import own_loop

PIECES = 20
"""So often a second something passes."""

FAST = 64 * 1024


class SlowRelay:
    """Listens on a free port of loopback; `port` there is the server's."""

    def __init__(self, target: int, rate: int | None) -> None:
        self.rate = rate
        self._target = target
        self._loop = own_loop("slow-relay")
        self._open: set[asyncio.StreamWriter] = set()
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

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        for each in list(self._open):
            each.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The server that runs it asks for what it raised, and does not expect a cancel."""
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await self._joined(reader, writer)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._open |= {writer, back}
        try:
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        finally:
            self._open -= {writer, back}
            for each in (writer, back):
                each.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(self.rate // PIECES if self.rate else FAST):
                writer.write(piece)
                await writer.drain()
                if self.rate:
                    await asyncio.sleep(len(piece) / self.rate)
            writer.write_eof()
