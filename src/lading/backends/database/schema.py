"""The version of the tables, and a new database's tables as plain SQL, so that a first run loads no SQLAlchemy."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

VERSION = 10
"""Kept in the file as `PRAGMA user_version`: the number of the latest script in migrations/versions."""

OLDEST = 9
"""The oldest version whose programs go on with these tables on PostgreSQL, while newer ones take over from them.

A script that only adds tables, indexes, and columns that may be empty or have a default of the server's leaves it as
it is, if nothing that an older program writes is wrong to a newer one. Any other script makes it its own number. What
is to go therefore goes in two releases: one that no longer uses it, then one that drops it.
"""


@dataclass(frozen=True, slots=True)
class Program:
    """What a program does to tables: brings them to `version`; then those from version `oldest` on still bear them."""

    version: int
    oldest: int


OURS = Program(VERSION, OLDEST)


def version_of(connection: sqlite3.Connection) -> int:
    """The version that a database has; 0 where nothing was ever made in it."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether it has no tables at all."""
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def create(connection: sqlite3.Connection) -> None:
    """Everything of schema.sql, tables and version, in one transaction."""
    script = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    connection.executescript(f"BEGIN EXCLUSIVE;\n{script}\nCOMMIT;")
