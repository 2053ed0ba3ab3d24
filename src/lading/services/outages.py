"""What the service stands on and may be away for a while: told once when it goes, and once when it is back.

However many ask meanwhile: each of them is answered by its door, and no log fills with that.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from lading.errors import Unavailable

log = logging.getLogger("lading.outages")

STEADY_SECONDS = 2.0
"""After so long without another failure it is back: where it comes and goes, some who ask are answered, others not."""


class Outage:
    """Of one thing, called `what`. For any number of threads. Before it has answered once nothing is told: whoever
    opens it is told by the error."""

    def __init__(self, what: str, clock: Callable[[], float]) -> None:
        """`clock` never goes back."""
        self._what, self._clock = what, clock
        self._lock = threading.Lock()
        self._answers = False
        self._began: float | None = None
        self._last: float | None = None

    def failed(self, error: Unavailable) -> None:
        """It could not be had."""
        with self._lock:
            first, self._answers = self._answers, False
            self._last = self._clock()
            if first:
                self._began = self._last
        if first:
            log.warning("%s; what needs it is put off until it answers", _sentence(error))

    def put_off(self, error: Unavailable) -> None:
        """It answers, but was too busy for this. While that lasts the log repeats it seldom (main.logs.SeldomAway)."""
        if self._answers:
            log.warning("%s; whoever asked is told to try again", error)

    def answered(self) -> None:
        """It did. Costs nothing while it does."""
        if self._answers:
            return
        with self._lock:
            last, began = self._last, self._began
            if last is not None and self._clock() - last < STEADY_SECONDS:
                return
            self._answers, self._began, self._last = True, None, None
        if last is not None and began is not None:
            log.warning("%s answers again: it was away for %.0f s", self._what, last - began)


def _sentence(error: Unavailable) -> str:
    """What is away, and why, where that is said apart."""
    return f"{error}: {error.why}" if error.why else str(error)
