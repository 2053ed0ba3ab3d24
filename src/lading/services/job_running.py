"""Running jobs in this process: from the queue through a claim to exactly one end; after a restart, going on.

admit ─▶ queue ─▶ claim (run + 1) ─▶ work ─▶ terminal line, fenced by run
stop:     what can be gone on with waits again, the rest ends interrupted
recover:  the same for what another process, or an earlier one, left behind
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from lading.errors import Cancelled, LadingError, StorageFailed
from lading.services.access import Actor
from lading.services.audit import Deed, Result, Trail
from lading.services.job import Job, JobRequest, JobState, Line
from lading.services.job_feed import Feeds
from lading.services.job_kinds import (
    RESULTS,
    Actors,
    Ending,
    Kinds,
    KindUnknown,
    LostInRestart,
    RestartedTooOften,
    StoppedByShutdown,
    WorkKind,
    ending_of,
    perform,
)
from lading.services.job_records import LET_GO, JobRecords, Told
from lading.services.job_sharing import Clocks, JobSeat, SharedRun
from lading.services.job_writer import AGAIN_SECONDS, LOST_SECONDS, TOPIC, JobWriter, job_topic
from lading.services.wakes import Wakes
from lading.wire.job_events import Verb

RUNS_LIMIT = 10
"""So often a job is begun before a restart ends it: whatever takes the server down with it must not do so for ever."""

RECORD_ATTEMPTS = 20
"""So often the end of a job is tried again to be put on the audit trail, `AGAIN_SECONDS` apart."""

log = logging.getLogger("lading.jobs")


class JobQueue(Protocol):
    """Calls what it is given, each on a thread of its own, in order, so many at a time in all and per environment."""

    def put(self, name: str, environment: int | None, run: Callable[[], None]) -> None:
        """`run` some time, unless withdrawn or closed before; it never raises."""

    def withdraw(self, name: str) -> bool:
        """Whether it had not begun; then it never does."""

    def close(self) -> None:
        """Begin nothing more."""

    def join(self, seconds: float) -> bool:
        """Wait so long for what has begun; whether all of it ended."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What jobs need of the rest: `kinds` may be filled after this is made, and is looked into when a job runs."""

    records: JobRecords
    kinds: Kinds
    actors: Actors
    trail: Trail
    queue: JobQueue
    wakes: Wakes
    clocks: Clocks


