"""An agent's socket as the hub has it: whatever thread says something to the agent goes on at once, and one task of the
loop writes it, in that order.

    send, close ──any thread──▶ waiting (so many bytes) ──the loop's task──▶ the connection ──▶ …
                                   └──full──▶ hung up on: whoever reads so slowly is as good as gone
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from lading.fronts.edge_api.asgi import Send
from lading.fronts.edge_api.limits import EdgeLimits

log = logging.getLogger("lading.edge")

LONGEST_REASON = 123
"""Bytes (RFC 6455, 5.5.1)."""


@dataclass(frozen=True, slots=True)
class _Close:
    code: int
    reason: str


class AgentSocket:
    """Fulfils AgentLink. Made on the loop that it belongs to, where `writing` runs until it is over."""

    def __init__(self, send: Send, hang_up: Callable[[], None], limits: EdgeLimits) -> None:
        """`hang_up` ends the connection at once, and is called on the loop."""
        self._send_message, self._hang_up, self._limits = send, hang_up, limits
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: deque[str | bytes | _Close] = deque()
        self._waiting_bytes = 0
        self._over = False
        self._woken = asyncio.Event()
        self._closing: asyncio.TimerHandle | None = None

    def send(self, frame: str | bytes) -> None:
        """As AgentLink has it."""
        if self._put(frame, len(frame)):
            return
        log.warning("an agent reads too slowly: %d bytes wait for it", self._limits.waiting_bytes)
        self._on_loop(self._hang_up)

    def close(self, code: int, reason: str) -> None:
        """As AgentLink has it. An agent that does not read what was said before is hung up on after a while."""
        self._put(_Close(code, _short(reason)), 0)
        with self._lock:
            self._over = True
        self._on_loop(self._close_in_time)

    def gone(self) -> None:
        """The connection is no more; on the loop."""
        with self._lock:
            self._over = True
            self._waiting.clear()
        if self._closing is not None:
            self._closing.cancel()

    async def writing(self) -> None:
        """Until it is closed, or the connection gone."""
        try:
            while True:
                await self._woken.wait()
                while (frame := self._next()) is not None:
                    await self._send_message(_message(frame))
                    if isinstance(frame, _Close):
                        return
        except (OSError, RuntimeError):  # ASGI's words for one that is no more, and for one that the server has closed
            return

    def _put(self, frame: str | bytes | _Close, size: int) -> bool:
        """Whether there was room; true where it does not matter any more."""
        with self._lock:
            if self._over:
                return True
            if self._waiting and self._waiting_bytes + size > self._limits.waiting_bytes:
                self._over = True
                self._waiting.clear()
                return False
            self._waiting.append(frame)
            self._waiting_bytes += size
            first = len(self._waiting) == 1
        if first:
            self._on_loop(self._woken.set)
        return True

    def _next(self) -> str | bytes | _Close | None:
        with self._lock:
            if not self._waiting:
                self._woken.clear()
                return None
            frame = self._waiting.popleft()
            self._waiting_bytes -= 0 if isinstance(frame, _Close) else len(frame)
            return frame

    def _on_loop(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:  # the loop is closed, and every connection with it
            return

    def _close_in_time(self) -> None:
        if self._closing is None:
            self._closing = self._loop.call_later(self._limits.closing_seconds, self._hang_up)


def _short(reason: str) -> str:
    """As much of it as a close has room for."""
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")


def _message(frame: str | bytes | _Close) -> dict[str, object]:
    match frame:
        case str():
            return {"type": "websocket.send", "text": frame}
        case bytes():
            return {"type": "websocket.send", "bytes": frame}
        case _Close():
            return {"type": "websocket.close", "code": frame.code, "reason": frame.reason}
