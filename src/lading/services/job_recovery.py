"""Taking up jobs that a process left behind: another one, or this one before it was started anew.

    let go, or silent for LOST_SECONDS
        waits                            into our queue
        ran, can be gone on with         waits again, into our queue
        ran, cannot; or too often        ends interrupted, with what to do
        of a kind that we do not know    is left to a server that does, where there may be one; then it ends too

Each row is a matter of its own: one that cannot be taken up keeps none of the others waiting.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from lading.errors import LadingError
from lading.services.access import Actor
from lading.services.job import Job, JobState
from lading.services.job_ends import JobEnds
from lading.services.job_kinds import (
    Actors,
    Ending,
    Kinds,
    KindUnknown,
    LostInRestart,
    RestartedTooOften,
    ending_of,
)
from lading.services.job_leases import LOST_SECONDS
from lading.services.job_records import JobRecords
from lading.services.job_sharing import Clocks

RUNS_LIMIT = 10
"""So often a job is begun before a restart ends it: whatever takes the server down with it must not do so for ever."""

log = logging.getLogger("lading.jobs")


class JobRecovery:
    """For one thread at a time. `admit` takes a job that waits into our queue; `holds` says that a job is here."""

    def __init__(
        self,
        records: JobRecords,
        kinds: Kinds,
        actors: Actors,
        ends: JobEnds,
        *,
        clocks: Clocks,
        admit: Callable[[Job, Actor], None],
        holds: Callable[[str], bool],
    ) -> None:
        self._records, self._kinds, self._actors, self._ends = records, kinds, actors, ends
        self._clocks, self._admit, self._holds = clocks, admit, holds
        self._strange: dict[str, float] = {}

    def recover(self, silent_for: float) -> int:
        """Take up jobs without a heartbeat for so many seconds (0: all, where nobody else can hold any). Returns how
        many there were. Raises StorageFailed where they cannot be listed."""
        found = self._records.left(silent_for or None)
        left = [job for job in found if not self._holds(job.id)]
        strange = self._patience(left) if silent_for else frozenset()
        for job in left:
            if job.id in strange:
                continue
            try:
                self._take_up(job)
            except LadingError as error:
                log.warning("job %s cannot be taken up, and is tried again: %s", job.id, error)
            except Exception:
                log.exception("job %s cannot be taken up", job.id)
        return len(left)

    def _patience(self, left: Sequence[Job]) -> frozenset[str]:
        """Jobs of unknown kinds that a server of another version may still take up: it looks as often as we do."""
        now = self._clocks.steady()
        strange = [job.id for job in left if job.request.kind not in self._kinds]
        self._strange = {job: self._strange.get(job, now) for job in strange}
        return frozenset(job for job, since in self._strange.items() if now - since < LOST_SECONDS)

    def _take_up(self, job: Job) -> None:
        actor = self._actors.again(job)
        ending = self._hopeless(job)
        if ending is not None:
            self._ends.end(job, actor, ending)
        elif job.state is JobState.QUEUED:
            self._admit(job, actor)
        elif self._records.release(job.id, job.run, self._clocks.wall()):
            self._admit(replace(job, state=JobState.QUEUED), actor)

    def _hopeless(self, job: Job) -> Ending | None:
        """How it ends where it cannot be gone on with."""
        kind = self._kinds.get(job.request.kind)
        if kind is None:
            return ending_of(KindUnknown(job.request.kind))
        if job.state is JobState.QUEUED:
            return None
        if not kind.resumes:
            return ending_of(LostInRestart())
        return ending_of(RestartedTooOften(job.run)) if job.run >= RUNS_LIMIT else None
