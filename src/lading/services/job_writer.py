"""The one writer of lines: what all running jobs say is gathered for a moment and made durable in one transaction.

Followers are told after the commit, never before. A database that refuses is asked again until it takes the lines; jobs
that cannot write for `LOST_SECONDS` are stopped, because another process may by then have taken them over.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lading.errors import LadingError
from lading.services.job import JobState, JsonObject, Line
from lading.services.job_records import JobRecords, Told
from lading.services.wakes import Wakes

GATHER_SECONDS = 0.05
"""How long the first line waits for others: half of what a follower may notice."""

BEAT_SECONDS = 2.5
"""Between two heartbeats."""

LOST_SECONDS = 10.0
"""Without a heartbeat a job is anybody's: four of them, so that one slow commit costs nothing."""

AGAIN_SECONDS = 1.0
"""Between two attempts at a database that refuses."""

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


class JobWriter:
    """Takes lines from any thread. `begin` gives it a thread of its own until `finish`; `write` does the same once."""

    def __init__(
        self, records: JobRecords, wakes: Wakes, clock: Callable[[], float], held: Callable[[], Collection[str]]
    ) -> None:
        """`held` names the jobs of this process that have not ended: what the heartbeat is for."""
        self._records, self._wakes, self._clock, self._held = records, wakes, clock, held
        self._lock = threading.Lock()
        self._said: list[Said] = []
        self._something, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._failing_since: float | None = None
        self._beaten = 0.0

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
        """Commit all that was put, then tell; what somebody waits for comes first. False where the database refused:
        what is left is kept for the next time."""
        with self._lock:
            said, self._said = self._said, []
        by_job = _by_job(said)
        followed = {job: each for job, each in by_job.items() if each[-1].seat.followed}
        others = {job: each for job, each in by_job.items() if job not in followed}
        for batch, rest in ((followed, others), (others, {})):
            try:
                self._commit(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the only writer there is
                self._keep([one for each in (*batch.values(), *rest.values()) for one in each], error)
                return False
        self._failing_since = None
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
        self._wakes.tell(*(job_topic(job) for job in by_job if job not in lost))

    def beat(self) -> None:
        """Say that this process still holds its jobs, where that is due."""
        now = self._clock()
        if now - self._beaten < BEAT_SECONDS:
            return
        try:
            self._records.beat(self._held(), now)
            self._beaten = now
        except LadingError as error:
            log.warning("no heartbeat of jobs was written: %s", error)

    def _keep(self, said: list[Said], error: Exception) -> None:
        """Put back what could not be written. When it lasts too long, stop whose lines these are: what they said is not
        written any more, because somebody else goes on from the last line that was."""
        now = self._clock()
        if self._failing_since is not None and now - self._failing_since >= LOST_SECONDS:
            for seat in {id(each.seat): each.seat for each in said}.values():
                seat.lost()
            return
        with self._lock:
            self._said[:0] = said
        if self._failing_since is None:
            self._failing_since = now
            why = None if isinstance(error, LadingError) else error
            log.error("lines of jobs cannot be written, and are kept until they can: %s", error, exc_info=why)

    def _run(self) -> None:
        while not self._over.is_set():
            self._something.wait(BEAT_SECONDS)
            self._over.wait(GATHER_SECONDS)
            self._something.clear()
            if not self.write():
                self._something.set()
                self._over.wait(AGAIN_SECONDS)
            self.beat()


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
    )
