"""Databases of scanners of several processes: each has its own, and brings what a job brought to another one.

a job brought a newer one than ours          it is brought here too, by the scanner itself
a job says not what it brought, as it        likewise, once
could not bring all it was asked for
a process, or a folder that several share,   nothing
that has it already
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

from lading.errors import Cancelled, LadingError
from lading.oci.instants import parse_instant
from lading.services.findings.scanner import ScanProgress
from lading.services.jobs.fields import JobFields
from lading.services.jobs.job import Job, JobState
from lading.services.jobs.records import JobFilter, JobRecords
from lading.services.scans.scanner_updates import UPDATE, Updatable, UpdatedPartly
from lading.wire.message import Cancel

MOST_JOBS = 50
"""How many of the last jobs are looked at."""

_ENDED = JobFilter(states=frozenset({JobState.DONE, JobState.ERROR}), kind=UPDATE)

_SAME_SECONDS = 1.0
"""What a job tells of a database's time is shorter than what the scanner says."""

log = logging.getLogger("lading.scanners")


class ScannerFollowing:
    """`follow` is for one thread."""

    def __init__(self, updatable: Mapping[str, Updatable], records: JobRecords) -> None:
        self._updatable, self._records = dict(updatable), records
        self._followed: dict[str, str] = {}

    def follow(self, cancel: Cancel) -> Sequence[str]:
        """Bring what is missing here; of which scanners, in order of their names. Raises StorageFailed, Cancelled, and
        what the first scanner that failed raised, after the others."""
        brought: list[str] = []
        failed: list[LadingError] = []
        for name, (job, built) in sorted(self._told().items()):
            if self._followed.get(name) == job.id or not self._misses(name, built, cancel):
                continue
            try:
                self._updatable[name].update(_nobody_watches, cancel)
            except Cancelled:
                raise
            except LadingError as error:
                failed.append(error)
                continue
            self._followed[name] = job.id
            brought.append(name)
            log.info("the database of %s is brought here too, as job %s brought it elsewhere", name, job.id)
        if failed:
            raise failed[0]
        return brought

    def _misses(self, name: str, built: float | None, cancel: Cancel) -> bool:
        """Whether it is installed here, and has none as new as that. Raises Cancelled."""
        here = self._updatable[name].probe(cancel)
        if not here.version:
            return False
        return here.built is None or built is None or here.built < built - _SAME_SECONDS

    def _told(self) -> Mapping[str, tuple[Job, float | None]]:
        """Of each scanner the last job that brought its database, and of what time that is, where the job says so."""
        told: dict[str, tuple[Job, float | None]] = {}
        for job in self._records.page(_ENDED, 0, MOST_JOBS).jobs:
            for name, built in self._brought(job):
                told.setdefault(name, (job, built))
        return told

    def _brought(self, job: Job) -> Iterator[tuple[str, float | None]]:
        result = job.result or {}
        if job.state is JobState.ERROR:
            if result.get("code") == UpdatedPartly.code:
                one = JobFields(job.request.fields).text_or_none("scanner")
                yield from ((name, None) for name in self._updatable if one in {None, name})
            return
        scanners = result.get("scanners")
        for name, said in scanners.items() if isinstance(scanners, dict) else ():
            version = said.get("dbVersion") if isinstance(said, dict) else None
            if name in self._updatable and isinstance(version, str):
                yield name, parse_instant(version)


def _nobody_watches(_progress: ScanProgress) -> None:
    """It is no job of anybody's here."""
