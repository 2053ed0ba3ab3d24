"""A database of our version, whatever was at its place before.

    found                    what is done
    nothing, or no tables    made from schema.sql
    our version              nothing, and no lock is taken
    an older version         migrated once, under the same lock, by Alembic
    a newer version          refused
    another program's        refused

Either is one transaction: a process killed half way leaves what was there.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lading.backends.database.database_file import check_version, configure, connect, plain
from lading.backends.database.failures import DatabaseForeign, DatabaseOnNetwork, translating
from lading.backends.database.file_system import Mount, mounts, network_file_system
from lading.backends.database.schema import VERSION, create, is_empty


def opened(path: Path) -> sqlite3.Connection:
    """A connection to the database at `path`, made or migrated first where it has to be.

    Raises DatabaseNewer, DatabaseForeign, DatabaseOnNetwork, MigrationFailed and what SQLite itself refuses.
    """
    prepare(path)
    with translating(path):
        return connect(path)


def prepare(path: Path, mounted: Callable[[], Iterable[Mount]] = mounts) -> None:
    """Bring the database at `path` to our version, once for all processes. Raises as `opened`."""
    with translating(path):
        if kind := network_file_system(path.parent, mounted()):
            raise DatabaseOnNetwork(path, kind)
        if path.exists() and _version(path) == VERSION:
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(path):
            if not path.exists():
                # SQLite gives its -wal and -shm the mode of the database. Nobody has it open, so closing frees no lock.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            found = _version(path)
            if found == 0:
                _create(path)
            elif found < VERSION:
                _migrate(path, found)


def _version(path: Path) -> int:
    with closing(plain(path)) as connection:
        return check_version(connection, path)


def _create(path: Path) -> None:
    with closing(plain(path)) as connection:
        if not is_empty(connection):
            raise DatabaseForeign(path)
        configure(connection)
        create(connection)


def _migrate(path: Path, found: int) -> None:
    """Imported here, because it loads SQLAlchemy and Alembic: half a second that only an older database costs."""
    from lading.backends.database.migrate import migrate  # noqa: PLC0415

    migrate(path, found)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process makes or migrates this database while inside; the system ends the lock with its process."""
    number = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
