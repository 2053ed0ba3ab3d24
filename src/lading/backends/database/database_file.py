"""One connection to the database file: its settings, and the check that its tables are those we know."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lading.backends.database.failures import DatabaseNewer
from lading.backends.database.schema import VERSION, version_of

BUSY_SECONDS = 5.0
"""How long a transaction waits for another process's to end."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection to a database of our version, whose transactions are begun by hand; for one thread at a time."""
    connection = plain(path)
    try:
        configure(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def configure(connection: sqlite3.Connection) -> None:
    """What every connection needs, whoever opened it; waiting for a lock is set when it is opened."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def check_version(connection: sqlite3.Connection, path: Path) -> int:
    """The version it has, at most ours. Raises DatabaseNewer."""
    found = version_of(connection)
    if found > VERSION:
        raise DatabaseNewer(path, found, VERSION)
    return found


def plain(path: Path) -> sqlite3.Connection:
    """A connection with no setting that would write: the file may be another program's."""
    uri = f"{path.absolute().as_uri()}?mode=rw"  # rw: a file that vanished is not made again behind our back
    return sqlite3.connect(uri, BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True)
