"""Rows of jobs and schedules in memory: under the same contract as the database."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import replace

from lading.services.job import Job, JobState, Line
from lading.services.job_records import LET_GO, JobFilter, Page, Told
from lading.services.schedules import Schedule


class MemoryJobRecords:
    """Fulfils JobRecords."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._lines: dict[str, list[Line]] = {}
        self._keys: dict[tuple[int | None, str], str] = {}
        self._beats: dict[str, float] = {}

    def add(self, job: Job, key: str | None) -> Job:
        with self._lock:
            if key is not None:
                earlier = self._keys.setdefault((job.owner, key), job.id)
                if earlier != job.id:
                    return self._jobs[earlier]
            self._jobs[job.id], self._lines[job.id], self._beats[job.id] = job, [], job.created
            return job

    def find(self, job: str) -> Job | None:
        return self._jobs.get(job)

    def keyed(self, owner: int | None, key: str) -> Job | None:
        with self._lock:
            return self._jobs.get(self._keys.get((owner, key), ""))

    def page(self, wanted: JobFilter, offset: int, limit: int) -> Page:
        with self._lock:
            found = [job for job in self._jobs.values() if _fits(job, wanted)]
        found.sort(key=lambda job: (-job.created, job.id))
        return Page(tuple(found[offset : offset + limit]), len(found))

    def lines(self, job: str, after: int, limit: int) -> Sequence[Line]:
        with self._lock:
            return [line for line in self._lines.get(job, ()) if line.number > after][:limit]

    def waiting(self, owner: int | None) -> int:
        with self._lock:
            return sum(job.owner == owner and not job.state.ended for job in self._jobs.values())

    def claim(self, job: str, at: float) -> Job | None:
        with self._lock:
            row = self._jobs.get(job)
            if row is None or row.state is not JobState.QUEUED:
                return None
            self._jobs[job] = claimed = replace(row, state=JobState.RUNNING, run=row.run + 1, updated=at)
            self._beats[job] = at
            return claimed

    def release(self, job: str, run: int, at: float) -> bool:
        with self._lock:
            row = self._jobs.get(job)
            if row is None or row.state is not JobState.RUNNING or row.run != run:
                return False
            self._jobs[job], self._beats[job] = replace(row, state=JobState.QUEUED, updated=at), LET_GO
            return True

    def tell(self, told: Sequence[Told]) -> Collection[str]:
        with self._lock:
            return {each.job for each in told if not self._tell(each)}

    def _tell(self, told: Told) -> bool:
        row = self._jobs.get(told.job)
        if row is None or row.run != told.run or row.state.ended:
            return False
        if told.lines and told.lines[0].number != row.cursor + 1:
            return False
        self._lines[told.job].extend(told.lines)
        self._jobs[told.job] = replace(
            row,
            updated=told.at,
            cursor=told.lines[-1].number if told.lines else row.cursor,
            totals=row.totals if told.totals is None else told.totals,
            state=told.state or row.state,
            result=told.result if told.state else row.result,
        )
        return True

    def beat(self, jobs: Collection[str], at: float) -> None:
        with self._lock:
            self._beats.update(dict.fromkeys(jobs, at))

    def left(self, before: float) -> Sequence[Job]:
        with self._lock:
            found = [job for job in self._jobs.values() if not job.state.ended and self._beats[job.id] < before]
        return sorted(found, key=lambda job: (job.created, job.id))

    def forget(self, before: float, limit: int) -> int:
        with self._lock:
            old = [job.id for job in self._jobs.values() if job.state.ended and job.updated < before][:limit]
            self._keys = {key: job for key, job in self._keys.items() if job not in old}
            for job in old:
                del self._jobs[job], self._lines[job]
            return len(old)

    def forget_keys(self, before: float) -> int:
        with self._lock:
            kept = {key: job for key, job in self._keys.items() if self._jobs[job].created >= before}
            forgotten, self._keys = len(self._keys) - len(kept), kept
            return forgotten


class MemoryScheduleRecords:
    """Fulfils ScheduleRecords."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, Schedule] = {}

    def schedules(self) -> Sequence[Schedule]:
        with self._lock:
            return list(self._rows.values())

    def ensure_schedule(self, schedule: Schedule) -> None:
        with self._lock:
            row = self._rows.setdefault(schedule.name, schedule)
            self._rows[row.name] = replace(row, every=schedule.every, next=min(row.next, schedule.next))

    def take_schedule(self, name: str, due: float, next: float, last: float) -> bool:  # noqa: A002
        with self._lock:
            row = self._rows.get(name)
            if row is None or row.next != due:
                return False
            self._rows[name] = replace(row, next=next, last=last)
            return True


def _fits(job: Job, wanted: JobFilter) -> bool:
    return (
        wanted.owner in {None, job.owner}
        and wanted.token in {None, job.token}
        and (not wanted.states or job.state in wanted.states)
        and wanted.kind in {None, job.request.kind}
        and wanted.environment in {None, job.request.environment}
        and any(wanted.text.lower() in text.lower() for text in _texts(job))
    )


def _texts(job: Job) -> tuple[str, ...]:
    deed = job.request.deed
    told = () if deed is None else (deed.entity_id, deed.entity_name, str(deed.details.get("targetTag", "")))
    return (job.id, job.request.kind, job.owner_name, *told)
