"""The one writer of lines: what all running jobs say is gathered for a moment and made durable in one transaction.

Followers are told after the commit, never before. A database that is away is asked again until it takes the lines, or
until whose they are is given up: that, services.job_leases decides, and so what waits does not grow for long. A job
whose lines it will never take, because of what they say, ends; the others do not wait for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Protocol

from lading.errors import LadingError, StorageFailed
from lading.services.audit_records import AuditEntry, EntryTrail
from lading.services.job import JobState, JsonObject, Line
from lading.services.job_kinds import ending_of
from lading.services.job_records import JobRecords, Told
from lading.services.wakes import Wakes

GATHER_SECONDS = 0.05
"""How long the first line waits for others: half of what a follower may notice."""

OTHERS_AT_ONCE = 32
"""Jobs that nobody follows whose lines are written in one transaction. With 200 of them in one, the lines of a job with
followers waited behind it for half a second."""

AGAIN_SECONDS = 1.0
"""Between two attempts at a database that refuses."""

WAITING_LINES = 100_000
"""So many lines wait at most for a database that takes heartbeats and no lines: whose they are is given up then."""

TOPIC = "job/"

log = logging.getLogger("lading.jobs")


class Seat(Protocol):
    """One job as the writer sees it: whose lines they are, and who hears that they are kept."""

    @property
    def job(self) -> str:
        """Its id."""

    @property
    def run(self) -> int:
        """The claim it writes under."""

    @property
    def followed(self) -> bool:
        """Whether somebody in this process waits for them."""

    @property
    def given_up(self) -> bool:
        """Whether `lost` was called, here or elsewhere: what it said is not written any more."""

    def entry(self, state: JobState) -> AuditEntry | None:
        """What the audit trail says where it ends so."""

    def kept(self, lines: Collection[Line], ended: bool) -> None:
        """They are durable."""

    def lost(self) -> None:
        """This run is over, somewhere else another has begun; or nothing can be written any more."""


@dataclass(frozen=True, slots=True)
class Said:
    """One line to write, and how the job ended where it is the last."""

    seat: Seat
    line: Line
    totals: JsonObject | None = None
    state: JobState | None = None


class LinesRefused(StorageFailed):
    """The database is there, and does not take what a job said."""

    hint = "The server's log says what the database has against it."

    def __str__(self) -> str:
        return "What this job told cannot be written down"


class JobWriter:
    """Takes lines from any thread. `begin` gives it a thread of its own until `finish`; `write` does the same once."""

    def __init__(self, records: JobRecords, wakes: Wakes, trail: EntryTrail) -> None:
        self._records, self._wakes, self._trail = records, wakes, trail
        self._lock = threading.Lock()
        self._said: list[Said] = []
        self._something, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False

    def put(self, said: Iterable[Said]) -> None:
        """To be written soon, after all that was put before."""
        with self._lock:
            self._said.extend(said)
        self._something.set()

    def begin(self) -> None:
        """From now on lines are written without being asked for."""
        self._thread = threading.Thread(target=self._run, name="job lines")
        self._thread.start()

    def finish(self) -> None:
        """Write what is left, once, and end the thread."""
        self._over.set()
        self._something.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.write()

    def write(self) -> bool:
        """Commit all that was put, then tell. What somebody waits for is first, and has every other turn. False where
        the database was away: what is left is kept for the next time."""
        for followed in cycle((True, False)):
            batch = self._taken(followed) or self._taken(not followed)
            if not batch:
                break
            if not self._written(batch):
                return False
        self._failing = False
        return True

    def _taken(self, followed: bool) -> Mapping[str, list[Said]]:
        """What all jobs said that somebody follows, or some of the others."""
        with self._lock:
            self._said = [each for each in self._said if not each.seat.given_up]
            by_job = _by_job(self._said)
            jobs = (job for job, said in by_job.items() if said[-1].seat.followed is followed)
            taken = {job: by_job[job] for job in islice(jobs, None if followed else OTHERS_AT_ONCE)}
            self._said = [each for each in self._said if each.seat.job not in taken]
        return taken

    def _written(self, batch: Mapping[str, list[Said]]) -> bool:
        """False where the database was away."""
        try:
            self._commit(batch)
        except LadingError as error:
            self._keep([each for said in batch.values() for each in said], error)
            return False
        except Exception as error:
            if len(batch) > 1:  # which of them it is
                each = [self._written({job: said}) for job, said in batch.items()]
                return all(each)
            log.exception("what the job %s said cannot be written: %s", *batch, type(error).__name__)
            return self._refused(*batch.values())
        return True

    def _refused(self, said: list[Said]) -> bool:
        """End the job in place of the first line that could not be written. What it says after that is late."""
        ending, first = ending_of(LinesRefused()), said[0]
        last = Said(first.seat, Line(first.line.number, first.line.at, ending.line), None, ending.state)
        try:
            self._commit({first.seat.job: [last]})
        except LadingError as error:
            self._keep(said, error)
            return False
        except Exception:
            log.exception("not even the end of the job %s can be written", first.seat.job)
            first.seat.lost()
        return True

    def _commit(self, by_job: Mapping[str, list[Said]]) -> None:
        """Raises StorageFailed."""
        if not by_job:
            return
        lost = self._records.tell([_told(each) for each in by_job.values()])
        for job, each in by_job.items():
            seat = each[-1].seat
            if job in lost:
                seat.lost()
            else:
                seat.kept([one.line for one in each], each[-1].state is not None)
        if any(each[-1].state is not None for each in by_job.values()):
            self._trail.appended()
        self._wakes.tell(*(job_topic(job) for job in by_job if job not in lost))

    def _keep(self, said: list[Said], error: LadingError) -> None:
        """Put back what could not be written."""
        if not self._failing:
            log.error("lines of jobs cannot be written, and are kept until they can: %s", error)
        self._failing = True
        with self._lock:
            self._said[:0] = said
            too_many = len(self._said) > WAITING_LINES
        if too_many:
            for seat in {id(each.seat): each.seat for each in said}.values():
                seat.lost()

    def _run(self) -> None:
        while not self._over.is_set():
            self._something.wait()
            self._over.wait(GATHER_SECONDS)
            self._something.clear()
            if not self.write():
                self._something.set()
                self._over.wait(AGAIN_SECONDS)


def job_topic(job: str) -> str:
    """What other processes are woken with (services.wakes)."""
    return f"{TOPIC}{job}"


def _by_job(said: Iterable[Said]) -> Mapping[str, list[Said]]:
    """In the order in which each job began to speak."""
    by_job: dict[str, list[Said]] = {}
    for each in said:
        by_job.setdefault(each.seat.job, []).append(each)
    return by_job


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
        None if last.state is None else last.seat.entry(last.state),
    )
