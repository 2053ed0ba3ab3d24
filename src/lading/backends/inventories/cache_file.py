"""The file under the inventory cache: opened when first used, made where it is missing, replaced where it is damaged.

It keeps a journal beside it only while somebody writes (no WAL: there are few writers, and the file may then be on any
disk, and be removed at any time). Nothing here ever fails: what cannot be done is not done, and told to the log once.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

log = logging.getLogger("lading.inventory")

T = TypeVar("T")

BUSY_SECONDS = 10.0
_PRIVATE_FILE = 0o600
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SIDES = ("", "-journal")


class CacheFile:
    """Any number of processes may have one of the same file; one connection serves all threads of this process."""

    def __init__(self, path: Path, form: int, tables: Sequence[str]) -> None:
        """`tables` are the statements that make them. A file whose tables are of another `form` is emptied."""
        self._path, self._form, self._tables = path, form, tuple(tables)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._complained = False

    def read(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What `work` answers, or `otherwise` where the file does not let it."""
        with self._lock:
            for last in (False, True):
                try:
                    return work(self._connected())
                except (sqlite3.Error, OSError) as error:
                    if not self._worth_another(error) or last:
                        self._complain(error)
                        return otherwise
        return otherwise

    def write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """All of `work`, or nothing of it."""

        def changing(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            try:
                work(connection)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

        self.read(changing, None)

    def close(self) -> None:
        """Harmless twice; the next use opens it again."""
        with self._lock:
            self._disconnect()

    # ── the connection

    def _connected(self) -> sqlite3.Connection:
        """To the file that is at the path now: another may have replaced the one we had."""
        if self._connection is not None and self._file == self._there():
            return self._connection
        self._disconnect()
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE))
        self._file = self._there()
        self._connection = sqlite3.connect(self._path, BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._prepare(self._connection)
        return self._connection

    def _there(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if self._is_ours(connection):
            return
        connection.execute(
            "PRAGMA auto_vacuum = FULL"
        )  # before there are tables: what is forgotten gives its room back
        connection.execute("BEGIN IMMEDIATE")
        if not self._is_ours(connection):
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                connection.execute(f'DROP TABLE "{name}"')
            for statement in self._tables:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self._form}")
        connection.execute("COMMIT")

    def _is_ours(self, connection: sqlite3.Connection) -> bool:
        return bool(connection.execute("PRAGMA user_version").fetchone()[0] == self._form)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    # ── when it does not work

    def _worth_another(self, error: sqlite3.Error | OSError) -> bool:
        """Removes a damaged file, unless somebody has replaced it meanwhile."""
        damaged = isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED
        self._disconnect()
        if damaged and self._file == self._there():
            log.warning("the inventory cache %s is damaged and is made anew: %s", self._path, error)
            for side in _SIDES:
                with suppress(OSError):
                    Path(f"{self._path}{side}").unlink()
        return damaged

    def _complain(self, error: sqlite3.Error | OSError) -> None:
        if not self._complained:
            self._complained = True
            log.warning("the inventory cache %s cannot be used, and layers are read again: %s", self._path, error)
