"""rpm's database in its SQLite form (rpm, lib/backend/sqlite.c): a table Packages, each row with one header blob.

The file is a stranger's. It is read from memory; nothing but the reading of that one table is allowed, so that no view,
virtual table or function of its author's runs; and it is given up after more steps than any real one takes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from lading.inventory.rpm_invalid import RpmDatabaseInvalid

_TABLE = "SELECT rootpage FROM main.sqlite_master WHERE type = 'table' AND name = 'Packages'"
_HEADERS = "SELECT blob FROM main.Packages ORDER BY hnum"
_READABLE = frozenset({"Packages", "sqlite_master", "sqlite_schema"})
_ROWS = 200_000
_STEPS = 10_000_000  # instructions of SQLite's machine: ten for each row, and the sorting

_FORMAT = slice(18, 20)  # of the file's header: 1 is a journal beside it, 2 a WAL (sqlite.org/fileformat.html, 1.3.3)
_JOURNAL = b"\1\1"
_HEADER = 100


def header_blobs(content: bytes) -> Sequence[bytes]:
    """Every package's header, in the order of their installation. Raises RpmDatabaseInvalid."""
    if len(content) < _HEADER:
        raise RpmDatabaseInvalid("is no SQLite database")
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.deserialize(_without_wal(content))
            _restrict(database, len(content))
            return _headers(database, len(content))
        except AttributeError as error:
            raise RpmDatabaseInvalid("is in a form that this Python's SQLite does not read") from error
        except (sqlite3.Error, ValueError, OverflowError) as error:  # ValueError: names that are no UTF-8
            raise RpmDatabaseInvalid("is a damaged SQLite database") from error


def _without_wal(content: bytes) -> bytearray:
    """rpm keeps it in WAL mode, which memory cannot have; what a WAL beside it says is not known here."""
    plain = bytearray(content)
    plain[_FORMAT] = _JOURNAL
    return plain


def _restrict(database: sqlite3.Connection, size: int) -> None:
    database.text_factory = bytearray  # so that a text, which no header is, need not be UTF-8 either
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    database.setlimit(sqlite3.SQLITE_LIMIT_VDBE_OP, 10_000)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, size)
    database.set_authorizer(_allowed)
    database.set_progress_handler(lambda: 1, _STEPS)


def _allowed(action: int, table: str | None, _column: str | None, _database: str | None, _by: str | None) -> int:
    if action == sqlite3.SQLITE_SELECT or (action == sqlite3.SQLITE_READ and table in _READABLE):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _headers(database: sqlite3.Connection, size: int) -> Sequence[bytes]:
    """Together they are shorter than the file they are in; a column that is computed could give more without end."""
    table = database.execute(_TABLE).fetchone()
    if table is None or not table[0]:
        raise RpmDatabaseInvalid("is a database, but not rpm's")
    headers: list[bytes] = []
    for (blob,) in database.execute(_HEADERS):
        if not isinstance(blob, bytes):
            raise RpmDatabaseInvalid("has packages without a header")
        size -= len(blob)
        if size < 0 or len(headers) == _ROWS:
            raise RpmDatabaseInvalid("has more packages than fit into it")
        headers.append(blob)
    return headers
