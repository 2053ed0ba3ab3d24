"""How many there are in all, of what may be very many: counted anew while it is cheap, remembered once it is not.

A list shows a page and the number of all. The page costs the same however long the list is; to count all of it goes
through all of it. So what turned out to be many is not counted for each page: it may be out of date by STANDS_SECONDS,
or by a hundred times as long as it takes to count, so that no more than a hundredth of the time goes into counting.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MANY = 10_000
"""Rows that a database counts within a millisecond or two."""

STANDS_SECONDS = 60.0
SHARE = 100.0
"""How many times as long as it took to count it a number stands, at least."""

MOST_REMEMBERED = 1000


class Totals(Generic[K, V]):
    """For any number of threads; bounded. `clock` tells seconds, of whatever beginning."""

    def __init__(self, many: Callable[[V], bool], clock: Callable[[], float] = time.monotonic) -> None:
        """`many` says of what was counted whether it was so many that it is to be remembered."""
        self._many, self._clock = many, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def of(self, key: K, count: Callable[[], V]) -> V:
        """Raises what `count` does."""
        known = self.known(key)
        if known is not None:
            return known
        began = self._clock()
        counted = count()
        self.counted(key, counted, began)
        return counted

    def known(self, key: K) -> V | None:
        """What is remembered; None where it is to be counted by who asked. Others are told the old number meanwhile."""
        now = self._clock()
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            value, until = found
            if now < until:
                return value
            self._kept[key] = (value, now + STANDS_SECONDS)
            return None

    def counted(self, key: K, value: V, began: float) -> None:
        """It was counted from `began` on, by this object's clock."""
        now = self._clock()
        with self._lock:
            self._kept.pop(key, None)
            if self._many(value):
                self._kept[key] = (value, now + max(STANDS_SECONDS, SHARE * (now - began)))
                if len(self._kept) > MOST_REMEMBERED:
                    self._kept.popitem(last=False)

    def now(self) -> float:
        """By its clock."""
        return self._clock()


def many(count: int) -> bool:
    """For plain counts of rows."""
    return count > MANY
