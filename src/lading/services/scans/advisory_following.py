"""Advisories of several processes: each has its own beside it, and brings what a job brought to another one.

a job that is done, and was begun after our newest advisories came     the same is brought here
a process that begins with none                                        likewise: what jobs brought last
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from lading.services.jobs.fields import JobFields
from lading.services.jobs.job import Job, JobState
from lading.services.jobs.records import JobFilter, JobRecords
from lading.services.scans.advisories import ADVISORIES, AdvisoryKeeping, Origin
from lading.wire.message import Cancel

MOST_JOBS = 50
"""How many of the last jobs are looked at."""

_DONE = JobFilter(states=frozenset({JobState.DONE}), kind=ADVISORIES)

log = logging.getLogger("lading.advisories")


class AdvisoryFollowing:
    """`follow` is for one thread (services.scans.following)."""

    def __init__(self, keeping: AdvisoryKeeping, records: JobRecords) -> None:
        self._keeping, self._records = keeping, records

    def follow(self, cancel: Cancel) -> Sequence[str]:
        """Bring what is missing here; the jobs that brought it elsewhere, in order. Raises StorageFailed, and what
        AdvisoryKeeping raises."""
        missing = self._missing()
        for job in missing:
            self._bring(JobFields(job.request.fields), cancel)
            log.info("advisories are brought here too, as job %s brought them elsewhere", job.id)
        return [job.id for job in missing]

    def _missing(self) -> Sequence[Job]:
        """Of jobs that asked for the same, the last one."""
        newest = max((feed.imported for feed in self._keeping.feeds()), default=0.0)
        last: dict[str, Job] = {}
        for job in self._records.page(_DONE, 0, MOST_JOBS).jobs:
            last.setdefault(json.dumps(job.request.fields, sort_keys=True), job)
        missing = [job for job in last.values() if (job.started or job.created) > newest]
        return sorted(missing, key=lambda job: job.started or job.created)

    def _bring(self, asked: JobFields, cancel: Cancel) -> None:
        url, name = asked.text_or_none("url"), asked.text_or_none("name")
        if url is not None:
            self._keeping.bring(Origin(url, name=name), log.debug, cancel)
            return
        ecosystems = asked.texts("ecosystems") if asked.fields.get("ecosystems") else ()
        for ecosystem, error in self._keeping.update(ecosystems, log.debug, cancel).failed:
            log.warning("%s stays as it was here: %s", ecosystem, error)
