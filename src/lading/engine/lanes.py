"""In which order lanes take pieces: largest first, and one lane that keeps the small ones from waiting behind them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from lading.oci.descriptor import Descriptor


class Queue:
    """The pieces still to move to one destination. Thread-safe.

    With several lanes, the last one takes from the small end: a config does not wait for gigabytes, and one huge layer
    begun early leaves no long tail.
    """

    def __init__(self, pieces: Iterable[Descriptor], lanes: int) -> None:
        self._waiting = deque(sorted(pieces, key=lambda piece: piece.size, reverse=True))
        self._lock = threading.Lock()
        self._moving = 0
        self._allowed = lanes
        self.lanes = min(lanes, len(self._waiting))

    def take(self, lane: int) -> Descriptor | None:
        """The next piece for this lane, counted from 0; None when nothing waits."""
        with self._lock:
            if not self._waiting:
                return None
            self._moving += 1
            small = self.lanes > 1 and lane == self.lanes - 1
            return self._waiting.pop() if small else self._waiting.popleft()

    def done(self) -> None:
        """A piece that was taken needs its lane no more."""
        with self._lock:
            self._moving -= 1

    def spare(self) -> bool:
        """Whether fewer pieces than lanes are left, so that one piece may use more than its own."""
        with self._lock:
            return not self._waiting and self._moving < self._allowed
