"""The catalogue's transactions on PostgreSQL: the same statements, over the pool of the service.

Writers take turns, as SQLite's do: so a transaction that reads and then writes needs no second try.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult

from lading.backends.database.transactions import Transactions, Turn


class PostgresConnections:
    """Fulfils catalogue.CatalogueConnections. Every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @contextmanager
    def reading(self) -> Iterator[PostgresStatements]:
        """One snapshot."""
        with self._transactions.reading() as connection:
            yield PostgresStatements(connection)

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[PostgresStatements]:
        """All of it or nothing. What is not `durable` may be lost where PostgreSQL's machine loses power."""
        with self._transactions.writing(Turn.CATALOGUE) as connection:
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield PostgresStatements(connection)

    def close(self) -> None:
        """The pool is the service's, and stays open."""


class PostgresStatements:
    """Runs SQL whose parameters are question marks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> CursorResult[Any]:
        """One statement."""
        return self._connection.exec_driver_sql(_spelt(sql), tuple(parameters))

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """The statement for each of the rows."""
        if rows:
            self._connection.exec_driver_sql(_spelt(sql), [tuple(row) for row in rows])


def _spelt(sql: str) -> str:
    """None of the statements has a question mark or a percent sign in a literal."""
    return sql.replace("?", "%s")
