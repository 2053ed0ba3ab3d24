"""Rows of the audit trail as other programs read them: JSON, a row a line, or a table for spreadsheets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from lading.oci.instants import instant
from lading.services.audit.records import AuditRow
from lading.services.csv_tables import record

COLUMNS = (
    "id",
    "createdAt",
    "username",
    "action",
    "entityType",
    "entityId",
    "entityName",
    "environmentId",
    "result",
    "details",
    "ipAddress",
    "requestId",
)
"""The fields of interfaces §2, Audit, in their order."""


class Format(StrEnum):
    """What an export is written as: one array, a table, or a line of JSON for each row."""

    JSON = "json"
    CSV = "csv"
    JSON_LINES = "jsonl"


def row_json(row: AuditRow) -> dict[str, object]:
    """One row, by the names of interfaces §2."""
    entry = row.entry
    values = (
        row.id,
        instant(entry.created),
        entry.actor,
        entry.deed.action,
        entry.deed.entity_type,
        entry.deed.entity_id,
        entry.deed.entity_name,
        entry.deed.environment,
        row.result,
        dict(entry.deed.details),
        entry.address,
        entry.request,
    )
    return dict(zip(COLUMNS, values, strict=True))


def export(rows: Iterable[AuditRow], format: Format) -> Iterator[str]:  # noqa: A002  the query's own word
    """The text in pieces, one or two a row: memory does not grow with the trail."""
    return _WRITERS[format](rows)


def _array(rows: Iterable[AuditRow]) -> Iterator[str]:
    before = "["
    for row in rows:
        yield f"{before}\n{_compact(row_json(row))}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _lines(rows: Iterable[AuditRow]) -> Iterator[str]:
    return (f"{_compact(row_json(row))}\n" for row in rows)


def _table(rows: Iterable[AuditRow]) -> Iterator[str]:
    """As RFC 4180 has it."""
    yield record(COLUMNS)
    for row in rows:
        shown = row_json(row) | {"details": _compact(row.entry.deed.details)}
        yield record(shown.values())


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_WRITERS: dict[Format, Callable[[Iterable[AuditRow]], Iterator[str]]] = {
    Format.JSON: _array,
    Format.CSV: _table,
    Format.JSON_LINES: _lines,
}
