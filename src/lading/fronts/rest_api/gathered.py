"""What threads say to the event loop, gathered: many sayings before the loop comes round are one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

T = TypeVar("T")


class Gathered(Generic[T]):
    """Made on the loop that it belongs to. `take` is called there, with all that was said since."""

    def __init__(self, take: Callable[[Collection[T]], None], closed: Callable[[], None]) -> None:
        """`closed` is called, from any thread, where the loop is closed and nobody listens any more."""
        self._take, self._closed = take, closed
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._said: set[T] = set()

    def say(self, what: T) -> None:
        """From any thread; returns at once."""
        with self._lock:
            first = not self._said
            self._said.add(what)
        if first:
            try:
                self._loop.call_soon_threadsafe(self._come_round)
            except RuntimeError:  # the loop is closed
                self._closed()

    def _come_round(self) -> None:
        with self._lock:
            said, self._said = self._said, set()
        self._take(said)
