"""What is left to fetch of one blob, shared out among its connections; pure bookkeeping under one lock.

The first connection takes the first gap whole. Another one gets the later half of whatever most is left of, so that
all end at about the same time. A stretch is only ever cut beyond the piece its connection is reading.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

SMALLEST = 16 * 1024 * 1024
"""Bytes that are worth a connection of their own."""

SLOW = 64 * 1024 * 1024
"""Bytes per second at which one connection is as good as several; loopback gains nothing from a second one."""

SETTLED_SECONDS = 2.0


def is_slow(received: int, seconds: float) -> bool:
    """Whether one connection that brought `received` bytes in `seconds` leaves room for others beside it.

    Not before it had time to find its speed.
    """
    return seconds >= SETTLED_SECONDS and received < SLOW * seconds


def middle(position: int, end: int) -> int | None:
    """Where to cut what is left between two connections; None where it is not worth it."""
    return position + (end - position) // 2 if end - position >= 2 * SMALLEST else None


class Stretch:
    """Bytes `position` to before `end`, fetched by one connection. Changed by its Stretches alone."""

    __slots__ = ("end", "position")

    def __init__(self, position: int, end: int) -> None:
        self.position, self.end = position, end


class Stretches:
    """All that is left: stretches nobody works on, and those somebody does."""

    def __init__(self, gaps: Iterable[tuple[int, int]]) -> None:
        self._lock = threading.Lock()
        self._waiting = [Stretch(start, end) for start, end in gaps]
        self._taken: list[Stretch] = []
        self._closed = False

    def take(self) -> Stretch | None:
        """The first that nobody works on, or half of the longest that somebody does; None: nothing worth taking."""
        with self._lock:
            if self._closed:
                return None
            stretch = self._waiting.pop(0) if self._waiting else self._half()
            if stretch is not None:
                self._taken.append(stretch)
            return stretch

    def piece(self, stretch: Stretch, limit: int) -> int:
        """How many bytes to read next; 0 once the stretch is done or nobody wants the rest."""
        with self._lock:
            return 0 if self._closed else min(limit, stretch.end - stretch.position)

    def advance(self, stretch: Stretch, count: int) -> None:
        """These bytes are there."""
        with self._lock:
            stretch.position += count

    def leave(self, stretch: Stretch) -> None:
        """Its connection is gone; what it did not bring waits for another."""
        with self._lock:
            self._taken.remove(stretch)
            if stretch.position < stretch.end:
                self._waiting.append(stretch)
                self._waiting.sort(key=lambda waiting: waiting.position)

    def close(self) -> None:
        """Nobody takes or reads anything any more."""
        with self._lock:
            self._closed = True

    def _half(self) -> Stretch | None:
        longest = max(self._taken, key=lambda taken: taken.end - taken.position, default=None)
        cut = middle(longest.position, longest.end) if longest else None
        if longest is None or cut is None:
            return None
        half = Stretch(cut, longest.end)
        longest.end = cut
        return half
