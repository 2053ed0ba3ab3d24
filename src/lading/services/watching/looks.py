"""Looking at jobs for all who watch: rows, and how runs of this process stand. Everything here waits for the database
or for a run's lock, and belongs on a thread.

What was found is made text once, for however many are told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lading.services.jobs.job import Job, JobState
from lading.services.jobs.records import JobRecords
from lading.services.running.runner import JobRunner
from lading.services.running.standing import Standing
from lading.services.watching.view import job_json, progress_json, waiting_json
from lading.wire.job_board_stream import JobText


@dataclass(frozen=True, slots=True)
class Looked:
    """How a job stands. `state` is what of that everybody must hear of: where it is the same, only byte counts differ.
    `changes` is how often its run had been told something, -1 where it does not run here."""

    job: Job
    state: tuple[object, ...]
    text: JobText
    changes: int


class JobLooks:
    """For one thread at a time. Every method raises StorageFailed."""

    def __init__(self, runner: JobRunner, records: JobRecords) -> None:
        self._runner, self._records = runner, records

    def active(self) -> Sequence[Looked]:
        """All that wait or run."""
        return [self._looked(job) for job in self._records.left(None)]

    def these(self, jobs: Collection[str]) -> Sequence[Looked]:
        """As far as there are such rows, ended or not."""
        if not jobs:
            return ()
        return [self._looked(job) for job in self._records.among(jobs)]

    def again(
        self, stirred: Collection[str | None], active: Collection[str], running: Mapping[str, Looked]
    ) -> Sequence[Looked]:
        """What may be new: jobs that were `stirred` (None: perhaps any, those that were `active` among them), and those
        of `running` that run here and have come on since."""
        found = list(self.active()) if None in stirred else []
        known = {each.job.id for each in found}
        asked = {job for job in stirred if job is not None} | (set(active) if None in stirred else set())
        found += self.these(asked - known)
        known |= asked
        return [*found, *self._moved(each for job, each in running.items() if job not in known)]

    def _moved(self, running: Iterable[Looked]) -> Iterator[Looked]:
        for before in running:
            run = self._runner.find(before.job.id)
            if run is not None and run.changes != before.changes:
                yield self._seen(before.job, run.standing())

    def _looked(self, job: Job) -> Looked:
        run = None if job.state is not JobState.RUNNING else self._runner.find(job.id)
        return self._seen(job, None if run is None else run.standing())

    def _seen(self, job: Job, standing: Standing | None) -> Looked:
        view = dict(job_json(job, None, standing))
        del view["progress"]
        waiting = waiting_json(job, standing)
        state = (job.state, job.run, *waiting.items())
        text = JobText.of(job.id, view, {"layers": [], **progress_json(job, standing)})
        return Looked(job, state, text, -1 if standing is None else standing.changes)
