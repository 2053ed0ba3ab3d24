"""The audit trail: services.audit_records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select, update

from lading.backends.database.columns import MOST, counted, holding
from lading.backends.database.service_tables import audit
from lading.backends.database.transactions import Transactions, Turn
from lading.services.audit import Deed, Result
from lading.services.audit_records import EVERYTHING, AuditEntry, AuditFilter, AuditPage, AuditRow
from lading.wire.plain_json import plain_object

PIECE = 500
"""Rows read in one transaction where all are wanted."""

_EQUALS = ("actor", "user", "action", "entity_type", "entity_id", "entity_name", "environment", "result")
"""What a filter asks for as it is, by the names of the columns."""

_TEXTS = (audit.c.actor, audit.c.action, audit.c.entity_type, audit.c.entity_id, audit.c.entity_name)
"""Where a filter's text is looked for."""

_LAST_SEALED = select(audit).where(audit.c.seal.is_not(None)).order_by(audit.c.id.desc()).limit(1)


class DatabaseAudit:
    """Fulfils AuditRecords; every method raises DatabaseFailed.

    Appending takes turns on PostgreSQL, where a number is given before its row can be seen: so rows appear in order.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def append(self, entry: AuditEntry) -> int:
        row = _columns(entry)

        def work(connection: Connection) -> int:
            return int(connection.execute(insert(audit).returning(audit.c.id), row).scalar_one())

        return self._transactions.written(work, Turn.AUDIT)

    def find(self, id: int) -> AuditRow | None:  # noqa: A002  the protocol's word
        return next(iter(self._rows(select(audit).where(audit.c.id == id))), None)

    def page(self, wanted: AuditFilter, offset: int, limit: int) -> AuditPage:
        asked = list(_conditions(wanted))
        newest = select(audit).where(*asked).order_by(audit.c.id.desc()).offset(counted(offset)).limit(counted(limit))
        with self._transactions.reading() as connection:
            total = connection.scalar(select(func.count()).select_from(audit).where(*asked)) or 0
            return AuditPage(tuple(_row(row) for row in connection.execute(newest)), total)

    def after(self, id: int, limit: int, wanted: AuditFilter = EVERYTHING) -> Sequence[AuditRow]:  # noqa: A002
        return self._rows(_after(id, wanted).limit(counted(limit)))

    def each(self, wanted: AuditFilter = EVERYTHING) -> Iterator[AuditRow]:
        with self._transactions.reading() as connection:
            last = connection.scalar(select(func.max(audit.c.id))) or 0
        reached = 0
        while rows := self._rows(_after(reached, wanted).where(audit.c.id <= last).limit(PIECE)):
            yield from rows
            reached = rows[-1].id

    def unsealed(self, limit: int) -> Sequence[AuditRow]:
        with self._transactions.reading() as connection:
            sealed = connection.execute(_LAST_SEALED).one_or_none()
            rows = connection.execute(_after(sealed.id if sealed else 0, EVERYTHING).limit(limit))
            return [_row(row) for row in rows]

    def last_sealed(self) -> AuditRow | None:
        return next(iter(self._rows(_LAST_SEALED)), None)

    def seal(self, seals: Sequence[tuple[int, str]]) -> bool:
        def work(connection: Connection) -> bool:
            for id, seal in seals:  # noqa: A001  a row's own word
                unsealed = update(audit).where(audit.c.id == id, audit.c.seal.is_(None))
                if not connection.execute(unsealed.values(seal=seal)).rowcount:
                    connection.rollback()
                    return False
            return True

        return self._transactions.written(work, Turn.AUDIT)

    def _rows(self, wanted: Select[Any]) -> Sequence[AuditRow]:
        with self._transactions.reading() as connection:
            return [_row(row) for row in connection.execute(wanted)]


def _after(id: int, wanted: AuditFilter) -> Select[Any]:  # noqa: A002  a row's own word
    return select(audit).where(audit.c.id > min(id, MOST), *_conditions(wanted)).order_by(audit.c.id)


def _conditions(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    for name in _EQUALS:
        value = getattr(wanted, name)
        if value is not None:
            yield audit.c[name] == value
    if wanted.text:
        yield holding(wanted.text, _TEXTS)
    if wanted.environments is not None:
        yield audit.c.environment.in_(sorted(wanted.environments))
    if wanted.since is not None:
        yield audit.c.created >= wanted.since
    if wanted.until is not None:
        yield audit.c.created < wanted.until


def _columns(entry: AuditEntry) -> dict[str, object]:
    deed = entry.deed
    return {
        "created": entry.created,
        "actor": entry.actor,
        "user": entry.user,
        "token": entry.token,
        "action": deed.action,
        "entity_type": deed.entity_type,
        "entity_id": deed.entity_id,
        "entity_name": deed.entity_name,
        "environment": deed.environment,
        "result": entry.result.value,
        "details": plain_object(deed.details),
        "address": entry.address,
        "request": entry.request,
    }


def _row(row: Row[Any]) -> AuditRow:
    deed = Deed(row.action, row.entity_type, row.entity_id, row.entity_name, row.environment, row.details)
    entry = AuditEntry(row.created, row.actor, row.user, row.token, deed, Result(row.result), row.address, row.request)
    return AuditRow(row.id, entry, row.seal)
