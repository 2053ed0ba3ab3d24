"""The jobs of this process: from the queue through a claim to exactly one end.

dispatch ─▶ another process, or here:
admit ─▶ queue ─▶ claim (run + 1) ─▶ work ─▶ terminal line, fenced by run     the last three: services.running.turn
stop:     what can be gone on with waits again, the rest ends interrupted
recover:  what another process, or an earlier one, left behind                services.running.recovery
woken:    what another process ended stops here                               services.running.leases
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from lading.errors import LadingError
from lading.services.access import Actor
from lading.services.audit.records import EntryTrail
from lading.services.clocks import Clocks
from lading.services.jobs.job import Job, JobRequest, JobState
from lading.services.jobs.kinds import Actors, Kinds
from lading.services.jobs.records import ENDED, TOPIC, Held, JobRecords
from lading.services.running.closing import JobClosing
from lading.services.running.dispatch import Dispatch, HandOver, NobodyElse, Taken
from lading.services.running.ending import KindUnknown
from lading.services.running.feed import Feeds
from lading.services.running.leases import LOST_SECONDS, JobLeases
from lading.services.running.recovery import JobRecovery
from lading.services.running.run import SharedRun
from lading.services.running.seat import JobSeat
from lading.services.running.turn import JobTurns
from lading.services.running.worked import Count, uncounted
from lading.services.running.writer import JobWriter
from lading.wire.docker_words import Verb
from lading.wire.job_events import Fold

log = logging.getLogger("lading.jobs")


class JobQueue(Protocol):
    """Calls what it is given, each on a thread of its own, in order, so many at a time in all and per environment."""

    def put(self, name: str, environment: int | None, run: Callable[[], None]) -> None:
        """`run` some time, unless withdrawn or closed before; where it cannot begin now, when another ends or `look` is
        called. Neither `put` nor `run` raises."""

    def look(self) -> None:
        """Begin what has room and could not begin before."""

    def withdraw(self, name: str) -> bool:
        """Whether it had not begun; then it never does."""

    def close(self) -> None:
        """Begin nothing more."""

    def join(self, seconds: float) -> bool:
        """Wait so long for what has begun; whether all of it ended."""


YOUNG_SECONDS = 120.0
"""How long after its start a process takes up jobs that its predecessor had not begun either."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What jobs need of the rest: `kinds` may be filled after this is made, and is looked into when a job runs."""

    records: JobRecords
    kinds: Kinds
    actors: Actors
    trail: EntryTrail
    queue: JobQueue
    clocks: Clocks
    worked: Count = uncounted
    dispatch: Dispatch = field(default_factory=NobodyElse)


