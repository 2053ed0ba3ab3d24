"""A run's turn, on a thread of the queue: from its claim through its work to the end of everybody who shares it.

claimed ─▶ admitted, under whose name ─▶ worked ─▶ ended
                                          └─ the server stops: given back, to be gone on with, or interrupted
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from lading.errors import Cancelled, LadingError
from lading.services.access import Actor
from lading.services.clocks import Clocks
from lading.services.jobs.job import Job, JobState, Telling
from lading.services.jobs.kinds import FALLBACK, Actors, Kinds, WorkKind
from lading.services.jobs.records import JobRecords
from lading.services.running.ending import Ending, KindUnknown, StoppedByShutdown, ending_of
from lading.services.running.run import SharedRun
from lading.services.running.seat import JobSeat
from lading.services.running.worked import Count, Worked
from lading.services.running.writer import AGAIN_SECONDS
from lading.services.transfers.failures import unworded
from lading.wire.message import Cancel

log = logging.getLogger("lading.jobs")


class JobTurns:
    """For any number of threads. Once it is `over`, nothing is begun any more."""

    def __init__(
        self,
        records: JobRecords,
        kinds: Kinds,
        actors: Actors,
        clocks: Clocks,
        *,
        over: threading.Event,
        begun: Callable[[str], None],
        worked: Count,
    ) -> None:
        """`begun` is called with each job that was claimed; it returns at once and never raises."""
        self._records, self._kinds, self._actors = records, kinds, actors
        self._clocks, self._over, self._tell_begun, self._worked = clocks, over, begun, worked

    def take(self, run: SharedRun) -> None:
        """Returns when it is over for this process, whatever became of it: nobody's seat outlives its thread."""
        job = run.first.asked
        kind = self._kinds.get(job.request.kind)
        try:
            if not self._begun(run):
                return
            if self._over.is_set():
                run.stop()
            if kind is None:
                run.end(ending_of(KindUnknown(job.request.kind)))
            else:
                self._admitted(run, kind)
        except Exception as error:  # noqa: BLE001  it is logged where it is told
            run.end(_unforeseen(job, error, kind))

    def _admitted(self, run: SharedRun, kind: WorkKind) -> None:
        """Work, under the name of who may have it done."""
        seat = self._name(run, kind)
        if seat is None:
            run.suspend(self._release)  # who was just joining gets a run of its own
        else:
            self._work(run, kind, seat)

    def claim(self, job: str) -> Job | None:
        """Fulfils seat.Claim."""
        claimed = self._records.claim(job, self._clocks.wall())
        if claimed is not None:
            self._tell_begun(job)
        return claimed

    def _begun(self, run: SharedRun) -> bool:
        """Claims, however long the database takes to let us."""
        while not self._over.is_set():
            try:
                return run.begin(self.claim)
            except LadingError as error:
                log.warning("job %s cannot be begun, and is tried again: %s", run.first.job, error)
            with suppress(Cancelled):
                run.cancel.wait(AGAIN_SECONDS)
        return False

    def _name(self, run: SharedRun, kind: WorkKind) -> JobSeat | None:
        """Under whose name the run works: the first of those who share it and still may; None where nobody may. One who
        is alone is asked by the work itself."""
        seats = run.seated
        if len(seats) == 1:
            return seats[0]
        for seat in seats:
            ending = _refused(kind, partial(self._actor, seat), seat.asked)
            if ending is not None:
                run.refuse(seat, ending)
        return next(iter(run.seated), None)

    def _work(self, run: SharedRun, kind: WorkKind, seat: JobSeat) -> None:
        job = seat.asked
        if job.run:
            run.line({"status": "note", "message": "This was interrupted, and goes on"})
        begun = self._clocks.steady()
        ending = _performed(kind, partial(self._actor, seat), job, run, run.cancel)
        seconds, goes_on = self._clocks.steady() - begun, False
        if run.stopped and not run.unwanted and ending.state is JobState.CANCELLED:
            goes_on, ending = kind.resumes, ending_of(StoppedByShutdown())
        self._worked(Worked(job.request, None if goes_on else ending.state, run.totals(), seconds))
        if goes_on:
            run.suspend(self._release)
        else:
            run.end(ending)

    def _release(self, seat: JobSeat) -> None:
        """Left unreleased, it is found by `recover` all the same."""
        with suppress(LadingError):
            self._records.release(seat.job, seat.run, self._clocks.wall())

    def _actor(self, seat: JobSeat) -> Actor:
        """With the grants of this moment, and from where it was asked."""
        return replace(self._actors.again(seat.asked), address=seat.actor.address, request=seat.actor.request)


def _performed(kind: WorkKind, identify: Callable[[], Actor], job: Job, telling: Telling, cancel: Cancel) -> Ending:
    """Do the work and say how it ended. Never raises; what nobody foresaw is logged here, and told without its text."""
    try:
        result = kind.work(identify(), job.request.fields, telling, cancel)
    except LadingError as error:
        return _failed(job, error)
    except Exception as error:  # noqa: BLE001  it is logged where it is told
        return _unforeseen(job, error, kind)
    return Ending(JobState.DONE, {"status": "complete", **result})


def _refused(kind: WorkKind, identify: Callable[[], Actor], job: Job) -> Ending | None:
    """How the job ends because it may not be done any more; None where it may. Never raises, as `_performed`."""
    try:
        kind.admit(identify(), job.request.fields)
    except LadingError as error:
        return _failed(job, error)
    except Exception as error:  # noqa: BLE001  it is logged where it is told
        return _unforeseen(job, error, kind)
    return None


def _failed(job: Job, error: LadingError) -> Ending:
    """How a job ends by an error of ours; what of it is for this machine alone goes to the log."""
    cause = unworded(error)
    if cause.afar != str(cause):
        log.warning("job %s (%s) failed: %s", job.id, job.request.kind, cause)
    return ending_of(error)


def _unforeseen(job: Job, error: Exception, kind: WorkKind | None) -> Ending:
    """How a job ends by what nobody foresaw: logged here, and told without its text."""
    log.error("job %s (%s) failed in a way nobody foresaw", job.id, job.request.kind, exc_info=error)
    return Ending(JobState.ERROR, {"status": "error", "error": kind.fallback if kind else FALLBACK, "code": "failed"})
