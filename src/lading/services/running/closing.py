"""Closing jobs: what the audit trail says of an end, what the job stood on, and the row of one that is not run here.

One who ends a job writes its last line, fenced by its run, and what the trail says of it in the same transaction: so
whoever has lost the job says nothing on the trail either, and no end is there twice or missing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from lading.services.access import Actor
from lading.services.audit.records import AuditEntry, EntryTrail
from lading.services.jobs.job import Job, JobState, JsonObject, Line
from lading.services.jobs.kinds import Kinds
from lading.services.jobs.records import JobRecords, Told
from lading.services.running.ending import RESULTS, Ending
from lading.services.running.feed import Feeds

log = logging.getLogger("lading.jobs")


class JobClosing:
    """For any number of threads. Nothing here may be called under a lock: it waits for the database."""

    def __init__(
        self,
        records: JobRecords,
        kinds: Kinds,
        trail: EntryTrail,
        *,
        feeds: Feeds,
        clock: Callable[[], float],
    ) -> None:
        """`clock` tells seconds since 1970."""
        self._records, self._kinds, self._trail, self._feeds = records, kinds, trail, feeds
        self._clock = clock

    def end(self, job: Job, actor: Actor, ending: Ending) -> bool:
        """End a job that is not of this process, once. False where it has moved on since it was read. Raises
        StorageFailed."""
        line = Line(job.cursor + 1, self._clock(), ending.line)
        entry = self.entry(job, actor, ending.state, ending.line)
        told = Told(job.id, job.run, line.at, (line,), None, ending.state, ending.line, entry, elsewhere=True)
        if self._records.tell([told]):
            return False
        self._trail.appended()
        self._feeds.changed([job.id])
        self.over(job, ending.state)
        return True

    def over(self, job: Job, state: JobState) -> None:
        """It has ended so: clear up behind it. Never raises."""
        kind = self._kinds.get(job.request.kind)
        if kind is None:
            return
        try:
            kind.over(job.request.fields, state)
        except Exception:  # its end stands, and no other job waits for this one
            log.exception("what the job %s (%s) stood on is left behind", job.id, job.request.kind)

    def entry(self, job: Job, actor: Actor, state: JobState, line: JsonObject) -> AuditEntry | None:
        """What the trail says of its end, with the id of the image that it brought, whether it was signed as it went,
        and the code of what it failed by."""
        deed = job.request.deed
        if deed is None:
            return None
        failed = line.get("code") if state is JobState.ERROR else None
        learned = {"imageId": line.get("imageId"), "signed": line.get("signed"), "error": failed}
        told = {name: value for name, value in learned.items() if value is not None}
        return self._trail.entry(actor, replace(deed, details={**deed.details, **told}), RESULTS[state])
