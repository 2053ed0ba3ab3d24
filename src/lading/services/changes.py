"""Whether anything was committed since: what was read of the rows before may be remembered until then.

A stamp is taken before reading. While the next one equals it, nobody has committed anything, in this process or
another, and what was read is still true. So whoever was locked out is locked out at once, though most requests read no
row.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import count
from typing import Generic, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_REMEMBERED = 10_000


class Changes(Protocol):
    """For any thread."""

    @property
    def at_once(self) -> bool:
        """Whether a stamp tells of a commit from the moment it is kept, whichever process made it."""

    def stamp(self) -> Hashable:
        """Equal to an earlier one only where nothing was committed in between. Raises StorageFailed."""

    def woken(self, topic: str | None) -> None:
        """For `Wakes.listening`, and whoever has just committed: something may have been."""


class WokenChanges:
    """Fulfils Changes where commits are heard of by wake-ups: those may be lost, so no stamp stands for longer than
    `STANDS_SECONDS`."""

    STANDS_SECONDS = 5.0
    at_once = False

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds, of whatever beginning."""
        self._clock, self._count, self._commits = clock, 0, count(1)

    def woken(self, topic: str | None) -> None:  # noqa: ARG002  any may be about what is remembered
        self.committed()

    def committed(self) -> None:
        """This process has."""
        self._count = next(self._commits)

    def stamp(self) -> Hashable:
        return self._count, self._clock() // self.STANDS_SECONDS

    def close(self) -> None:
        """Nothing is held."""


class Remembered(Generic[K, V]):
    """What was looked up, until something is committed. For any number of threads; bounded.

    That something is not there is not remembered where commits are heard of late: whoever was told that it is there now
    may ask another process a moment later.
    """

    def __init__(self, changes: Changes, look: Callable[[K], V]) -> None:
        """`look` finds it; what it raises is not remembered."""
        self._changes, self._look = changes, look
        self._lock = threading.Lock()
        self._stamp: Hashable = None
        self._kept: OrderedDict[K, V] = OrderedDict()

    def of(self, key: K) -> V:
        """Raises what `look` does, and StorageFailed."""
        stamp = self._changes.stamp()
        with self._lock:
            if stamp != self._stamp:
                self._stamp, self._kept = stamp, OrderedDict()
            elif key in self._kept:
                return self._kept[key]
        found = self._look(key)
        if found is None and not self._changes.at_once:
            return found
        with self._lock:
            if stamp == self._stamp:
                self._kept[key] = found
                if len(self._kept) > MOST_REMEMBERED:
                    self._kept.popitem(last=False)
        return found
