"""A network on loopback that can be cut: a TCP relay between whoever dials it and a server.

with CuttingRelay(port) as relay:
    relay.cut_at(900)     # the next connection ends when so many bytes have gone from the dialler to the server
    relay.hold()          # nothing passes any more, and nobody is told; `let_go` lets what waited pass
    relay.cut()           # all connections end at once
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.fakes.own_loop import own_loop

PIECE = 64 * 1024


class CuttingRelay:
    """Listens on a free port of loopback; `target` is the server's port there, or the path of its unix socket."""

    def __init__(self, target: int | str) -> None:
        self._target = target
        self._loop = own_loop("cutting-relay")
        self._open: set[asyncio.StreamWriter] = set()
        self._may_pass = asyncio.Event()
        self._may_pass.set()
        self._cuts: dict[bool, list[int]] = {True: [], False: []}
        self._hold_at: int | None = None
        self.held = threading.Event()
        self.port = 0
        self.connections = 0
        self._passed = 0

    def __enter__(self) -> Self:
        self._running = self._loop.__enter__()
        self._running.run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.run(self._close())
        self._loop.__exit__(kind, error, traceback)

    def cut_at(self, *counts: int) -> None:
        """The next connection ends when so many bytes have gone up; the one after it at the next count."""
        self._running.run(self._set_cuts(up=True, counts=counts))

    def cut_down_at(self, *counts: int) -> None:
        """The same, of bytes to the dialler."""
        self._running.run(self._set_cuts(up=False, counts=counts))

    def cut(self) -> None:
        """Now."""
        self._running.run(self._abort())

    def hold(self) -> None:
        """Like a cable that is pulled: both ends believe in each other until their own time is over."""
        self._running.run(self._hold(held=True))

    def hold_at(self, count: int) -> None:
        """When so many more bytes have passed, either way; `held` tells."""
        self._running.run(self._set_hold(count))

    def let_go(self) -> None:
        """The cable is back."""
        self._running.run(self._hold(held=False))

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        await self._abort()

    async def _abort(self) -> None:
        for each in list(self._open):
            each.transport.abort()

    async def _set_cuts(self, *, up: bool, counts: Sequence[int]) -> None:
        self._cuts[up] = list(counts)

    async def _set_hold(self, count: int) -> None:
        self._hold_at = self._passed + count

    async def _hold(self, *, held: bool) -> None:
        self._hold_at = None
        if held:
            self._may_pass.clear()
            self.held.set()
        else:
            self._may_pass.set()
            self.held.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The server that runs it asks for what it raised, and does not expect a cancel."""
        with contextlib.suppress(asyncio.CancelledError):
            await self._joined(reader, writer)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self._may_pass.wait()
        up, down = (cuts.pop(0) if cuts else None for cuts in (self._cuts[True], self._cuts[False]))
        try:
            up_reader, up_writer = await self._dial()
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, up_writer}
        try:
            await asyncio.gather(self._pass(reader, up_writer, up), self._pass(up_reader, writer, down))
        finally:
            self._open -= {writer, up_writer}
            writer.transport.abort()
            up_writer.transport.abort()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: int | None) -> None:
        """What has gone before a cut arrives; nothing after it does, in either direction."""
        left = cut
        with contextlib.suppress(OSError):
            while (left is None or left) and (piece := await reader.read(PIECE if left is None else min(PIECE, left))):
                await self._may_pass.wait()
                left = None if left is None else left - len(piece)
                writer.write(piece)
                await writer.drain()
                await self._count(len(piece))
            writer.write_eof() if writer.can_write_eof() else None
            if left == 0:
                writer.close()
                await writer.wait_closed()

    async def _count(self, passed: int) -> None:
        self._passed += passed
        if self._hold_at is not None and self._passed >= self._hold_at:
            await self._hold(held=True)
