"""What a connection waits for, and no longer than so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Timer:
    """Calls once, unless it is stopped before; one that runs is not started again."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    def start(self, seconds: float, call: Callable[[], None]) -> None:
        """`call` after so long."""
        if self._handle is None:
            self._handle = self._loop.call_later(seconds, call)

    def stop(self) -> None:
        """Harmless where it does not run."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
