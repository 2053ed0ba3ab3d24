"""All rows of the service at one moment, as an SQLite file of our version; and such a file put into a database again.

    kept in       snapshot                                        put back
    SQLite        SQLite's own copy (VACUUM INTO), which reads    the file itself
                  one snapshot and holds up nobody
    PostgreSQL    table by table in one REPEATABLE READ           table by table, in one transaction, into tables
                  transaction                                     without rows

What counts up goes on where it was: no number is given out twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Table, func, insert, select, text

from lading.backends.database.database_file import check_version, plain
from lading.backends.database.engine import open_engine
from lading.backends.database.failures import DatabaseForeign, DatabaseNewer, translating
from lading.backends.database.postgres import open_postgres, version_of
from lading.backends.database.prepare import prepare
from lading.backends.database.schema import VERSION
from lading.backends.database.schema_text import metadata
from lading.backends.database.transactions import Transactions, Turn
from lading.errors import Refused

ROWS_AT_ONCE = 1000

PASSING = ("session", "agent_presence", "upload_session", "named_lock", "lease", "registry_hold", "registry_share")
"""Tables of what holds for a running server alone: who is logged in or connected, what is being sent or used."""


class DatabaseFilled(Refused):
    """Rows are to be put into a database that has some."""

    hint = "Name a database without tables; or drop the tables of this one, if nobody needs their rows."

    def __init__(self, place: str, table: str) -> None:
        super().__init__(place, table)
        self.place, self.table = place, table
        self.why = f"Its table {table} has rows."

    def __str__(self) -> str:
        return f"the database {self.place} is in use"


def copy_file(path: Path, into: Path) -> None:
    """All rows of the SQLite database at `path`, brought to our version first. Raises DatabaseFailed."""
    prepare(path)
    with translating(path), closing(plain(path)) as connection:
        check_version(connection, path)
        connection.execute("VACUUM INTO ?", (str(into),))


def copy_postgres(transactions: Transactions, into: Path) -> None:
    """All rows of this database. Raises DatabaseNewer where it may have more than this program knows of, although it
    bears it; DatabaseFailed."""
    prepare(into)
    target = open_engine(into, 1)
    try:
        with transactions.reading() as source, target.begin() as connection:
            if version_of(source) > VERSION:
                raise DatabaseNewer(transactions.place, version_of(source), VERSION)
            for table in metadata.sorted_tables:
                _copy(source, connection, table)
            _keep_counts(connection, _postgres_counts(source))
    finally:
        target.dispose()


def refuse_filled(url: str) -> None:
    """Whether rows may be put into this database, whose tables are made where it has none. Raises DatabaseFilled,
    DatabaseFailed."""
    transactions = open_postgres(url)
    try:
        with transactions.reading() as connection:
            _refuse_rows(connection, str(transactions.place))
    finally:
        transactions.close()


def put_into_postgres(url: str, path: Path) -> None:
    """All rows of the SQLite file, which has our version. Raises DatabaseFilled, DatabaseFailed."""
    transactions = open_postgres(url)
    source = open_engine(path, 1)
    try:
        with transactions.writing(Turn.SCHEMA) as connection, source.connect() as read:
            _refuse_rows(connection, str(transactions.place))
            for table in metadata.sorted_tables:
                _copy(read, connection, table)
            for name, count in read.execute(_COUNTS).all():
                connection.execute(_SET_COUNT, {"table": _quoted(str(name)), "count": max(1, int(count))})
    finally:
        source.dispose()
        transactions.close()


def without_passing(path: Path) -> None:
    """Takes out of an SQLite file, of our version or an older one that is migrated first, what held for a server that
    ran then. Raises DatabaseNewer, DatabaseFailed."""
    with translating(path), closing(plain(path)) as connection:
        check_version(connection, path)
        if _not_ours(connection):
            raise DatabaseForeign(path)
    prepare(path)
    with translating(path), closing(plain(path)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        for table in PASSING:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  our own names
        connection.execute("COMMIT")


def with_names_of(path: Path, beside: Path) -> None:
    """Gives the SQLite file at `path` the names of images that `beside` has and it has not. Raises DatabaseFailed."""
    with translating(path), closing(plain(path)) as connection:
        connection.execute("ATTACH DATABASE ? AS beside", (str(beside),))
        connection.execute("INSERT OR IGNORE INTO image SELECT * FROM beside.image")
        connection.execute("DETACH DATABASE beside")


def alone_in_file(path: Path) -> None:
    """Everything of the database is in this one file from now on, which nobody has open. Raises DatabaseFailed."""
    with translating(path), closing(plain(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _not_ours(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'held_manifest'").fetchone()
    return found is None


def _copy(source: Connection, target: Connection, table: Table) -> None:
    read = source.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
    for rows in read.execute(select(table)).mappings().partitions():
        target.execute(insert(table), [dict(row) for row in rows])


def _refuse_rows(connection: Connection, place: str) -> None:
    for table in metadata.sorted_tables:
        if connection.scalar(select(func.count()).select_from(select(table).limit(1).subquery())):
            raise DatabaseFilled(place, table.name)


_COUNTS = text("SELECT name, seq FROM sqlite_sequence")
_SET_COUNT = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :count)")
_SERIAL = text("SELECT pg_get_serial_sequence(:table, 'id')")


def _postgres_counts(source: Connection) -> Mapping[str, int]:
    """The last number of each table that counts up by itself, where one was given out."""
    found: dict[str, int] = {}
    for table in _counting(metadata.sorted_tables):
        sequence = source.scalar(_SERIAL, {"table": _quoted(table.name)})
        last, called = source.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()  # noqa: S608  its own word
        if called:
            found[table.name] = int(last)
    return found


def _keep_counts(connection: Connection, counts: Mapping[str, int]) -> None:
    connection.exec_driver_sql("DELETE FROM sqlite_sequence")
    for name, count in counts.items():
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, count))


def _counting(tables: Iterable[Table]) -> Sequence[Table]:
    return [table for table in tables if table.dialect_options["sqlite"]["autoincrement"]]


def _quoted(name: str) -> str:
    """As pg_get_serial_sequence reads names: `user` is a word of SQL's own."""
    return f'"{name}"'
