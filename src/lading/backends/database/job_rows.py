"""Jobs, their lines and idempotency keys: services.jobs.records.

On PostgreSQL whoever writes several jobs at once does so in order of their ids, so that no two writers wait for each
other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, delete, func, insert, or_, select, text, update
from sqlalchemy.sql.dml import ReturningUpdate

from lading.backends.database import audit_rows, job_batches
from lading.backends.database.columns import counted
from lading.backends.database.database_clock import DatabaseNow
from lading.backends.database.job_lists import JobLists
from lading.backends.database.repository_view import batches
from lading.backends.database.service_tables import idempotency, job_line
from lading.backends.database.service_tables import job as jobs
from lading.backends.database.transactions import Transactions, Turn
from lading.services.audit.audit import Deed
from lading.services.audit.records import TOPIC as AUDITED
from lading.services.audit.records import AuditEntry
from lading.services.jobs.idempotency import KeyUsed, RequestKey
from lading.services.jobs.job import UNREADABLE, Job, JobRequest, JobState, Line
from lading.services.jobs.records import TOPIC, Held, JobFilter, Page, Told
from lading.services.jobs.sight import JobSight
from lading.services.server.statistics import EndedJob
from lading.wire.plain_json import plain_object

NOBODY = 0
"""The owner in the key of a job that has none: no row has this id, and a key cannot be null."""

_LET_GO = 0.0
"""The heartbeat of a job that nobody holds: older than any."""

_SOON = text("SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '3s', true)")
"""For this transaction: less than the heartbeats that may be missed (services.running.leases)."""

_LIVE = (JobState.QUEUED.value, JobState.RUNNING.value)
_WELL, _BADLY = (
    (JobState.DONE.value, JobState.CANCELLED.value),
    (JobState.ERROR.value, JobState.INTERRUPTED.value),
)
_COUNTED = tuple(
    jobs.c[name] for name in ("kind", "state", "environment", "owner", "token", "started", "updated", "totals")
)
"""What statistics take of a row."""


class DatabaseJobs:
    """Fulfils JobRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._lists = JobLists(postgres=transactions.postgres)

    def add(self, job: Job, key: RequestKey | None, entry: AuditEntry | None = None) -> Job:
        owner = NOBODY if job.owner is None else job.owner

        def work(connection: Connection) -> Job:
            known = None if key is None else _keyed(connection, owner, key)
            if known is not None:
                return known
            if entry is not None:
                self._transactions.take_turn(connection, Turn.AUDIT)
                audit_rows.append(connection, [entry])
                self._transactions.tell(connection, AUDITED)
            self._transactions.tell(connection, f"{TOPIC}{job.id}")
            connection.execute(insert(jobs).values(_columns(job) | {"heartbeat": DatabaseNow()}))
            if key is not None:
                row = {"owner": owner, "key": key.text, "digest": key.digest, "job": job.id, "created": job.created}
                connection.execute(insert(idempotency), row)
            return job

        return self._transactions.written(work, None if key is None else Turn.JOBS)

    def find(self, job: str) -> Job | None:
        with self._transactions.reading() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job)).one_or_none()
        return None if row is None else _job(row)

    def among(self, wanted: Collection[str]) -> Sequence[Job]:
        found: list[Job] = []
        with self._transactions.reading() as connection:
            for batch in batches(wanted):
                found.extend(_job(row) for row in connection.execute(select(jobs).where(jobs.c.id.in_(batch))))
        return found

    def keyed(self, owner: int | None, key: RequestKey) -> Job | None:
        with self._transactions.reading() as connection:
            return _keyed(connection, NOBODY if owner is None else owner, key)

    def page(self, wanted: JobFilter, offset: int, limit: int) -> Page:
        with self._transactions.reading() as connection:
            rows, total = self._lists.page(connection, wanted, offset, limit)
        return Page(tuple(_job(row) for row in rows), total)

    def lines(self, job: str, after: int, limit: int) -> Sequence[Line]:
        said = select(job_line).where(job_line.c.job == job, job_line.c.number > counted(after))
        with self._transactions.reading() as connection:
            rows = connection.execute(said.order_by(job_line.c.number).limit(counted(limit))).all()
        return [Line(row.number, row.at, row.data if isinstance(row.data, dict) else UNREADABLE) for row in rows]

    def waiting(self, owner: int | None) -> int:
        # Found by state: by owner SQLite went through all jobs that this owner ever had.
        whose = func.coalesce(jobs.c.owner, NOBODY) == (NOBODY if owner is None else owner)
        live = select(func.count()).select_from(jobs).where(whose, jobs.c.state.in_(_LIVE))
        with self._transactions.reading() as connection:
            return connection.scalar(live) or 0

    def claim(self, job: str, at: float) -> Job | None:
        queued = update(jobs).where(jobs.c.id == job, jobs.c.state == JobState.QUEUED.value)
        taken = queued.values(
            state=JobState.RUNNING.value,
            run=jobs.c.run + 1,
            updated=at,
            started=func.coalesce(jobs.c.started, at),
            heartbeat=DatabaseNow(),
        )
        taken = taken.returning(jobs)
        row = self._transactions.written(lambda connection: self._told(connection, job, taken))
        return None if row is None else _job(row)

    def release(self, job: str, run: int, at: float) -> bool:
        mine = update(jobs).where(jobs.c.id == job, jobs.c.run == run, jobs.c.state == JobState.RUNNING.value)
        freed = mine.values(state=JobState.QUEUED.value, updated=at, heartbeat=_LET_GO).returning(jobs)
        return self._transactions.written(lambda connection: self._told(connection, job, freed)) is not None

    def take_up(self, job: str, run: int, at: float) -> Job | None:
        mine = update(jobs).where(jobs.c.id == job, jobs.c.run == run, jobs.c.state == JobState.RUNNING.value)
        losses = jobs.c.losses + case((jobs.c.heartbeat > _LET_GO, 1), else_=0)
        freed = mine.values(state=JobState.QUEUED.value, updated=at, heartbeat=_LET_GO, losses=losses).returning(jobs)
        row = self._transactions.written(lambda connection: self._told(connection, job, freed))
        return None if row is None else _job(row)

    def _told(self, connection: Connection, job: str, changed: ReturningUpdate[Any]) -> Row[Any] | None:
        """The row as it is then, of which those who listen are told; None where it stays as it is."""
        row = connection.execute(changed).one_or_none()
        if row is not None:
            self._transactions.tell(connection, f"{TOPIC}{job}")
        return row

    def tell(self, told: Sequence[Told]) -> Collection[str]:
        audited = any(each.entry is not None for each in told)

        def work(connection: Connection) -> Collection[str]:
            lost = job_batches.tell(connection, told)
            topics = dict.fromkeys(topic for each in told if each.job not in lost for topic in each.topics)
            self._transactions.tell(connection, *topics, *([AUDITED] if audited else []))
            return lost

        return self._transactions.written(work, Turn.AUDIT if audited else None, urgent=True)

    def beat(self, held: Collection[Held]) -> Collection[str]:
        """Once, soon or not at all: the next one comes before anybody misses it. By a connection of its own: where all
        others are stuck, the jobs go on."""
        with self._transactions.writing(urgent=True, apart=True) as connection:
            if self._transactions.postgres:
                connection.execute(_SOON)
            return job_batches.beat(connection, held)

    def lost(self, held: Collection[Held]) -> Collection[str]:
        with self._transactions.reading(apart=True) as connection:
            return job_batches.lost(connection, held)

    def let_go(self, held: Collection[Held]) -> None:
        if held:
            self._transactions.written(lambda connection: job_batches.let_go(connection, held))

    def put_off(self, held: Collection[Held], seconds: float) -> None:
        if held:
            self._transactions.written(lambda connection: job_batches.put_off(connection, held, seconds))

    def left(self, seconds: float | None) -> Sequence[Job]:
        silent = select(jobs).where(jobs.c.state.in_(_LIVE))
        if seconds is not None:
            silent = silent.where(jobs.c.heartbeat <= DatabaseNow() - seconds)
        with self._transactions.reading() as connection:
            return [_job(row) for row in connection.execute(silent.order_by(jobs.c.created, jobs.c.id))]

    def ended(self, kinds: Sequence[str], since: float, sight: JobSight) -> Iterator[EndedJob]:
        """Fulfils services.server.statistics.EndedJobs. What an ended job told is read where it failed alone."""
        over = [jobs.c.kind.in_(kinds), jobs.c.updated >= since]
        if not sight.everywhere:
            over.append(or_(jobs.c.owner == sight.owner, jobs.c.environment.in_(sight.environments)))
        with self._transactions.reading() as connection:
            well = connection.execute(select(*_COUNTED).where(jobs.c.state.in_(_WELL), *over)).all()
            badly = connection.execute(select(*_COUNTED, jobs.c.result).where(jobs.c.state.in_(_BADLY), *over)).all()
        for row in well:
            yield _ended(row, None)
        for row in badly:
            yield _ended(row, row.result)

    def counts(self) -> Mapping[tuple[str, ...], float]:
        """How many there are of each kind in each state."""
        asked = select(jobs.c.kind, jobs.c.state, func.count()).group_by(jobs.c.kind, jobs.c.state)
        with self._transactions.reading() as connection:
            return {(kind, state): float(count) for kind, state, count in connection.execute(asked)}

    def forget(self, before: float, limit: int) -> int:
        ended = select(jobs.c.id).where(jobs.c.state.not_in(_LIVE), jobs.c.updated < before)
        oldest = ended.order_by(jobs.c.updated, jobs.c.id).limit(limit)
        gone = delete(jobs).where(jobs.c.id.in_(oldest.scalar_subquery()))
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount)

    def forget_keys(self, before: float) -> int:
        gone = delete(idempotency).where(idempotency.c.created < before)
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount)


