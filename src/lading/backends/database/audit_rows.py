"""The audit trail: services.audit.records."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, cast, func, insert, select, text

from lading.backends.database.audit_reading import TEXTS, audit_row, stored_text
from lading.backends.database.columns import MOST, counted, holding
from lading.backends.database.service_tables import audit
from lading.backends.database.setting_rows import held_setting, put_setting
from lading.backends.database.totals import Totals, many
from lading.backends.database.transactions import Transactions, Turn
from lading.services.audit.audit import Result
from lading.services.audit.records import EVERYTHING, HEAD_SETTING, TOPIC, AuditEntry, AuditFilter, AuditPage, AuditRow
from lading.wire.plain_json import plain_object

PIECE = 500
"""Rows read in one transaction where all are wanted."""

LOOKED_THROUGH = 100_000
"""Rows whose details are looked through for a text: a tenth of a second."""

_REMOVES = ("remove", "prune")
"""What is done to images that are no more afterwards."""

_EQUALS = ("actor", "user", "action", "entity_type", "entity_id", "entity_name", "environment", "result")
"""What a filter asks for as it is, by the names of the columns."""

_COMMON = "image"
"""The type of entity that most entries are about."""

_TEXTS = (audit.c.actor, audit.c.action, audit.c.entity_type, audit.c.entity_id, audit.c.entity_name)
"""Where a filter's text is looked for."""

_ROWS = select(*(stored_text(column) if isinstance(column.type, TEXTS) else column for column in audit.c))
"""All of a row, its texts as they stand: one that is none must not keep those beside it from being read."""

_LAST_SEALED = _ROWS.where(audit.c.seal.is_not(None)).order_by(audit.c.id.desc()).limit(1)


_SEAL = {
    "sqlite": text("""
        UPDATE audit SET seal = json_extract(told.value, '$.seal') FROM json_each(:seals) AS told
        WHERE audit.id = json_extract(told.value, '$.id') AND audit.seal IS NULL
    """),
    "postgresql": text("""
        UPDATE audit SET seal = told.seal
        FROM json_to_recordset(CAST(:seals AS json)) AS told (id bigint, seal text)
        WHERE audit.id = told.id AND audit.seal IS NULL
    """),
}
"""One statement however many they are: whoever records meanwhile waits for it."""


class DatabaseAudit:
    """Fulfils AuditRecords; every method raises DatabaseFailed.

    Appending takes turns on PostgreSQL, where a number is given before its row can be seen: so rows appear in order.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._totals = Totals[AuditFilter, int](many)

    def append(self, entry: AuditEntry) -> int:
        row = _columns(entry)

        def work(connection: Connection) -> int:
            self._transactions.tell(connection, TOPIC)
            return int(connection.execute(insert(audit).returning(audit.c.id), row).scalar_one())

        return self._transactions.written(work, Turn.AUDIT)

    def find(self, id: int) -> AuditRow | None:  # noqa: A002  the protocol's word
        return next(iter(self._rows(_ROWS.where(audit.c.id == id))), None)

    def newest(self) -> int:
        with self._transactions.reading() as connection:
            return connection.scalar(select(func.max(audit.c.id))) or 0

    def page(self, wanted: AuditFilter, offset: int, limit: int) -> AuditPage:
        asked = list(_conditions(wanted))
        newest = _ROWS.where(*_walked(wanted)).order_by(audit.c.id.desc()).offset(counted(offset)).limit(counted(limit))
        with self._transactions.reading() as connection:
            rows = tuple(audit_row(row) for row in connection.execute(newest))
            whole = select(func.count()).select_from(audit).where(*asked)
            total = self._totals.of(wanted, lambda: connection.scalar(whole) or 0)
        return AuditPage(rows, max(total, offset + len(rows) if rows else 0))

    def after(self, id: int, limit: int, wanted: AuditFilter = EVERYTHING) -> Sequence[AuditRow]:  # noqa: A002
        return self._rows(_after(id, wanted).limit(counted(limit)))

    def each(self, wanted: AuditFilter = EVERYTHING) -> Iterator[AuditRow]:
        with self._transactions.reading() as connection:
            last = connection.scalar(select(func.max(audit.c.id))) or 0
        wanted_rows = _ROWS.where(audit.c.id <= last, *_conditions(wanted)).order_by(audit.c.id).limit(PIECE)
        rows = self._rows(wanted_rows)  # from below every number: a forged row may have any
        while rows:
            yield from rows
            rows = self._rows(wanted_rows.where(audit.c.id > rows[-1].id))

    def last_removal(self, environment: int, names: Collection[str], mention: str | None) -> AuditRow | None:
        removed = (
            audit.c.entity_type == "image",
            audit.c.action.in_(_REMOVES),
            audit.c.result == Result.DONE.value,
            audit.c.environment == environment,
        )
        newest = _ROWS.where(*removed).order_by(audit.c.id.desc()).limit(1)
        found = self._rows(newest.where(audit.c.entity_id.in_(sorted(names))))
        if mention is not None:
            lately = audit.c.id > select(func.max(audit.c.id)).scalar_subquery() - LOOKED_THROUGH
            told = cast(audit.c.details, Text).contains(mention, autoescape=True)
            found = [*found, *self._rows(newest.where(lately, told))]
        return max(found, key=lambda row: row.id, default=None)

    def unsealed(self, limit: int) -> Sequence[AuditRow]:
        with self._transactions.reading() as connection:
            sealed = connection.execute(_LAST_SEALED).one_or_none()
            rows = connection.execute(_after(sealed.id if sealed else 0, EVERYTHING).limit(limit))
            return [audit_row(row) for row in rows]

    def last_sealed(self) -> AuditRow | None:
        return next(iter(self._rows(_LAST_SEALED)), None)

    def head(self) -> object:
        with self._transactions.reading() as connection:
            return _head(connection)

    def seal(self, seals: Sequence[tuple[int, str]], held: object, head: str) -> bool:
        told = {"seals": json.dumps([{"id": row, "seal": seal} for row, seal in seals])}

        def work(connection: Connection) -> bool:
            if _head(connection) != held:
                return False
            if connection.execute(_SEAL[connection.dialect.name], told).rowcount == len(seals):
                put_setting(connection, HEAD_SETTING, head)
                return True
            connection.rollback()
            return False

        return self._transactions.written(work, Turn.AUDIT)

    def _rows(self, wanted: Select[Any]) -> Sequence[AuditRow]:
        with self._transactions.reading() as connection:
            return [audit_row(row) for row in connection.execute(wanted)]


def _head(connection: Connection) -> object:
    """SQLite keeps whatever text somebody put there: what is no JSON is there all the same, and opens as nothing."""
    try:
        return held_setting(connection, HEAD_SETTING)
    except ValueError:
        return ""


def _after(id: int, wanted: AuditFilter) -> Select[Any]:  # noqa: A002  a row's own word
    return _ROWS.where(audit.c.id > min(id, MOST), *_conditions(wanted)).order_by(audit.c.id)


def _walked(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    """The same, for who goes through the trail from its end until there are enough. Most of it is about images: by the
    index of types SQLite would go through all of that, and sort it."""
    if wanted.entity_type != _COMMON or wanted.entity_id is not None:
        return _conditions(wanted)
    return chain(_conditions(replace(wanted, entity_type=None)), [audit.c.entity_type.concat("") == _COMMON])


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


def append(connection: Connection, entries: Sequence[AuditEntry]) -> None:
    """In a transaction that is another's, who has taken the trail's turn."""
    connection.execute(insert(audit), [_columns(entry) for entry in entries])


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
