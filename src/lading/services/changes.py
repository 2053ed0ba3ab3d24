"""Whether anything was committed since: what was read of the rows before may be remembered until then.

A stamp is taken before reading. While the next one equals it, nobody has committed anything, in this process or
another, and what was read is still true. So whoever was locked out is locked out at once, though most requests read no
row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from itertools import count
from typing import Generic, NamedTuple, Protocol, TypeVar

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


class _Kept(NamedTuple, Generic[K, V]):
    """Taken whole, so that what was found is never read under another stamp than its own."""

    stamp: Hashable
    found: dict[K, V]


class Remembered(Generic[K, V]):
    """What was looked up, until something is committed. For any number of threads; bounded. What is remembered is found
    without a lock: thousands of requests a second would queue for it.

    That something is not there is not remembered where commits are heard of late: whoever was told that it is there now
    may ask another process a moment later.
    """

    def __init__(self, changes: Changes, look: Callable[[K], V]) -> None:
        """`look` finds it; what it raises is not remembered."""
        self._changes, self._look = changes, look
        self._lock = threading.Lock()
        self._kept: _Kept[K, V] = _Kept(None, {})

    def of(self, key: K) -> V:
        """Raises what `look` does, and StorageFailed."""
        stamp = self._changes.stamp()
        kept = self._kept
        if kept.stamp == stamp:
            try:
                return kept.found[key]
            except KeyError:
                pass
        found = self._look(key)
        if found is not None or self._changes.at_once:
            self._keep(stamp, key, found)
        return found

    def _keep(self, stamp: Hashable, key: K, found: V) -> None:
        """What was found under a stamp that is over by now is looked up again by the next."""
        with self._lock:
            if self._kept.stamp != stamp:
                if self._changes.stamp() != stamp:
                    return
                self._kept = _Kept(stamp, {})
            self._kept.found[key] = found
            if len(self._kept.found) > MOST_REMEMBERED:
                del self._kept.found[next(iter(self._kept.found))]
