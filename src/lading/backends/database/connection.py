"""Transactions on the database through the standard library's sqlite3: short, from any thread, never across I/O."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock, Semaphore
from typing import Any, Protocol

from lading.backends.database.database_file import check_version, connect
from lading.backends.database.failures import DatabaseFailed, not_noted, translating
from lading.backends.database.prepare import opened

LIMIT = 4
"""The most connections of one process: readers beside the one writer that SQLite lets in."""


class Answer(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> Sequence[Any]: ...


class Statements(Protocol):
    """One transaction. Parameters are question marks."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Answer: ...
    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> object: ...


class CatalogueConnections(Protocol):
    """What the catalogue needs of a database: these here, or PostgreSQL's (postgres_catalogue)."""

    def reading(self) -> AbstractContextManager[Statements]:
        """One snapshot."""

    def writing(self, *, durable: bool = True) -> AbstractContextManager[Statements]:
        """Alone with the tables."""

    def close(self) -> None:
        """Harmless twice."""


class Connections:
    """A few connections to one database, opened when first needed and lent for one transaction each.

    Writers of this process queue here, in order, rather than by SQLite's sleeping and trying again. Every method raises
    DatabaseFailed.
    """

    def __init__(
        self,
        path: Path,
        queue: AbstractContextManager[object] | None = None,
        noted: Callable[[DatabaseFailed], None] = not_noted,
    ) -> None:
        """`queue` is where other writers of this process wait as well, if there are any; `noted` is that of
        `translating`."""
        self.path, self._noted = path, noted
        self._writing = queue or Lock()
        self._readers = Semaphore(LIMIT - 1)
        self._changing = Lock()
        self._idle: list[sqlite3.Connection] = []
        self._prepared = False
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One snapshot, which other processes' writes neither change nor delay."""
        with (
            translating(self.path, self._noted),
            self._readers,
            self._lent() as connection,
            _transaction(connection, "BEGIN"),
        ):
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Alone with the tables: all of it is kept when this ends well, none of it otherwise.

        What is not `durable` survives the end of the process but perhaps not a power cut: right for hints, whose loss
        costs time alone. Raises DatabaseNewer where the tables were migrated under us meanwhile.

        The one whose turn it is finds a connection at once. Where it waited for readers to give one back, 200 pulls
        that began together kept all other writers waiting for up to 1.8 s.
        """
        with translating(self.path, self._noted), self._writing, self._lent() as connection:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            with _transaction(connection, "BEGIN IMMEDIATE"):
                check_version(connection, self.path)
                yield connection

    def close(self) -> None:
        """Those in use are closed when they come back. Nothing can be asked after; harmless twice."""
        with self._changing:
            self._closed = True
            idle, self._idle = self._idle, []
        with translating(self.path):
            for connection in idle:
                connection.close()

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def _take(self) -> sqlite3.Connection:
        with self._changing:
            if self._closed:
                raise ValueError(f"the database {self.path} is closed")
            if self._idle:
                return self._idle.pop()
            if not self._prepared:
                connection = opened(self.path)
                self._prepared = True
                return connection
        return connect(self.path)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._changing:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite ends the transaction by itself where a disk is full or broken.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
