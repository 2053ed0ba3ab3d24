"""Asking work to stop: an event, a deadline, and the sockets to close so that nobody stays blocked.

A `Cancellation` may stand inside another Cancel: what stops the outer one stops the inner one, never the other way
round. That is how `copy` ends the lanes of one destination without touching the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from lading.errors import Cancelled, LadingError, TimedOut
from lading.wire.message import Cancel

Pause = Callable[[threading.Event, float], object]
"""Waits for the event, at most so many seconds: the only sleep there is, so tests replace it."""


class DeadlineOver(TimedOut):
    """The seconds that the caller allowed have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"not done within the {self.seconds:g} s allowed"


class _Closer:
    """Runs `close` only while its owner is inside `closing`; leaving waits for a run that has begun."""

    __slots__ = ("_close", "_live", "_lock")

    def __init__(self, close: Callable[[], None]) -> None:
        self._close, self._live, self._lock = close, True, threading.RLock()

    def run(self) -> None:
        with self._lock:
            if self._live:
                with suppress(OSError):
                    self._close()

    def retire(self) -> None:
        with self._lock:
            self._live = False


class Cancellation:
    """A Cancel to hold in the hand. As a context manager it ends its deadline's watch when left.

    `seconds` is the whole time allowed from now on. Threads that block in a socket at that moment are woken by the
    closers only between `__enter__` and `__exit__`; `check` and `wait` notice the deadline anywhere.
    """

    def __init__(
        self,
        seconds: float | None = None,
        *,
        clock: Callable[[], float] | None = None,
        pause: Pause = threading.Event.wait,
    ) -> None:
        if seconds is not None and clock is None:
            raise ValueError("a deadline needs a clock")
        self._seconds, self._clock, self._pause = seconds, clock, pause
        self._deadline = None if seconds is None or clock is None else clock() + seconds
        self._event = threading.Event()
        self._lock = threading.RLock()
        self._reason: LadingError | None = None
        self._closers: set[_Closer] = set()
        self._watch: threading.Timer | None = None
        self._outer: Cancel | None = None

    @classmethod
    @contextmanager
    def within(cls, outer: Cancel) -> Iterator[Self]:
        """A Cancel that stops with `outer` and can be stopped alone. Raises what `outer.check()` raises."""
        inner = cls(pause=outer._pause) if isinstance(outer, Cancellation) else cls()
        inner._outer = outer
        with outer.closing(inner.cancel):
            yield inner

    def cancel(self) -> None:
        """Stop everything that holds this. Harmless twice. A signal handler calls it on a thread of its own."""
        self._stop(Cancelled())

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked, or the deadline's watch did."""
        return self._event.is_set()

    def check(self) -> None:
        """Raises Cancelled or DeadlineOver; of an outer Cancel its reason."""
        if self._outer is not None:
            self._outer.check()
        if self._reason is not None:
            raise type(self._reason)(*self._reason.args)
        if self._left() == 0:
            self._stop(DeadlineOver(self._seconds or 0))
            raise DeadlineOver(self._seconds or 0)

    def wait(self, seconds: float) -> None:
        """Sleep for `seconds`, cut short by Cancelled or DeadlineOver."""
        left = self._left()
        self._pause(self._event, seconds if left is None else min(seconds, left))
        self.check()

    @contextmanager
    def closing(self, close: Callable[[], None]) -> Iterator[None]:
        """While inside, a cancel also runs `close` (from the cancelling thread; an OSError of it is ignored)."""
        closer = _Closer(close)
        with self._lock:
            self._closers.add(closer)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._closers.discard(closer)
            closer.retire()

    def __enter__(self) -> Self:
        left = self._left()
        if left is not None:
            self._watch = threading.Timer(left, self._stop, [DeadlineOver(self._seconds or 0)])
            self._watch.daemon = True
            self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch.join()
            self._watch = None

    def _left(self) -> float | None:
        """Seconds until the deadline, None where there is none."""
        if self._deadline is None or self._clock is None:
            return None
        return max(0.0, self._deadline - self._clock())

    def _stop(self, reason: LadingError) -> None:
        with self._lock:
            if self._reason is None:
                self._reason = reason
            closers = tuple(self._closers)
        self._event.set()
        for closer in closers:
            closer.run()
