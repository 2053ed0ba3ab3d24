"""How many layers move at a time to one registry, and from it: one limit for all transfers of all processes.

    nobody moves layers there                  no row, no question
    a process begins to                        says so, before the first one moves; who says so, shares the limit
    another one begins, or stops               shares are made anew (services.registries.shares)

Each process has room for one at least. What goes out and what comes in is counted apart: who sends a layer may wait for
room to read it elsewhere, and who reads one waits for no room, so no two transfers wait for each other.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection
from enum import Enum, auto
from typing import Protocol, Self, TypeVar

from lading.wire.message import Cancel

Key = TypeVar("Key")

PATIENCE_SECONDS = 300.0
"""Who waited for room for so long goes on without: rather a layer too many than work that stands still."""


class _Way(Enum):
    """Where a layer moves, as seen from the registry's client."""

    OUT = auto()
    IN = auto()


class Shares(Protocol):
    """What this process may do of what all may. For any thread; never raises."""

    def join(self, host: str) -> None:
        """Layers are about to move at this host[:port]. Asks the database once, where none did for a while."""

    def of(self, host: str) -> int:
        """How many layers may move there, each way: 1 at least. Returns at once."""


class Everything:
    """Fulfils Shares for a process that has nobody beside it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def join(self, host: str) -> None:
        """Nobody is to know."""

    def of(self, host: str) -> int:  # noqa: ARG002  the same everywhere
        return self._limit


class RegistryLanes:
    """For any number of threads."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._changed = threading.Condition()
        self._moving: Counter[tuple[str, _Way]] = Counter()
        self._waiting: Counter[str] = Counter()

    def send(self, host: str, cancel: Cancel) -> Lane:
        """Waits until there is room to send one more layer to this host[:port]. Raises Cancelled."""
        return self._take(host, _Way.OUT, cancel)

    def read(self, host: str, cancel: Cancel) -> Lane:
        """The same to read one there."""
        return self._take(host, _Way.IN, cancel)

    @property
    def hosts(self) -> Collection[str]:
        """Where layers move, or wait to."""
        with self._changed:
            return {*self._waiting, *(host for host, _ in self._moving)}

    def changed(self) -> None:
        """Shares are others, or somebody who waits is to stop. Returns at once."""
        with self._changed:
            self._changed.notify_all()

    def _take(self, host: str, way: _Way, cancel: Cancel) -> Lane:
        self._shares.join(host)
        with cancel.closing(self.changed), self._changed:
            self._waiting[host] += 1
            try:
                self._changed.wait_for(lambda: self._may(host, way, cancel), PATIENCE_SECONDS)
                self._moving[host, way] += 1
            finally:
                _less(self._waiting, host)
        return Lane(lambda: self._leave(host, way))

    def _may(self, host: str, way: _Way, cancel: Cancel) -> bool:
        cancel.check()
        return self._moving[host, way] < self._shares.of(host)

    def _leave(self, host: str, way: _Way) -> None:
        with self._changed:
            _less(self._moving, (host, way))
            self._changed.notify_all()


def _less(counter: Counter[Key], key: Key) -> None:
    """Anybody may name any host: of those where nothing moves, nothing is kept."""
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


class Lane:
    """Room for one layer, until it is left."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave
        self._left = threading.Lock()

    def leave(self) -> None:
        """Harmless twice, and from any thread."""
        if self._left.acquire(blocking=False):
            self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.leave()