class JobRunner:
    """The jobs of this process. `begin` once, `recover` what was left, `stop` at the end.

    What is here is decided under one lock, which nobody holds while the database is asked.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._kinds, self._actors, self._clocks = surroundings.kinds, surroundings.actors, surroundings.clocks
        self._records, self._queue = surroundings.records, surroundings.queue
        self._hand_over, self._taken = HandOver(surroundings.dispatch, self._records), Taken()
        self._over = threading.Event()
        self.feeds = Feeds()
        self.writer = JobWriter(self._records, surroundings.trail)
        self.leases = JobLeases(self._records, self._clocks.steady, self._all_seats)
        self.closing = JobClosing(
            self._records,
            self._kinds,
            surroundings.trail,
            feeds=self.feeds,
            clock=self._clocks.wall,
        )
        self._turns = JobTurns(
            self._records,
            self._kinds,
            surroundings.actors,
            self._clocks,
            over=self._over,
            begun=self.stirred,
            worked=surroundings.worked,
        )
        self._recovery = JobRecovery(
            self._records,
            self._kinds,
            surroundings.actors,
            self.closing,
            clocks=self._clocks,
            admit=self._take_up,
            holds=self._holds,
            look=self._queue.look,
            settle=self._hand_over.settle,
        )
        self._since = self._clocks.steady()
        self._lock = threading.Lock()
        self._seats: dict[str, JobSeat] = {}
        self._runs: dict[str, SharedRun] = {}
        self._shared: dict[str, SharedRun] = {}

    def begin(self) -> None:
        """Write lines and heartbeats from now on, and take up what other processes lose."""
        self.writer.begin()
        self.leases.begin()
        self._recovery.begin()

    def recover(self, silent_for: float = LOST_SECONDS) -> int:
        """Take up jobs that nobody holds, once (recovery). Raises StorageFailed."""
        return self._recovery.recover(silent_for)

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
        self._recovery.finish()
        self.writer.finish()
        self.leases.finish()
        with suppress(LadingError):  # then others take them up a little later
            self._records.let_go([Held(seat.job, seat.run) for seat in self._all_seats()])
        self.feeds.abandon()
        self._taken.tell_all()
        return ended

    def woken(self, topic: str | None) -> None:
        """For `Wakes.listening`: some process wrote about the job of this topic; None: perhaps about any."""
        if topic is None:
            self.feeds.changed()
            self.leases.woken()
        elif topic.startswith(TOPIC):
            self.feeds.changed([topic.removeprefix(TOPIC)])
        elif topic.startswith(ENDED) and self._holds(topic.removeprefix(ENDED)):
            self.leases.woken()

    def stirred(self, job: str) -> None:
        """It has come, or has begun: there may be who wants to know."""
        self.feeds.stir(job)

    def held(self) -> Collection[str]:
        """The jobs of this process that have not ended."""
        return [seat.job for seat in self._all_seats()]

    def find(self, job: str) -> SharedRun | None:
        """The run of a job that runs or waits here."""
        return self._runs.get(job)

    def permit(self, actor: Actor, request: JobRequest) -> None:
        """Whether the actor may have this done. Raises Denied, RowUnknown, KindUnknown."""
        kind = self._kinds.get(request.kind)
        if kind is None:
            raise KindUnknown(request.kind)
        kind.admit(actor, request.fields)

    def again(self, job: Job) -> JobRequest:
        """What is asked where this one is tried again. Raises JobFieldsUnreadable."""
        kind = self._kinds.get(job.request.kind)
        return job.request if kind is None else kind.again(job.request, job.result)

    # ── in and out

    def enter(self, job: Job, actor: Actor) -> None:
        """A new job: handed over, or done here."""
        if not self._hand_over.handed(job):
            self.admit(job, actor)

    def take(self, job_id: str, over: Callable[[], None]) -> None:
        """A job that was handed over to us. `over` is called once it is not of this process any more, perhaps at once:
        one that runs elsewhere, or has ended, is nobody's to begin, and one of a kind that we do not know is for a
        process of another version. Does not raise."""
        self._taken.expect(job_id, over)
        try:
            job = None if self._over.is_set() else self._records.find(job_id)
            if job is not None and job.state is JobState.QUEUED and job.request.kind in self._kinds:
                self.admit(job, self._actors.again(job), taken_up=job.run > 0)
        except LadingError as error:
            log.warning("job %s cannot be begun here, and is left to others: %s", job_id, error)
        except Exception:  # whoever handed it over is to be told, whatever it is
            log.exception("job %s cannot be begun here, and is left to others", job_id)
        if not self._holds(job_id):
            self._taken.tell(job_id)

    def admit(self, job: Job, actor: Actor, *, taken_up: bool = False) -> None:
        """A job that waits: it joins an equal run, or gets one of its own. `taken_up`: another process had it."""
        with self._lock:
            if self._over.is_set() or job.id in self._seats:
                return
            feed = self.feeds.open(job.id, job.cursor)
            closing = self.closing
            seat = JobSeat(job, actor, feed, gone=self._gone, entry=closing.entry, over=closing.over, taken_up=taken_up)
            self._seats[job.id] = seat
        run, own = self._run_for(seat)
        while not own and not self._joined(run, seat):
            run, own = self._run_for(seat, instead_of=run)
        if own:
            self._queue.put(seat.job, job.request.environment, partial(self._turns.take, run))
        if seat.unwanted:
            self.cancel(seat.job)

    def _take_up(self, job: Job, actor: Actor) -> None:
        """One that is there and that nobody has: a command may just have made it, which nothing was lost with. While
        this process is young, its own start may be why the job waits."""
        if self._hand_over.handed(job):
            return
        young = self._clocks.steady() - self._since < YOUNG_SECONDS
        self.admit(job, actor, taken_up=young or job.run > 0)

    def _run_for(self, seat: JobSeat, instead_of: SharedRun | None = None) -> tuple[SharedRun, bool]:
        """An equal run, where there is another one; else, and then it is its own, a new one."""
        request = seat.asked.request
        kind = self._kinds.get(request.kind)
        with self._lock:
            run = self._shared.get(request.sharing) if request.sharing else None
            own = run is None or run is instead_of
            if run is None or run is instead_of:
                run = SharedRun(seat, kind.fold() if kind else Fold.of(Verb.PUSH), self.writer, self._clocks)
                if request.sharing:
                    self._shared[request.sharing] = run
            if self._seats.get(seat.job) is seat:  # else it was lost meanwhile
                self._runs[seat.job] = run
        return run, own

    def _joined(self, run: SharedRun, seat: JobSeat) -> bool:
        try:
            return run.join(seat, self._turns.claim)
        except LadingError as error:
            log.warning("job %s shares no run, because it could not be claimed: %s", seat.job, error)
        except Exception:  # its own run tries again, and ends it where that cannot be
            log.exception("job %s shares no run, because it could not be claimed", seat.job)
        return False

    def cancel(self, job: str, claims: int = 0) -> bool:
        """Ask it to stop, or end it where it has not begun. False where it is not of this process: not any more, if its
        row tells of more `claims` than we know of."""
        with self._lock:
            seat, run = self._seats.get(job), self._runs.get(job)
        if seat is None:
            return False
        if not seat.claiming and seat.run < claims:
            seat.lost()
            return False
        seat.unwanted = True
        if run is not None and not run.leave(seat):
            self._queue.withdraw(run.first.job)
        return True

    def _gone(self, seat: JobSeat) -> None:
        """It told its end, or was lost: forget it."""
        self.feeds.close(seat.feed)
        with self._lock:
            if self._seats.get(seat.job) is not seat:
                return
            del self._seats[seat.job]
            run = self._runs.pop(seat.job, None)
        self.feeds.stir(seat.job)
        self._taken.tell(seat.job)
        if run is not None:
            run.drop(seat)
            sharing = seat.asked.request.sharing
            with self._lock:
                if run.closed and self._shared.get(sharing) is run:
                    del self._shared[sharing]

    def _holds(self, job: str) -> bool:
        return job in self._seats

    def _all_seats(self) -> Collection[JobSeat]:
        with self._lock:
            return tuple(self._seats.values())

    def _live(self) -> Collection[SharedRun]:
        with self._lock:
            return set(self._runs.values())
