"""Holding jobs: a process says again and again which jobs it has, and hears which of them are not its own any more.

    every BEAT_SECONDS         a heartbeat for each job that waits or runs here, fenced by the claim it is held under
    woken (services.wakes)     one question about all of them, at once: somebody may have ended one elsewhere
    refused, or found gone     the seat is lost: its work stops, wherever it waits just then
    nothing gets through       after SILENT_SECONDS all are given up here, before others take them up; by a thread of
                               its own, which asks nobody: a database that is silent holds up who asks it

Whose job is whose, only the database says, by its own clock (services.jobs.records).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from typing import Protocol

from lading.errors import LadingError
from lading.services.jobs.records import Held, JobRecords

BEAT_SECONDS = 2.5
"""Between two heartbeats."""

LOST_SECONDS = 10.0
"""Without a heartbeat a job is anybody's: four of them, so that one slow commit costs nothing."""

SILENT_SECONDS = LOST_SECONDS - BEAT_SECONDS
"""Without a heartbeat that was taken for so long, a process stops its jobs itself: before they are anybody's."""

WATCH_SECONDS = 0.5
"""How much later than SILENT_SECONDS they may be given up."""

GATHER_SECONDS = 0.2
"""How long wake-ups gather, so that many are one question."""

log = logging.getLogger("lading.jobs")


class Leased(Protocol):
    """One job as it is held here."""

    @property
    def job(self) -> str:
        """Its id."""

    @property
    def run(self) -> int:
        """The claim it is held under."""

    @property
    def unsettled(self) -> bool:
        """Whether its claim or its end is being written: then the row may be a step ahead of what is known here."""

    def lost(self) -> None:
        """It is not held here any more. Returns at once."""


class JobLeases:
    """`begin` gives it its threads until `finish`; `beat`, `look` and `watch` do the same once."""

    def __init__(self, records: JobRecords, clock: Callable[[], float], held: Callable[[], Collection[Leased]]) -> None:
        """`clock` never goes back. `held` are the jobs of this process that have not ended."""
        self._records, self._clock, self._held = records, clock, held
        self._woken, self._over = threading.Event(), threading.Event()
        self._threads: tuple[threading.Thread, ...] = ()
        self._taken = clock()
        self._failing = False

    def begin(self) -> None:
        """From now on jobs are held."""
        self._taken = self._clock()
        self._threads = (
            threading.Thread(target=self._run, name="job leases"),
            threading.Thread(target=self._watch, name="job silence"),
        )
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Returns when no heartbeat is on its way any more. Harmless twice."""
        self._over.set()
        self._woken.set()
        for thread in self._threads:
            thread.join()
        self._threads = ()

    def woken(self) -> None:
        """Some job may have been ended elsewhere: look soon. For any thread; returns at once."""
        self._woken.set()

    def beat(self) -> None:
        """Say that this process still holds its jobs, and give up those that it does not hold."""
        begun = self._clock()
        if self._ask(self._records.beat):
            self._taken = begun

    def watch(self) -> None:
        """Give up all jobs where no heartbeat was taken for too long, whatever keeps it."""
        if self._clock() - self._taken >= SILENT_SECONDS:
            for seat in self._held():
                log.warning(
                    "job %s stops here: for %g s it could not be said that it is held", seat.job, SILENT_SECONDS
                )
                seat.lost()

    def look(self) -> None:
        """Give up the jobs that this process does not hold any more."""
        self._ask(self._records.lost)

    def _ask(self, question: Callable[[Collection[Held]], Collection[str]]) -> bool:
        """Whether the database answered. What it says of a claim or an end on its way here is no news."""
        asked = {seat.job: (seat, seat.run) for seat in self._held()}
        if not asked:
            return True
        try:
            gone = question([Held(job, run) for job, (_, run) in asked.items()])
        except LadingError as error:
            if not self._failing:
                log.warning("it cannot be said that jobs are still held here: %s", error)
            self._failing = True
            return False
        self._failing = False
        for seat, run in (asked[job] for job in gone):
            if not seat.unsettled and seat.run == run:
                log.warning("job %s is not of this process any more, and stops here", seat.job)
                seat.lost()
        return True

    def _watch(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            try:
                self.watch()
            except Exception:  # the others are to be given up all the same
                log.exception("jobs are given up, though something failed")

    def _run(self) -> None:
        due = self._clock()
        while not self._over.is_set():
            woken = self._woken.wait(max(0.0, due - self._clock()))
            self._over.wait(GATHER_SECONDS if woken else 0)
            self._woken.clear()
            if self._over.is_set():
                return
            try:
                if self._clock() >= due:
                    due = self._clock() + BEAT_SECONDS
                    self.beat()
                elif woken:
                    self.look()
            except Exception:  # whatever it is, jobs are to be held on
                log.exception("jobs are held on, though something failed")
