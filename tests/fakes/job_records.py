"""Rows of jobs and schedules in memory: under the same contract as the database."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from lading.services.audit.records import AuditEntry
from lading.services.jobs.idempotency import KeyUsed, RequestKey
from lading.services.jobs.job import Job, JobState, Line
from lading.services.jobs.records import TOPIC, Held, JobFilter, Page, Told
from lading.services.schedules import Schedule
from tests.fakes.records import Clock

LET_GO = 0.0


class MemoryJobRecords:
    """Fulfils JobRecords. `clock` is the database's own; `append` puts an entry on the trail."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._lines: dict[str, list[Line]] = {}
        self._keys: dict[tuple[int | None, str], tuple[str, str]] = {}
        self._beats: dict[str, float] = {}
        self.append: Callable[[AuditEntry], object] = lambda entry: None
        self.told: Callable[..., object] = lambda *topics: None

    def add(self, job: Job, key: RequestKey | None, entry: AuditEntry | None = None) -> Job:
        added = self._added(job, key, entry)
        if added.id == job.id:
            self.told(f"{TOPIC}{job.id}")
        return added

    def _added(self, job: Job, key: RequestKey | None, entry: AuditEntry | None) -> Job:
        with self._lock:
            if key is not None:
                earlier, digest = self._keys.setdefault((job.owner, key.text), (job.id, key.digest))
                if digest != key.digest:
                    raise KeyUsed
                if earlier != job.id:
                    return self._jobs[earlier]
            if entry is not None:
                self.append(entry)
            self._jobs[job.id], self._lines[job.id], self._beats[job.id] = job, [], self.clock()
            return job

    def find(self, job: str) -> Job | None:
        return self._jobs.get(job)

    def among(self, jobs: Collection[str]) -> Sequence[Job]:
        with self._lock:
            return [self._jobs[job] for job in jobs if job in self._jobs]

    def keyed(self, owner: int | None, key: RequestKey) -> Job | None:
        with self._lock:
            job, digest = self._keys.get((owner, key.text), ("", key.digest))
            if digest != key.digest:
                raise KeyUsed
            return self._jobs.get(job)

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
            started = at if row.started is None else row.started
            claimed = replace(row, state=JobState.RUNNING, run=row.run + 1, updated=at, started=started)
            self._jobs[job] = claimed
            self._beats[job] = self.clock()
        self.told(f"{TOPIC}{job}")
        return claimed

    def release(self, job: str, run: int, at: float) -> bool:
        with self._lock:
            row = self._jobs.get(job)
            if row is None or row.state is not JobState.RUNNING or row.run != run:
                return False
            self._jobs[job], self._beats[job] = replace(row, state=JobState.QUEUED, updated=at), LET_GO
        self.told(f"{TOPIC}{job}")
        return True

    def take_up(self, job: str, run: int, at: float) -> Job | None:
        with self._lock:
            row = self._jobs.get(job)
            if row is None or row.state is not JobState.RUNNING or row.run != run:
                return None
            losses = row.losses + (self._beats[job] > LET_GO)
            self._jobs[job] = taken = replace(row, state=JobState.QUEUED, updated=at, losses=losses)
            self._beats[job] = LET_GO
        self.told(f"{TOPIC}{job}")
        return taken

    def tell(self, told: Sequence[Told]) -> Collection[str]:
        with self._lock:
            lost = {each.job for each in told if not self._tell(each)}
        self.told(*(topic for each in told if each.job not in lost for topic in each.topics))
        return lost

    def _tell(self, told: Told) -> bool:
        row = self._jobs.get(told.job)
        if row is None or row.run != told.run:
            return False
        last = self._lines[told.job][-1:]
        if told.lines and last == [told.lines[-1]]:
            return row.state is told.state or (told.state is None and not row.state.ended)
        if last and last[0] in told.lines:
            told = replace(told, lines=told.lines[told.lines.index(last[0]) + 1 :])
        if row.state.ended or (told.lines and told.lines[0].number != row.cursor + 1):
            return False
        if told.entry is not None:
            self.append(told.entry)
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

    def beat(self, held: Collection[Held]) -> Collection[str]:
        with self._lock:
            lost = self._lost(held)
            self._beats.update({each.job: self.clock() for each in held if each.job not in lost})
            return lost

    def lost(self, held: Collection[Held]) -> Collection[str]:
        with self._lock:
            return self._lost(held)

    def put_off(self, held: Collection[Held], seconds: float) -> None:
        with self._lock:
            for each in held:
                row = self._jobs.get(each.job)
                if row is not None and row.state is JobState.QUEUED and row.run == each.run:
                    self._beats[each.job] = self.clock() + seconds

    def let_go(self, held: Collection[Held]) -> None:
        with self._lock:
            lost = self._lost(held)
            self._beats.update({each.job: LET_GO for each in held if each.job not in lost})

    def age(self, job: str, seconds: float) -> None:
        """As if its heartbeat were so much older."""
        self._beats[job] -= seconds

    def _lost(self, held: Collection[Held]) -> Collection[str]:
        rows = {each.job: (self._jobs.get(each.job), each.run) for each in held}
        return {job for job, (row, run) in rows.items() if row is None or row.state.ended or row.run != run}

    def left(self, seconds: float | None) -> Sequence[Job]:
        before = math.inf if seconds is None else self.clock() - seconds
        with self._lock:
            found = [job for job in self._jobs.values() if not job.state.ended and self._beats[job.id] <= before]
        return sorted(found, key=lambda job: (job.created, job.id))

    def forget(self, before: float, limit: int) -> int:
        with self._lock:
            old = [job.id for job in self._jobs.values() if job.state.ended and job.updated < before][:limit]
            self._keys = {key: kept for key, kept in self._keys.items() if kept[0] not in old}
            for job in old:
                del self._jobs[job], self._lines[job]
            return len(old)

    def forget_keys(self, before: float) -> int:
        with self._lock:
            kept = {key: kept for key, kept in self._keys.items() if self._jobs[kept[0]].created >= before}
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