def _keyed(connection: Connection, owner: int, key: RequestKey) -> Job | None:
    mine = (idempotency.c.owner == owner) & (idempotency.c.key == key.text)
    row = connection.execute(select(jobs, idempotency.c.digest).join(idempotency).where(mine)).one_or_none()
    if row is not None and row.digest != key.digest:
        raise KeyUsed
    return None if row is None else _job(row)


def _columns(wanted: Job) -> dict[str, object]:
    request = wanted.request
    return {
        "id": wanted.id,
        "kind": request.kind,
        "fields": plain_object(request.fields),
        "environment": request.environment,
        "sharing": request.sharing,
        "deed": None if request.deed is None else _deed_columns(request.deed),
        "owner": wanted.owner,
        "owner_name": wanted.owner_name,
        "token": wanted.token,
        "state": wanted.state.value,
        "run": wanted.run,
        "created": wanted.created,
        "updated": wanted.updated,
        "cursor": wanted.cursor,
        "result": None if wanted.result is None else plain_object(wanted.result),
        "totals": None if wanted.totals is None else plain_object(wanted.totals),
        "losses": wanted.losses,
        "started": wanted.started,
        "retry_of": wanted.retry_of,
    }


def _deed_columns(deed: Deed) -> object:
    return plain_object(
        {
            "action": deed.action,
            "entity_type": deed.entity_type,
            "entity_id": deed.entity_id,
            "entity_name": deed.entity_name,
            "environment": deed.environment,
            "details": deed.details,
        }
    )


