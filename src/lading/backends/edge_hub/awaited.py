"""What a thread waits for, that the event loop or a timer brings."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lading.backends.edge_hub.failures import AGENT
from lading.wire.message import Cancel, Stalled


class Awaited:
    """One thread waits, any number wake it. How long it has waited is looked at by the hub's timer, in `tick`: here
    nobody reads a clock but `monotonic`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._woken = False
        self._deadline: float | None = None
        self._over = False

    def wake(self) -> None:
        """Something has changed: whoever waits looks again."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def tick(self, now: float) -> None:
        """Ends a wait that has taken too long."""
        with self._changed:
            self._over = self._deadline is not None and now >= self._deadline
            if self._over:
                self._changed.notify_all()

    def wait(self, ready: Callable[[], bool], seconds: float, cancel: Cancel) -> None:
        """Until it is ready. The caller has `cancel` call `wake`. Raises Stalled, Cancelled."""
        with self._changed:
            self._deadline, self._over = self._monotonic() + seconds, False
        try:
            while not ready():
                cancel.check()
                self._sleep(seconds)
        finally:
            with self._changed:
                self._deadline = None

    def _sleep(self, seconds: float) -> None:
        """Not over what woke it since it last slept."""
        with self._changed:
            while not self._woken:
                if self._over:
                    raise Stalled(AGENT, seconds)
                self._changed.wait()
            self._woken = False
