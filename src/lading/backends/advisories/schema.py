"""The rows of `advisories.db`, and how the file is opened.

    source      what was imported under one name: where from, when, of what time, and how often it has changed
    ecosystem   its names, as numbers
    record      one advisory of one source: everything but its packages, compressed
    affected    what one record says of one package, compressed; found by ecosystem and indexed name
    alias       every name of a record, its id among them
    feed        how many records of a source speak of an ecosystem, counted when the source was imported

The file is in WAL mode: whoever reads goes on with what stood there when it began, while the next state is written
beside it; a writer that is killed leaves nothing of what it had not committed.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

VERSION = 1
"""Raised by one whenever rows would be written differently: a file of another version is emptied by the next import,
and answers nothing until then."""

BUSY_SECONDS = 30.0
"""How long one waits for another connection's short work at the file: recovery, the end of a checkpoint."""

_TABLES = """
CREATE TABLE source (
    key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, location TEXT NOT NULL, imported REAL NOT NULL, built REAL,
    since REAL NOT NULL, whole REAL NOT NULL, changes INTEGER NOT NULL
);
CREATE TABLE ecosystem (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE record (
    key INTEGER PRIMARY KEY, source INTEGER NOT NULL, id TEXT NOT NULL, modified REAL NOT NULL,
    fingerprint BLOB NOT NULL, content BLOB NOT NULL
);
CREATE UNIQUE INDEX record_id ON record (id, source);
CREATE INDEX record_source ON record (source);
CREATE TABLE affected (
    key INTEGER PRIMARY KEY, ecosystem INTEGER NOT NULL, package TEXT NOT NULL, record INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX affected_package ON affected (ecosystem, package);
CREATE INDEX affected_record ON affected (record);
CREATE TABLE alias (name TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (name, record)) WITHOUT ROWID;
CREATE INDEX alias_record ON alias (record);
CREATE TABLE feed (
    source INTEGER NOT NULL, ecosystem TEXT NOT NULL, records INTEGER NOT NULL, newest REAL,
    PRIMARY KEY (source, ecosystem)
) WITHOUT ROWID;
"""


def opened_to_read(path: Path) -> sqlite3.Connection | None:
    """For one thread at a time, whichever; None where there are no advisories, or those of another version. Raises
    sqlite3.Error."""
    if not path.is_file():
        return None
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if version_of(connection) == VERSION:
            return connection
    except sqlite3.Error:
        connection.close()
        raise
    connection.close()
    return None


def opened_to_write(path: Path) -> sqlite3.Connection:
    """A file that is not there is made. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -32768")  # KiB
        connection.execute("PRAGMA temp_store = MEMORY")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def begin(connection: sqlite3.Connection) -> None:
    """The one transaction of an import, over rows of this version: of another, none is kept. Raises sqlite3.Error."""
    connection.execute("BEGIN IMMEDIATE")
    if version_of(connection) == VERSION:
        return
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        connection.execute(f'DROP TABLE "{name}"')
    for statement in filter(str.strip, _TABLES.split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def version_of(connection: sqlite3.Connection) -> int:
    """0 where nothing was written yet."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
