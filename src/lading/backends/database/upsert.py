"""Rows written whether or not their key is there: SQLite and PostgreSQL say it alike, SQLAlchemy by two functions.

Statements are made once: to put one together takes longer than to carry it out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache

from sqlalchemy import ColumnElement, Connection, Insert, Table
from sqlalchemy.dialects import sqlite


def put(connection: Connection, table: Table, columns: Collection[str] | None = None) -> Insert:
    """Insert a row, or replace these columns of the one with its primary key (None: all of them): what names that row
    goes on naming it."""
    return _put(connection.dialect.name, table, None if columns is None else tuple(columns))


def add(connection: Connection, table: Table) -> Insert:
    """Insert a row unless one with its key is there: two who add the same at once both succeed."""
    return _add(connection.dialect.name, table)


@cache
def _put(dialect: str, table: Table, columns: tuple[str, ...] | None) -> Insert:
    key = list(table.primary_key)
    named = [column.name for column in table.columns if not column.primary_key]
    others = [name for name in named if columns is None or name in columns]
    if dialect == "sqlite":
        row = sqlite.insert(table)
        return row.on_conflict_do_update(index_elements=key, set_={name: row.excluded[name] for name in others})
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  a tenth of a second that SQLite's users need not wait

    line = postgresql.insert(table)
    return line.on_conflict_do_update(index_elements=key, set_={name: line.excluded[name] for name in others})


@cache
def _add(dialect: str, table: Table) -> Insert:
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  as above

    return postgresql.insert(table).on_conflict_do_nothing()


def put_where(connection: Connection, table: Table, row: Mapping[str, object], may: ColumnElement[bool]) -> Insert:
    """Insert this row, or replace the one with its primary key where `may` is so of that."""
    key = list(table.primary_key)
    others = [name for name in row if name not in {column.name for column in key}]
    if connection.dialect.name == "sqlite":
        made = sqlite.insert(table).values(row)
        return made.on_conflict_do_update(
            index_elements=key, set_={name: made.excluded[name] for name in others}, where=may
        )
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  as above

    line = postgresql.insert(table).values(row)
    return line.on_conflict_do_update(
        index_elements=key, set_={name: line.excluded[name] for name in others}, where=may
    )
