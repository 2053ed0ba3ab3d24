"""Jobs, their lines and idempotency keys: services.job_records.

On PostgreSQL whoever writes several jobs at once does so in order of their ids, so that no two writers wait for each
other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from lading.backends.database import job_batches
from lading.backends.database.columns import counted, holding
from lading.backends.database.service_tables import idempotency, job_line
from lading.backends.database.service_tables import job as jobs
from lading.backends.database.transactions import Transactions, Turn
from lading.services.audit import Deed
from lading.services.job import Job, JobRequest, JobState, Line
from lading.services.job_records import LET_GO, JobFilter, Page, Told
from lading.wire.plain_json import plain_object

NOBODY = 0
"""The owner in the key of a job that has none: no row has this id, and a key cannot be null."""

_LIVE = (JobState.QUEUED.value, JobState.RUNNING.value)
_TEXTS = (
    jobs.c.id,
    jobs.c.kind,
    jobs.c.owner_name,
    *(jobs.c.deed[name].as_string() for name in ("entity_id", "entity_name", ("details", "targetTag"))),
)
"""Where a filter's text is looked for."""


class DatabaseJobs:
    """Fulfils JobRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def add(self, job: Job, key: str | None) -> Job:
        owner = NOBODY if job.owner is None else job.owner

        def work(connection: Connection) -> Job:
            known = None if key is None else _keyed(connection, owner, key)
            if known is not None:
                return known
            connection.execute(insert(jobs), _columns(job))
            if key is not None:
                row = {"owner": owner, "key": key, "job": job.id, "created": job.created}
                connection.execute(insert(idempotency), row)
            return job

        return self._transactions.written(work, None if key is None else Turn.JOBS)

    def find(self, job: str) -> Job | None:
        with self._transactions.reading() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job)).one_or_none()
        return None if row is None else _job(row)

    def keyed(self, owner: int | None, key: str) -> Job | None:
        with self._transactions.reading() as connection:
            return _keyed(connection, NOBODY if owner is None else owner, key)

    def page(self, wanted: JobFilter, offset: int, limit: int) -> Page:
        asked = list(_conditions(wanted))
        newest = select(jobs).where(*asked).order_by(jobs.c.created.desc(), jobs.c.id)
        with self._transactions.reading() as connection:
            total = connection.scalar(select(func.count()).select_from(jobs).where(*asked)) or 0
            rows = connection.execute(newest.offset(counted(offset)).limit(counted(limit))).all()
        return Page(tuple(_job(row) for row in rows), total)

    def lines(self, job: str, after: int, limit: int) -> Sequence[Line]:
        said = select(job_line).where(job_line.c.job == job, job_line.c.number > counted(after))
        with self._transactions.reading() as connection:
            rows = connection.execute(said.order_by(job_line.c.number).limit(counted(limit))).all()
        return [Line(row.number, row.at, row.data) for row in rows]

    def waiting(self, owner: int | None) -> int:
        whose = jobs.c.owner.is_(None) if owner is None else jobs.c.owner == owner
        live = select(func.count()).select_from(jobs).where(whose, jobs.c.state.in_(_LIVE))
        with self._transactions.reading() as connection:
            return connection.scalar(live) or 0

    def claim(self, job: str, at: float) -> Job | None:
        queued = update(jobs).where(jobs.c.id == job, jobs.c.state == JobState.QUEUED.value)
        taken = queued.values(state=JobState.RUNNING.value, run=jobs.c.run + 1, updated=at, heartbeat=at).returning(
            jobs
        )
        row = self._transactions.written(lambda connection: connection.execute(taken).one_or_none())
        return None if row is None else _job(row)

    def release(self, job: str, run: int, at: float) -> bool:
        mine = update(jobs).where(jobs.c.id == job, jobs.c.run == run, jobs.c.state == JobState.RUNNING.value)
        freed = mine.values(state=JobState.QUEUED.value, updated=at, heartbeat=LET_GO)
        return self._transactions.written(lambda connection: connection.execute(freed).rowcount > 0)

    def tell(self, told: Sequence[Told]) -> Collection[str]:
        return self._transactions.written(lambda connection: job_batches.tell(connection, told))

    def beat(self, jobs: Collection[str], at: float) -> None:
        if jobs:
            self._transactions.written(lambda connection: job_batches.beat(connection, jobs, at))

    def left(self, before: float) -> Sequence[Job]:
        silent = select(jobs).where(jobs.c.state.in_(_LIVE), jobs.c.heartbeat < before)
        with self._transactions.reading() as connection:
            return [_job(row) for row in connection.execute(silent.order_by(jobs.c.created, jobs.c.id))]

    def forget(self, before: float, limit: int) -> int:
        ended = select(jobs.c.id).where(jobs.c.state.not_in(_LIVE), jobs.c.updated < before)
        oldest = ended.order_by(jobs.c.updated, jobs.c.id).limit(limit)
        gone = delete(jobs).where(jobs.c.id.in_(oldest.scalar_subquery()))
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount)

    def forget_keys(self, before: float) -> int:
        gone = delete(idempotency).where(idempotency.c.created < before)
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount)


def _keyed(connection: Connection, owner: int, key: str) -> Job | None:
    mine = (idempotency.c.owner == owner) & (idempotency.c.key == key)
    row = connection.execute(select(jobs).join(idempotency).where(mine)).one_or_none()
    return None if row is None else _job(row)


def _conditions(wanted: JobFilter) -> Iterable[ColumnElement[bool]]:
    for name in ("owner", "token", "kind", "environment"):
        value = getattr(wanted, name)
        if value is not None:
            yield jobs.c[name] == value
    if wanted.text:
        yield holding(wanted.text, _TEXTS)
    if wanted.states:
        yield jobs.c.state.in_(sorted(state.value for state in wanted.states))


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
        "heartbeat": wanted.created,
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
    deed = None if row.deed is None else Deed(**row.deed)
    return Job(
        row.id,
        JobRequest(row.kind, row.fields, row.environment, row.sharing, deed),
        row.owner,
        row.owner_name,
        JobState(row.state),
        row.run,
        row.created,
        row.updated,
        row.cursor,
        row.result,
        row.totals,
        row.token,
    )