class JobRunner:
    """The jobs of this process. `begin` once, `recover` what was left, `stop` at the end."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._kinds, self._actors, self._trail = surroundings.kinds, surroundings.actors, surroundings.trail
        self._records, self._queue, self._clocks = surroundings.records, surroundings.queue, surroundings.clocks
        self.feeds, self._wakes = Feeds(), surroundings.wakes
        self.writer = JobWriter(self._records, surroundings.wakes, self._clocks.wall, self.held)
        self._lock, self._admitting = threading.Lock(), threading.RLock()
        self._runs: dict[str, SharedRun] = {}
        self._shared: dict[str, SharedRun] = {}
        self._over = threading.Event()

    def begin(self) -> None:
        """Write lines and heartbeats from now on."""
        self.writer.begin()

    def stop(self, seconds: float) -> bool:
        """Begin nothing more, stop what runs so that it can be gone on with, and wait so long for it; then write what
        is left, and send away who follows. Whether all of it ended in that time; what did not is taken up by `recover`
        like after a crash. Harmless twice."""
        self._over.set()
        self._queue.close()
        for run in self._live():
            if run.running:
                run.stop()
        ended = self._queue.join(seconds)
        self.writer.finish()
        with suppress(LadingError):  # then others take them up a little later
            self._records.beat(self.held(), LET_GO)
        self.feeds.abandon()
        return ended

    def woken(self, topic: str | None) -> None:
        """For `Wakes.listening`: some process wrote about the job of this topic; None: perhaps about any."""
        if topic is None:
            self.feeds.changed()
        elif topic.startswith(TOPIC):
            self.feeds.changed([topic.removeprefix(TOPIC)])

    def held(self) -> Collection[str]:
        """The jobs of this process that have not ended."""
        with self._lock:
            return tuple(self._runs)

    def find(self, job: str) -> SharedRun | None:
        """The run of a job that runs or waits here."""
        return self._runs.get(job)

    def permit(self, actor: Actor, request: JobRequest) -> None:
        """Whether the actor may have this done. Raises Denied, RowUnknown, KindUnknown."""
        kind = self._kinds.get(request.kind)
        if kind is None:
            raise KindUnknown(request.kind)
        kind.admit(actor, request.fields)

    def admit(self, job: Job, actor: Actor) -> None:
        """A job that waits: it joins an equal run, or gets one of its own."""
        with self._admitting:
            if self._over.is_set() or job.id in self._runs:
                return
            seat = JobSeat(job, actor, self.feeds.open(job.id, job.cursor), self._gone)
            if not self._joined(seat):
                self._put(seat)

    def _joined(self, seat: JobSeat) -> bool:
        """Whether an equal run takes it in."""
        with self._lock:
            run = self._shared.get(seat.asked.request.sharing)
            if run is None:
                return False
            self._runs[seat.job] = run
        try:
            return run.join(seat, self._claim)
        except LadingError as error:
            log.warning("job %s shares no run, because it could not be claimed: %s", seat.job, error)
            return False

    def _put(self, seat: JobSeat) -> None:
        kind, sharing = self._kinds.get(seat.asked.request.kind), seat.asked.request.sharing
        run = SharedRun(seat, kind.verb if kind else Verb.PUSH, self.writer, self._clocks, self._closing)
        with self._lock:
            self._runs[seat.job] = run
            if sharing:
                self._shared[sharing] = run
        self._queue.put(seat.job, seat.asked.request.environment, lambda: self._run(run))

    def cancel(self, job: str) -> bool:
        """Ask it to stop, or end it where it has not begun. False where it is not of this process."""
        run = self._runs.get(job)
        if run is None:
            return False
        if not run.leave(job):
            self._queue.withdraw(run.first.job)
        return True

    def end(self, job: Job, actor: Actor, ending: Ending, *, recorded: bool = True) -> bool:
        """End a job that is not of this process, once; not `recorded`: it never got on the trail. False where it has
        moved on since it was read."""
        line = Line(job.cursor + 1, self._clocks.wall(), ending.line)
        told = Told(job.id, job.run, line.at, (line,), None, ending.state, ending.line)
        if self._records.tell([told]):
            return False
        if recorded:
            self._record(job, actor, ending.state)
        self.feeds.changed([job.id])
        self._wakes.tell(job_topic(job.id))
        return True

    # ── a run, on a thread of the queue

    def _run(self, run: SharedRun) -> None:
        if not self._begun(run):
            return
        if self._over.is_set():
            run.stop()
        name = run.first.asked.request.kind
        kind = self._kinds.get(name)
        if kind is None:
            run.end(ending_of(KindUnknown(name)))
            return
        seat = self._admitted(run, kind)
        if seat is None:
            return
        job = seat.asked
        if job.run:
            run.line({"status": "note", "message": "This was interrupted, and goes on"})
        ending = perform(kind, lambda: self._actor(seat), job, run, run.cancel)
        if run.stopped and not run.unwanted and ending.state is JobState.CANCELLED:
            if kind.resumes:
                run.suspend(self._release)
                return
            ending = ending_of(StoppedByShutdown())
        run.end(ending)

    def _admitted(self, run: SharedRun, kind: WorkKind) -> JobSeat | None:
        """Under whose name the run works: the first of those who share it and still may; None where nobody may. One who
        is alone is asked by the work itself."""
        seats = run.seats
        if len(seats) == 1:
            return seats[0]
        for seat in seats:
            try:
                kind.admit(self._actor(seat), seat.asked.request.fields)
            except LadingError as error:
                run.refuse(seat, ending_of(error))
        return next(iter(run.seats), None)

    def _begun(self, run: SharedRun) -> bool:
        """Claims, however long the database takes to let us."""
        while not self._over.is_set():
            try:
                return run.begin(self._claim)
            except LadingError as error:
                log.warning("job %s cannot be begun, and is tried again: %s", run.first.job, error)
            with suppress(Cancelled):
                run.cancel.wait(AGAIN_SECONDS)
        return False

    def _claim(self, job: str) -> Job | None:
        return self._records.claim(job, self._clocks.wall())

    def _release(self, seat: JobSeat) -> None:
        """Left unreleased, it is found by `recover` all the same."""
        with suppress(LadingError):
            self._records.release(seat.job, seat.run, self._clocks.wall())
        seat.claimed = False

    def _actor(self, seat: JobSeat) -> Actor:
        """With the grants of this moment, and from where it was asked."""
        return replace(self._actors.again(seat.asked), address=seat.actor.address, request=seat.actor.request)

    def _closing(self, seat: JobSeat, state: JobState) -> None:
        self._record(seat.asked, seat.actor, state)

    def _record(self, job: Job, actor: Actor, state: JobState) -> None:
        """How it ended, on the trail. A trail that cannot be written is no reason to leave a job without its end."""
        deed = job.request.deed
        if deed is not None and not self._recorded(actor, deed, RESULTS[state]):
            log.error("the end of job %s is not on the audit trail", job.id)

    def _recorded(self, actor: Actor, deed: Deed, result: Result) -> bool:
        """Whether it is there, perhaps after a while: the database may be away."""
        for _ in range(RECORD_ATTEMPTS):
            try:
                self._trail.record(actor, deed, result)
            except StorageFailed as error:
                log.warning("the audit trail cannot be written: %s", error)
                if self._over.wait(AGAIN_SECONDS):
                    return False
            except Exception:
                log.exception("the audit trail failed")
                return False
            else:
                return True
        return False

    def _gone(self, seat: JobSeat) -> None:
        """It told its end, or was lost: forget it."""
        self.feeds.close(seat.feed)
        with self._lock:
            run = self._runs.pop(seat.job, None)
            sharing = seat.asked.request.sharing
            if run is not None and self._shared.get(sharing) is run and run not in self._runs.values():
                del self._shared[sharing]
        if run is not None and seat in run.seats:
            run.drop(seat)

    def _live(self) -> Collection[SharedRun]:
        with self._lock:
            return set(self._runs.values())

    # ── after a restart

    def recover(self, silent_for: float = LOST_SECONDS) -> int:
        """Take up jobs without a heartbeat for so many seconds (0: all, where nobody else can hold any): they go on, or
        end interrupted. Returns how many there were. Raises StorageFailed."""
        now = self._clocks.wall()
        before = now - silent_for if silent_for else math.inf
        left = [job for job in self._records.left(before) if job.id not in self._runs]
        for job in left:
            self._take_up(job, now)
        return len(left)

    def _take_up(self, job: Job, now: float) -> None:
        actor = self._actors.again(job)
        if job.state is JobState.QUEUED:
            self.admit(job, actor)
            return
        kind = self._kinds.get(job.request.kind)
        if kind is None or not kind.resumes or job.run >= RUNS_LIMIT:
            often = kind is not None and kind.resumes
            ending = ending_of(RestartedTooOften(job.run) if often else LostInRestart())
            self.end(job, actor, ending)
        elif self._records.release(job.id, job.run, now):
            self.admit(replace(job, state=JobState.QUEUED), actor)
