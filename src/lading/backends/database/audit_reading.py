"""Reading rows of the audit trail, whatever somebody made of them.

Whoever can write to the database can put there what Lading never writes. Such a row is marked, and no reason to show
none: text is taken as the database keeps it and read here, where one that fails is one row.
"""

from __future__ import annotations

import json
import math
from typing import Any  # what SQLAlchemy hands over has no type of ours

from sqlalchemy import JSON, ColumnElement, Row
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from lading.backends.database.columns import CodePointText
from lading.services.audit.audit import Deed, Result
from lading.services.audit.records import AuditEntry, AuditRow
from lading.wire.plain_json import plain_object

TEXTS = (CodePointText, JSON)
"""The types of columns that are text to their database."""

LATEST = 253_402_300_799.0
"""The last second of the year 9999: dates go no further."""


class _StoredText(FunctionElement[Any]):
    """A column's text, read by nobody: bytes on SQLite, whose text may be none."""

    inherit_cache = True
    type = NullType()


@compiles(_StoredText, "sqlite")
def _bytes(element: _StoredText, compiler: SQLCompiler, **options: Any) -> str:  # Any: SQLAlchemy's
    return f"CAST({compiler.process(element.clauses, **options)} AS BLOB)"


@compiles(_StoredText)
def _text(element: _StoredText, compiler: SQLCompiler, **options: Any) -> str:  # Any: SQLAlchemy's
    return f"CAST({compiler.process(element.clauses, **options)} AS TEXT)"


def stored_text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """What `audit_row` reads, under the column's name."""
    return _StoredText(column).label(column.name)


def audit_row(row: Row[Any]) -> AuditRow:
    """The row; what of it cannot be read is empty, and then it is `unreadable`."""
    reading = _Reading(row)
    deed = Deed(
        reading.text("action"),
        reading.text("entity_type"),
        reading.text("entity_id"),
        reading.text("entity_name"),
        reading.number("environment"),
        reading.details(),
    )
    entry = AuditEntry(
        reading.created(),
        reading.text("actor"),
        reading.number("user"),
        reading.number("token"),
        deed,
        reading.result(),
        reading.text("address"),
        reading.text("request"),
    )
    seal = None if row.seal is None else reading.text("seal")
    return AuditRow(row.id, entry, seal, reading.failed)


class _Reading:
    """One row, field by field; `failed` says whether one was not what Lading writes."""

    def __init__(self, row: Row[Any]) -> None:
        self._row = row._mapping
        self.failed = False

    def text(self, name: str) -> str:
        kept: object = self._row[name]
        if not isinstance(kept, bytes):
            return str(kept)
        try:
            return kept.decode()
        except UnicodeDecodeError:
            self.failed = True
            return kept.decode(errors="replace")

    def number(self, name: str) -> int | None:
        kept: object = self._row[name]
        if kept is None or isinstance(kept, int):
            return kept
        self.failed = True
        return None

    def created(self) -> float:
        kept: object = self._row["created"]
        if isinstance(kept, float) and math.isfinite(kept) and 0 <= kept <= LATEST:
            return kept
        self.failed = True
        return 0.0

    def result(self) -> Result:
        try:
            return Result(self.text("result"))
        except ValueError:
            self.failed = True
            return Result.INTERRUPTED

    def details(self) -> dict[str, object]:
        try:
            kept = json.loads(self.text("details"))
            if isinstance(kept, dict) and plain_object(kept) == kept:
                return kept
        except (ValueError, RecursionError):
            pass
        self.failed = True
        return {}
