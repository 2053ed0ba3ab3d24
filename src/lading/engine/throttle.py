"""A limit of bytes per second over everything that moves (`--limit-rate`): a bucket of tokens, shared by all lanes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lading.errors import InputInvalid
from lading.wire.message import Cancel, Reader

BURST_SECONDS = 0.25
"""How much of a second may pass at once: long enough for large buffers, short enough to look even."""

TURN_SECONDS = 0.2
"""How long it may take until each of those who share the limit has had its turn: as long as between two ticks, which
else would tell of nothing new. At 0.5 a follower of one of 200 limited pulls saw two ticks a second."""

LEAST, MOST = 4096, 256 * 1024
"""Bytes to ask for at once: less would be all waiting, however many share the limit; more is memory for nothing."""


class RateInvalid(InputInvalid):
    """A limit of less than one byte per second."""

    def __init__(self, rate: float) -> None:
        super().__init__(rate)
        self.rate = rate

    def __str__(self) -> str:
        return f"{self.rate:g} bytes per second is no limit that anything can pass"


class RateLimit:
    """`rate` bytes per second for all who share it. Waits only in `Cancel.wait`; `clock` gives seconds, never back."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        if rate < 1:
            raise RateInvalid(rate)
        self._rate, self._clock = rate, clock
        self._lock = threading.Lock()
        self._left = rate * BURST_SECONDS
        self._filled = clock()
        self._waiting = 0

    @property
    def most(self) -> int:
        """Bytes to ask for at once, by the number of those who wait now."""
        burst, turn = int(self._rate * BURST_SECONDS), int(self._rate * TURN_SECONDS)
        return max(1, min(burst, max(LEAST, turn // (self._waiting + 1)), MOST))

    def pass_on(self, count: int, cancel: Cancel) -> None:
        """Account for `count` bytes that moved, and wait until they are paid for. Raises Cancelled."""
        seconds = self._owe(count)
        if seconds <= 0:
            return
        self._count(1)
        try:
            cancel.wait(seconds)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._waiting += more

    def _owe(self, count: int) -> float:
        """Seconds to wait: the bucket goes below nothing, and each who takes waits for all who took before."""
        with self._lock:
            now = self._clock()
            self._left = min(self._rate * BURST_SECONDS, self._left + (now - self._filled) * self._rate) - count
            self._filled = now
            return -self._left / self._rate


class LimitedReader:
    """A Reader that hands out bytes no faster than the limit allows."""

    def __init__(self, reader: Reader, limit: RateLimit, cancel: Cancel) -> None:
        self._reader, self._limit, self._cancel = reader, limit, cancel

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._reader.readinto(buffer[: self._limit.most])
        self._limit.pass_on(count, self._cancel)
        return count

    def close(self) -> None:
        self._reader.close()
