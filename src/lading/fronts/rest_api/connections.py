"""One client's connection to the event loop, with bounds that uvicorn has not: a head may be neither slow nor long, and
who does not read what is sent is hung up on.

    connected ──head──▶ request ──answer──▶ kept alive (uvicorn's own bound) ──head──▶ …
        └ head_seconds, LONGEST_HEAD          └ stall_seconds without room for what is written
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lading.fronts.http.limits import DEFAULT_LIMITS, Limits

LONGEST_HEAD = 64 * 1024
"""Bytes of a request line and its headers."""

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedConnection(HttpToolsProtocol):
    """What uvicorn makes for each connection; `limits` are for all of them."""

    limits: ClassVar[Limits] = DEFAULT_LIMITS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        self._head_timer, self._stall_timer = _Timer(self.loop), _Timer(self.loop)
        self._in_head, self._head_bytes, self._asked = True, 0, False
        super().connection_made(transport)
        self._head_timer.start(self.limits.head_seconds, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_timer.stop()
        self._stall_timer.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        if self._asked and self.cycle.response_complete:
            # uvicorn's own timer ends with the first byte after an answer, and an empty line is no request yet.
            self._head_timer.start(self.limits.head_seconds, self._too_slow)
        super().data_received(data)
        if self._in_head and self._head_bytes > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse(_TOO_LONG)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head_timer.start(self.limits.head_seconds, self._too_slow)

    def on_headers_complete(self) -> None:
        self._in_head, self._asked = False, True
        self._head_timer.stop()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer.start(self.limits.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._stall_timer.stop()
        super().resume_writing()

    def _too_slow(self) -> None:
        self._refuse(_TOO_SLOW if self._head_bytes else b"")

    def _refuse(self, answer: bytes) -> None:
        """Not where an earlier request's answer is being written, which this one would be taken for."""
        if self._asked and not self.cycle.response_complete:
            self.transport.abort()
            return
        self.transport.write(answer)
        self.transport.close()


class _Timer:
    """Calls once, unless it is stopped before; one that runs is not started again."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float, call: Callable[[], None]) -> None:
        if self._handle is None:
            self._handle = self._loop.call_later(seconds, call)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
