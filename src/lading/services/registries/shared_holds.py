"""Registries that are to be left alone, told among the processes at one database: as rows, and by a wake-up.

told             a row says so, by the database's clock, and the others are woken
begun, or woken  the rows are read once, by whoever is about to ask a registry anything
quiet            nobody asks the database
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from lading.errors import LadingError
from lading.services.registries.holds import Hold

TOPIC = "registry holds"
"""Of the wake-ups (services.wakes)."""

AGAIN_SECONDS = 5.0
"""After the rows could not be read."""

log = logging.getLogger("lading.registries")


class HoldRecords(Protocol):
    """Holds of all processes, by one clock for all of them. Every method may raise StorageFailed."""

    def put_hold(self, hold: Hold) -> None:
        """From now on; one that ends later stands."""

    def holds(self) -> Sequence[Hold]:
        """Those that are not over, with the seconds that they have left."""


class SharedHolds:
    """Fulfils services.registries.holds.Others: what cannot be written down or read now is logged."""

    def __init__(self, records: HoldRecords, wake: Callable[[], None], clock: Callable[[], float]) -> None:
        """`wake` tells the others after a row was written, `clock` never goes back."""
        self._records, self._wake, self._clock = records, wake, clock
        self._reading = threading.Lock()
        self._news, self._again = True, clock()

    def woken(self, topic: str | None) -> None:
        """Another process may have told of one. Returns at once."""
        if topic in {None, TOPIC}:
            self._news = True

    def tell(self, hold: Hold) -> None:
        try:
            self._records.put_hold(hold)
        except LadingError as error:
            log.warning("other processes cannot be told to leave %s alone: %s", hold.host, error)
        else:
            self._wake()

    def hear(self, keep: Callable[[Hold], object]) -> None:
        if self._news:
            self._read(keep)

    def _read(self, keep: Callable[[Hold], object]) -> None:
        """Others who come meanwhile wait for it."""
        with self._reading:
            if not self._news or self._clock() < self._again:
                return
            self._news = False  # first: who writes one down while we read wakes us again
            try:
                for hold in self._records.holds():
                    keep(hold)
            except LadingError as error:
                self._news, self._again = True, self._clock() + AGAIN_SECONDS
                log.warning("it cannot be read which registries are to be left alone: %s", error)
