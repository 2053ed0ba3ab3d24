"""What the migrations arrive at, for SQLAlchemy and as plain SQL; tests compare the three tellings.

`python -m lading.backends.database.schema_text` prints schema.sql, which a new SQLite database is made from. A new
PostgreSQL database is made from `metadata` itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from lading.backends.database import (
    agent_tables,
    gate_tables,
    hold_tables,
    identity_tables,
    layer_tables,
    minted_tables,
    sample_tables,
    scan_tables,
    service_tables,
    tables,
    trust_tables,
    turn_tables,
)
from lading.backends.database.columns import metadata
from lading.backends.database.schema import VERSION

__all__ = [
    "agent_tables",
    "gate_tables",
    "hold_tables",
    "identity_tables",
    "layer_tables",
    "metadata",
    "minted_tables",
    "sample_tables",
    "scan_tables",
    "schema_sql",
    "service_tables",
    "tables",
    "trust_tables",
    "turn_tables",
]
"""`metadata` holds all tables once the modules of tables are loaded, and is had from here for that reason."""


def schema_sql() -> str:
    """schema.sql as these tables, and Alembic's own, give it."""
    return "".join(f"{statement};\n\n" for statement in _statements())


def _statements() -> Iterator[str]:
    yield f"-- Written by `python -m lading.backends.database.schema_text`.\nPRAGMA user_version = {VERSION}"
    yield (
        "CREATE TABLE alembic_version (\n    version_num VARCHAR(32) NOT NULL,\n"
        "    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
    )
    yield f"INSERT INTO alembic_version VALUES ('{VERSION:04}')"  # noqa: S608  our own number
    for table in metadata.sorted_tables:
        yield _compiled(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield _compiled(CreateIndex(index))


def _compiled(statement: CreateTable | CreateIndex) -> str:
    text = str(statement.compile(dialect=sqlite.dialect()))
    return "\n".join(line.rstrip() for line in text.strip().splitlines()).replace("\t", "    ")


if __name__ == "__main__":
    sys.stdout.write(schema_sql())
