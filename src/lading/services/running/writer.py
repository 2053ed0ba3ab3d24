"""The writers of lines: what running jobs say is gathered for a moment and made durable, that of some in a transaction.

Two threads, one for what somebody follows and one for the rest (services.running.lines). Followers are told after the
commit, never before. A database that is away is asked again until it takes the lines, or until whose they are is given
up: that, services.running.leases decides, and so what waits does not grow for long. A job whose lines it will never
take, because of what they say, ends; the others do not wait for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from itertools import cycle

from lading.errors import LadingError, StorageFailed
from lading.services.audit.records import EntryTrail
from lading.services.jobs.job import Line
from lading.services.jobs.records import JobRecords, Told
from lading.services.running.ending import ending_of
from lading.services.running.lines import Batch, Said, WaitingLines

GATHER_SECONDS = {True: 0.03, False: 0.1}
"""How long lines wait for others, once some were written; the first go at once, and so does an end. Those that are
followed, and those that only who asks will see."""

AGAIN_SECONDS = 1.0
"""Between two attempts at a database that refuses."""

WAITING_LINES = 100_000
"""So many lines wait at most for a database that takes heartbeats and no lines: whose they are is given up then."""

log = logging.getLogger("lading.jobs")


class LinesRefused(StorageFailed):
    """The database is there, and does not take what a job said."""

    hint = "The server's log says what the database has against it."

    def __str__(self) -> str:
        return "What this job told cannot be written down"


class JobWriter:
    """Takes lines from any thread. `begin` gives it threads of its own until `finish`; `write` does the same once."""

    def __init__(self, records: JobRecords, trail: EntryTrail) -> None:
        self._records, self._trail = records, trail
        self._lines = WaitingLines()
        self._over = threading.Event()
        self._threads: tuple[threading.Thread, ...] = ()
        self._failing = False

    def put(self, said: Iterable[Said]) -> None:
        """To be written soon, after all that was put before."""
        self._lines.put(said)

    def begin(self) -> None:
        """From now on lines are written without being asked for."""
        self._threads = (
            threading.Thread(target=self._run, args=[True], name="followed lines"),
            threading.Thread(target=self._run, args=[False], name="other lines"),
        )
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Write what is left, once, and end the threads."""
        self._over.set()
        self._lines.wake()
        self._lines.hurry()
        for thread in self._threads:
            thread.join()
        self._threads = ()
        self.write()

    def write(self) -> bool:
        """Commit all that was put, then tell. What somebody waits for is first, and has every other turn. False where
        the database was away: what is left is kept for the next time."""
        for followed in cycle((True, False)):
            batch = self._lines.take(followed) or self._lines.take(not followed)
            if not batch:
                break
            if not self._written(batch):
                return False
        return True

    def _written(self, batch: Batch) -> bool:
        """False where the database was away: then it waits again."""
        try:
            self._commit(batch)
        except LadingError as error:
            self._keep(batch, error)
            return False
        except Exception as error:
            if len(batch) > 1:  # which of them it is
                each = [self._written({job: said}) for job, said in batch.items()]
                return all(each)
            log.exception("what the job %s said cannot be written: %s", *batch, type(error).__name__)
            return self._refused(batch)
        self._failing = False
        return True

    def _refused(self, batch: Batch) -> bool:
        """End the one job in place of the first line that could not be written. What it says after that is late."""
        first = next(said[0] for said in batch.values())
        ending = ending_of(LinesRefused())
        last = Said(first.seat, Line(first.line.number, first.line.at, ending.line), None, ending.state)
        try:
            self._commit({first.seat.job: [last]})
        except LadingError as error:
            self._keep(batch, error)
            return False
        except Exception:
            log.exception("not even the end of the job %s can be written", first.seat.job)
            first.seat.lost()
            self._lines.written(batch)
        return True

    def _commit(self, batch: Batch) -> None:
        """Raises StorageFailed."""
        lost = self._records.tell([_told(each) for each in batch.values()])
        for job, each in batch.items():
            seat = each[-1].seat
            if job in lost:
                seat.lost()
            else:
                seat.kept([one.line for one in each], each[-1].state)
        self._lines.written(batch)
        if any(each[-1].state is not None for each in batch.values()):
            self._trail.appended()

    def _keep(self, batch: Batch, error: LadingError) -> None:
        """Put back what could not be written."""
        if not self._failing:
            log.error("lines of jobs cannot be written, and are kept until they can: %s", error)
        self._failing = True
        if self._lines.put_back(batch) > WAITING_LINES:
            for seat in {id(each.seat): each.seat for said in batch.values() for each in said}.values():
                seat.lost()

    def _run(self, followed: bool) -> None:
        while not self._over.is_set():
            self._lines.wait(followed)
            if self._write_all(followed):
                self._lines.gather(followed, GATHER_SECONDS[followed])
            else:
                self._lines.wake()
                self._over.wait(AGAIN_SECONDS)

    def _write_all(self, followed: bool) -> bool:
        """What `followed` says, as `write`."""
        while batch := self._lines.take(followed):
            if not self._written(batch):
                return False
        return True


def _told(said: list[Said]) -> Told:
    """What one job said, as one change of its row."""
    last = said[-1]
    return Told(
        last.seat.job,
        last.seat.run,
        last.line.at,
        tuple(each.line for each in said),
        last.totals,
        last.state,
        None if last.state is None else last.line.data,
        None if last.state is None else last.seat.entry(last.state, last.line.data),
    )
