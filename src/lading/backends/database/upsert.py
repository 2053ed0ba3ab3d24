"""Rows written whether or not their key is there: the one statement that each kind of database spells its own way."""

from __future__ import annotations

from sqlalchemy import Insert, Table
from sqlalchemy.dialects.sqlite import insert


def put(table: Table) -> Insert:
    """Insert a row, or replace the columns of the one with its primary key: what names that row goes on naming it."""
    statement = insert(table)
    others = [column.name for column in table.columns if not column.primary_key]
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={name: statement.excluded[name] for name in others}
    )


def add(table: Table) -> Insert:
    """Insert a row unless one with its key is there: two who add the same at once both succeed."""
    return insert(table).on_conflict_do_nothing()
