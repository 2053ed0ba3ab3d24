"""Periodic work: a fixed table of chores, whose times are rows, so that a restart neither skips nor repeats them.

A chore is done by whoever moves its row's `next` on: one process of several, once. In this process one thread does all
chores, one after the other; so what must not wait for one that takes long is none. What was missed while nobody ran is
done once, not as often as it was missed.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.errors import StorageFailed

log = logging.getLogger("lading.schedules")

LOOK_SECONDS = 1.0
"""How late a chore may be."""


@dataclass(frozen=True, slots=True)
class Chore:
    """What is done `every` so many seconds. `run` is blocking, and harmless when it is done twice."""

    name: str
    every: float
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A chore's row: when it is due `next`, and when it was begun `last`, in seconds since 1970."""

    name: str
    every: float
    next: float
    last: float | None = None


class ScheduleRecords(Protocol):
    """Rows of chores, by name. Every method may raise StorageFailed."""

    def schedules(self) -> Sequence[Schedule]:
        """All of them."""

    def ensure_schedule(self, schedule: Schedule) -> None:
        """Add it; where there is one of this name, only `every` is taken over, and `next` where it is further away."""

    def take_schedule(self, name: str, due: float, next: float, last: float) -> bool:  # noqa: A002  the row's own word
        """Move it on, if it is still `due` then. False where somebody else was faster."""


class Schedules:
    """The chores of this process: `begin` gives them a thread until `stop`; `run_due` does what is due, once."""

    def __init__(self, records: ScheduleRecords, clock: Callable[[], float], chores: Sequence[Chore]) -> None:
        self._records, self._clock = records, clock
        self._chores: Mapping[str, Chore] = {chore.name: chore for chore in chores}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Raises StorageFailed."""
        now = self._clock()
        for chore in self._chores.values():
            self._records.ensure_schedule(Schedule(chore.name, chore.every, now + chore.every))
        self._thread = threading.Thread(target=self._run, name="schedules")
        self._thread.start()

    def stop(self) -> None:
        """Returns when the chore at hand is done."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def run_due(self) -> Sequence[str]:
        """Do what is due, the longest overdue first; the names of what was done. Raises StorageFailed."""
        now = self._clock()
        due = sorted((row for row in self._records.schedules() if row.next <= now), key=lambda row: row.next)
        return [row.name for row in due if row.name in self._chores and self._done(row)]

    def _done(self, row: Schedule) -> bool:
        now = self._clock()
        chore = self._chores[row.name]
        if self._over.is_set() or not self._records.take_schedule(
            row.name, row.next, next_time(row.next, chore.every, now), now
        ):
            return False
        self._run_one(chore)
        return True

    def _run_one(self, chore: Chore) -> None:
        try:
            chore.run()
        except StorageFailed as error:
            log.error("%s failed, and is tried again at its next time: %s", chore.name, error)  # noqa: TRY400
        except Exception:
            log.exception("%s failed, and is tried again at its next time", chore.name)

    def _run(self) -> None:
        failing = False
        while not self._over.wait(LOOK_SECONDS):
            try:
                self.run_due()
                failing = False
            except StorageFailed as error:
                if not failing:
                    log.error("what is due cannot be read, and is looked for again: %s", error)  # noqa: TRY400  once
                failing = True
            except Exception:
                log.exception("what is due cannot be read, and is looked for again")


def next_time(due: float, every: float, now: float) -> float:
    """The first time after `now` in steps of `every` from `due`."""
    steps = math.floor(max(now - due, 0.0) / every) + 1
    return due + every * (steps if due + every * steps > now else steps + 1)
