"""What can go wrong with the database, and the one place where SQLite's errors become ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lading.errors import NoRoom, StorageFailed, Unavailable, Unreachable

Place = Path | str
"""Where a database is: a file of SQLite's, or the URL of one of PostgreSQL's, here without its password."""


class DatabaseFailed(StorageFailed):
    """The database did not do its part; the leaves below say what a person can do about it."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(place, reason)
        self.place, self.reason = place, reason

    def __str__(self) -> str:
        return f"{self._sentence(f'the database {self.place}')}: {self.reason}"

    @property
    def afar(self) -> str:
        """Without the reason as well: it is what the database said, which may name files of its own."""
        return self._sentence("the database")

    def _sentence(self, database: str) -> str:
        return f"{database} failed"


class _WithoutReason(DatabaseFailed):
    """The class says it all."""

    def __str__(self) -> str:
        return self._sentence(f"the database {self.place}")


class DatabaseCorrupt(DatabaseFailed):
    """The file is not a database, or no longer a sound one."""

    hint = "Restore it from a backup, or move it away: images are pulled again without moving blobs that are kept."

    def _sentence(self, database: str) -> str:
        return f"{database} is damaged"


class DatabaseFull(_WithoutReason, NoRoom):
    """No room on its disk."""

    hint = "Free a little space on that disk; then content that no image needs can be removed."
    command = "Free a little space on that disk; then `lading gc` removes content that no image needs."

    def _sentence(self, database: str) -> str:
        return f"there is no room for {database}"


class DatabaseBusy(_WithoutReason, Unavailable):
    """Another process kept it locked for longer than we wait."""

    hint = "Try again in a few seconds: another process writes to it for very long."
    command = "Another process is writing to it for very long: end it, or try again."

    def _sentence(self, database: str) -> str:
        return f"{database} stayed locked by another process"


class DatabaseCrowded(DatabaseBusy):
    """No connection of this process's became free for as long as we wait."""

    hint = command = Unavailable.hint

    def _sentence(self, database: str) -> str:
        return f"every connection to {database} stayed in use"


class DatabaseContended(DatabaseBusy):
    """What others wrote in the same moment came before it."""

    hint = command = Unavailable.hint

    def _sentence(self, database: str) -> str:
        return f"others wrote to {database} in the same moment"


class DatabaseUnwritable(DatabaseFailed):
    """The file or its folder may not be opened or written by this user."""

    hint = "Check who owns the data folder, or choose another one."
    command = "Check who owns the data folder, or choose another one with --data."

    def _sentence(self, database: str) -> str:
        return f"cannot open {database}"


class DatabaseNewer(_WithoutReason):
    """A newer Lading has been here: its tables mean more than this program knows."""

    hint = "Use the newer Lading that wrote it, or give this one a data folder of its own."
    command = "Use the newer Lading that wrote it, or give this one a data folder of its own with --data."

    def __init__(self, place: Place, found: int, known: int) -> None:
        super().__init__(place, f"version {found} is newer than {known}")
        self.found, self.known = found, known

    def _sentence(self, database: str) -> str:
        return f"{database} has version {self.found}; this Lading knows versions up to {self.known}"


class DatabaseOutgrown(DatabaseNewer, Unavailable):
    """It became too new under a program that runs, and takes nothing more of it: another server may know more."""

    hint = "Try again: a newer server answers. This one is to be replaced by the Lading that wrote these tables."
    command = DatabaseNewer.command


class DatabaseForeign(_WithoutReason):
    """A sound database with tables that are not ours."""

    hint = "Choose another data folder."
    command = "Choose another data folder with --data."

    def __init__(self, place: Place) -> None:
        super().__init__(place, "not Lading's")

    def _sentence(self, database: str) -> str:
        return f"{database} is another program's"


class DatabaseOnNetwork(_WithoutReason):
    """Its folder is on another machine's disk, where SQLite's locks and shared memory do not hold."""

    hint = "Choose a data folder on a local disk."
    command = "Choose a data folder on a local disk with --data."

    def __init__(self, place: Place, file_system: str) -> None:
        super().__init__(place, f"on {file_system}")
        self.file_system = file_system

    def _sentence(self, database: str) -> str:
        return f"{database} would be on a network file system ({self.file_system}), which can destroy it"


class DatabaseUnreachable(DatabaseFailed, Unreachable):
    """A PostgreSQL that does not let us in, or whose address is none."""

    hint = "Check that PostgreSQL runs, and the address, name and password in the database's URL."

    def _sentence(self, database: str) -> str:
        return f"cannot reach {database}"


class DatabaseAway(DatabaseUnreachable, Unavailable):
    """No PostgreSQL answers there, or it starts, stops, or has no connection left."""

    hint = Unavailable.hint
    command = DatabaseUnreachable.hint


class DatabaseNotUnicode(_WithoutReason):
    """A PostgreSQL database in which not every text fits."""

    hint = "Make it with the encoding UTF8: CREATE DATABASE lading ENCODING 'UTF8' TEMPLATE template0."

    def __init__(self, place: Place, encoding: str) -> None:
        super().__init__(place, f"its encoding is {encoding}")
        self.encoding = encoding

    def _sentence(self, database: str) -> str:
        return f"{database} has the encoding {self.encoding}"


class MigrationFailed(DatabaseFailed):
    """It could not be brought to our version and is as it was before."""

    hint = "Nothing was changed: the Lading that wrote it can still use it. Please report this."

    def __init__(self, place: Place, found: int, wanted: int, reason: str) -> None:
        super().__init__(place, reason)
        self.found, self.wanted = found, wanted

    def _sentence(self, database: str) -> str:
        return f"{database} could not be migrated from version {self.found} to {self.wanted}"


_LEAVES: dict[int, type[DatabaseFailed]] = {
    sqlite3.SQLITE_IOERR_SHMSIZE: DatabaseFull,  # the file of the write-ahead log's shared memory cannot grow
    sqlite3.SQLITE_PERM: DatabaseUnwritable,
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
    sqlite3.SQLITE_READONLY: DatabaseUnwritable,
    sqlite3.SQLITE_CORRUPT: DatabaseCorrupt,
    sqlite3.SQLITE_FULL: DatabaseFull,
    sqlite3.SQLITE_CANTOPEN: DatabaseUnwritable,
    sqlite3.SQLITE_AUTH: DatabaseUnwritable,
    sqlite3.SQLITE_NOTADB: DatabaseCorrupt,
}
"""By extended or else by primary result code; every other one is plain DatabaseFailed (sqlite.org/rescode.html)."""


def translated(error: sqlite3.Error, place: Place) -> DatabaseFailed:
    """Ours for what SQLite said of `place`; chosen by its result code, whose low eight bits are the primary one."""
    code = getattr(error, "sqlite_errorcode", 0)
    leaf = _LEAVES.get(code) or _LEAVES.get(code & 0xFF, DatabaseFailed)
    return leaf(place, str(error))


def not_noted(_error: DatabaseFailed) -> None:
    """Whoever asked is told, and nobody else."""


@contextmanager
def translating(path: Path, noted: Callable[[DatabaseFailed], None] = not_noted) -> Iterator[None]:
    """Inside, errors of SQLite and the operating system come out as ours; `noted` hears of what SQLite said.

    A broken constraint, a value that is none, or a statement that does not fit the tables, is our own mistake and
    passes as it is.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError):
        raise
    except sqlite3.Error as error:
        ours = translated(error, path)
        noted(ours)
        raise ours from error
    except OSError as error:
        raise DatabaseUnwritable(path, error.strerror or str(error)) from error
