"""Jobs, for every door: made, seen, followed, cancelled and run again by those who may.

Somebody sees the jobs they made (with a token that has scopes: those that this token made), and with `jobs:view` those
of others; `jobs:edit` is for cancelling and repeating what is not one's own.

What jobs are, from here on:

    as values           jobs.job · jobs.fields, read back from a row · ending, their last line · watching.view, as JSON
    kinds of work       jobs.kinds, what one is · work.table, all there are
    kept                jobs.records, rows and the fence · jobs.chores, until they go
    run here            runner, all of this process · run, one, with the jobs that share it · seat, one job's place in
                        it · turn, from its claim to its end
    told                lines and writer, made durable · feed, to those who follow
    here or elsewhere   leases, held · recovery, lost and taken up · closing, ended
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lading.errors import Cancelled, NotFound, Refused
from lading.services.access import Actor, NotLoggedIn, Permission
from lading.services.audit.audit import Deed, Result
from lading.services.audit.records import EntryTrail
from lading.services.audit.trail import admit
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JobState, JsonObject, Line
from lading.services.jobs.records import JobFilter, JobRecords, Page
from lading.services.jobs.sight import JobSight
from lading.services.running.ending import ending_of
from lading.services.running.follower import Follower
from lading.services.running.runner import JobRunner
from lading.services.running.standing import Standing
from lading.wire.plain_json import plain_object

UNENDED_LIMIT = 1000
"""Jobs of one owner that wait or run at once."""


class JobUnknown(NotFound):
    """No job has this id, or it is so long over that it was dropped."""

    hint = "The list of jobs shows those that are kept."

    def __init__(self, job: str) -> None:
        super().__init__(job)
        self.job = job
        self.why = f"There is no job {job[:100]!r}, or it ended so long ago that it was dropped."

    def __str__(self) -> str:
        return "Job not found"


class JobsTooMany(Refused):
    """The owner has as many jobs waiting or running as one may have."""

    code = "busy"
    hint = "Wait until some of them have ended, or cancel them."

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.limit} of your jobs have not ended yet"


class JobNotOver(Refused):
    """What runs or waits need not be run again."""

    code = "running"
    hint = "Cancel it first, or wait for its end."

    def __str__(self) -> str:
        return "the job has not ended yet"


class Jobs:
    """For any number of threads."""

    def __init__(
        self,
        runner: JobRunner,
        records: JobRecords,
        trail: EntryTrail,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        """`clock` tells seconds since 1970; `new_id` gives a UUID."""
        self._runner, self._records, self._trail = runner, records, trail
        self._clock, self._new_id = clock, new_id

    def start(self, actor: Actor, request: JobRequest, key: RequestKey | None = None) -> Job:
        """Make a job; the caller has asked whether the actor may. With a `key` the actor used before: that job again.

        Raises JobsTooMany, KeyUsed, StorageFailed.
        """
        return self._start(actor, request, key, None)

    def _start(self, actor: Actor, request: JobRequest, key: RequestKey | None, retried: str | None) -> Job:
        """`retried` is the job that this one tries again."""
        made = self.repeated(actor, key)
        if made is not None:
            return made
        if self._records.waiting(actor.user) >= UNENDED_LIMIT:
            raise JobsTooMany(UNENDED_LIMIT)
        request = replace(request, fields=plain_object(request.fields))
        now = self._clock()
        new = Job(self._new_id(), request, actor.user, actor.name, JobState.QUEUED, 0, now, now, 0, token=actor.token)
        new = replace(new, retry_of=retried)
        entry = None if request.deed is None else self._trail.entry(actor, request.deed, Result.STARTED)
        kept = self._records.add(new, key, entry)
        if kept.id != new.id:
            return kept
        self._trail.appended()
        self._runner.stirred(kept.id)
        self._runner.enter(kept, actor)
        return kept

    def repeated(self, actor: Actor, key: RequestKey | None) -> Job | None:
        """The job that this request made when it was sent before. Raises KeyUsed where another came with the key."""
        return None if key is None else self._records.keyed(actor.user, key)

    def get(self, actor: Actor, job: str) -> Job:
        """As it stands now. Raises JobUnknown, Denied."""
        found = self._visible(actor, job)
        run = self._runner.find(job)
        return found if run is None or found.state.ended else replace(found, totals=run.totals())

    def standing(self, job: Job) -> Standing | None:
        """How its run stands; None where this process does not run it, or not any more."""
        run = None if job.state.ended else self._runner.find(job.id)
        return None if run is None else run.standing()

    def sight(self, actor: Actor) -> JobSight:
        """Which jobs the actor sees now. Raises NotLoggedIn."""
        if actor.nobody:
            raise NotLoggedIn
        return JobSight.of(actor)

    def lines(self, actor: Actor, job: str, after: int, limit: int) -> Sequence[Line]:
        """Those numbered above `after`. Raises JobUnknown, Denied."""
        return self._records.lines(self._visible(actor, job).id, after, limit)

    def page(self, actor: Actor, wanted: JobFilter, offset: int, limit: int) -> Page:
        """Newest first: of all owners where the actor may see those, else only the actor's own. Raises NotLoggedIn."""
        if actor.may(Permission.JOBS_VIEW, wanted.environment):
            return self._records.page(wanted, offset, limit)
        if actor.user is None:
            admit(self._trail, actor, Permission.JOBS_VIEW, Deed("list", "job", "", "", wanted.environment))
        own = replace(wanted, owner=actor.user, token=None if actor.scopes is None else actor.token)
        return self._records.page(own, offset, limit)

    def follow(self, actor: Actor, job: str, after: int = 0, *, ticks: bool = True) -> Follower:
        """What it tells from line `after` + 1 on. Whoever asks closes it. Raises JobUnknown, Denied."""
        found = self._visible(actor, job)
        run = self._runner.find(job)
        snapshot: JsonObject = {
            "id": found.id,
            "kind": found.request.kind,
            "status": found.state.value,
            "cursor": found.cursor,
            "progress": found.totals if run is None else run.totals(),
            "layers": [] if run is None else run.moving(),
        }
        return Follower(found, after, self._runner.feeds, self._records, snapshot, ticks=ticks)

    def cancel(self, actor: Actor, job: str) -> Job:
        """Ask it to stop; one that has ended stays as it is. Others who share its run keep theirs.

        Raises JobUnknown, Denied.
        """
        found = self._admitted(actor, job, "cancel")
        if found.state.ended:
            return found
        self._trail.record(actor, _deed("cancel", found), Result.DONE)
        if not self._runner.cancel(job, found.run):
            self._end_elsewhere(actor, found)
        return self._records.find(job) or found

    def _end_elsewhere(self, actor: Actor, job: Job) -> None:
        """End a job that another process runs, or nobody; again where that process wrote a line meanwhile."""
        found: Job | None = job
        while found is not None and not found.state.ended:
            if self._runner.closing.end(found, actor, ending_of(Cancelled())):
                return
            found = self._records.find(job.id)

    def retry(self, actor: Actor, job: str, key: RequestKey | None = None) -> Job:
        """Ask the same again, or what is left of it, as a new job of this actor, who must be allowed to. With a `key`
        the actor used before: that job again.

        Raises JobUnknown, Denied, JobNotOver, JobsTooMany, KeyUsed.
        """
        found = self._admitted(actor, job, "retry")
        if not found.state.ended:
            raise JobNotOver
        self._runner.permit(actor, found.request)
        again = self._start(actor, self._runner.again(found), key, found.id)
        self._trail.record(actor, _deed("retry", found, {"jobId": again.id}), Result.DONE)
        return again

    def _visible(self, actor: Actor, job: str) -> Job:
        return self._allowed(actor, job, Permission.JOBS_VIEW, "view")

    def _admitted(self, actor: Actor, job: str, action: str) -> Job:
        return self._allowed(actor, job, Permission.JOBS_EDIT, action)

    def _allowed(self, actor: Actor, job: str, permission: Permission, action: str) -> Job:
        if actor.nobody:
            raise NotLoggedIn
        found = self._records.find(job)
        if found is None:
            raise JobUnknown(job)
        if not JobSight.of(actor).owns(found):
            admit(self._trail, actor, permission, _deed(action, found))
        return found


def _deed(action: str, job: Job, details: JsonObject | None = None) -> Deed:
    return Deed(action, "job", job.id, job.request.kind, job.request.environment, details or {})