def _job(row: Row[Any]) -> Job:
    """Whatever version wrote it: what this one cannot read is as if it were not there, and keeps no other row from
    being read. So a job without fields ends where it is run, and one in a state of a later version is none of ours."""
    fields = row.fields if isinstance(row.fields, dict) else {}
    return Job(
        row.id,
        JobRequest(row.kind, fields, row.environment, row.sharing, _deed(row.deed)),
        row.owner,
        row.owner_name,
        JobState(row.state) if row.state in set(JobState) else JobState.INTERRUPTED,
        row.run,
        row.created,
        row.updated,
        row.cursor,
        row.result if isinstance(row.result, dict) else None,
        row.totals if isinstance(row.totals, dict) else None,
        row.token,
        row.losses,
        row.started,
        row.retry_of,
    )


def _ended(row: Row[Any], result: object) -> EndedJob:
    code = result.get("code") if isinstance(result, dict) else None
    return EndedJob(
        row.kind,
        JobState(row.state),
        row.environment,
        row.owner,
        row.token,
        row.started,
        row.updated,
        row.totals if isinstance(row.totals, dict) else {},
        code if isinstance(code, str) else None,
    )


def _deed(kept: object) -> Deed | None:
    match kept:
        case {
            "action": str(action),
            "entity_type": str(entity_type),
            "entity_id": str(entity_id),
            "entity_name": str(entity_name),
            "environment": int() | None as environment,
            "details": dict(details),
        }:
            return Deed(action, entity_type, entity_id, entity_name, environment, details)
    return None
