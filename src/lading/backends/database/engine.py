"""SQLAlchemy's way to the database, over the same connections: SQLite's own ways end here."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from lading.backends.database.database_file import connect
from lading.backends.database.failures import DatabaseNewer
from lading.backends.database.schema import VERSION

POOL = 16
"""Connections of one process; more threads than that wait for one."""

POOL_SECONDS = 30.0

READONLY = "readonly"
"""The execution option of a connection that only reads: it neither waits for a writer nor holds one up."""


def open_engine(path: Path, connections: int = POOL) -> Engine:
    """For the database at `path`, which has our version. A transaction locks out other writers unless it is READONLY.

    A plain BEGIN that reads and then writes would fail at once where another process wrote in between, whatever the
    busy time-out (facts C).
    """

    def begun(connection: Connection) -> None:
        if connection.get_execution_options().get(READONLY):
            connection.exec_driver_sql("BEGIN")
            return
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if found > VERSION:
            raise DatabaseNewer(path, found, VERSION)

    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(path),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
    )
    event.listen(engine, "begin", begun)
    return engine
