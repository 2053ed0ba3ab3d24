"""Wake-ups by PostgreSQL's LISTEN and NOTIFY, on one channel of the database; what is said is the topic alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
from psycopg import Connection

from lading.backends.database.failures import DatabaseFailed
from lading.backends.database.postgres_failures import translating_psycopg
from lading.backends.database.transactions import CHANNEL, NOTIFY, Transactions
from lading.services.wakes import Woken, spelt, told_safely

LOOK_SECONDS = 0.5
"""How long a listener that is to end may take, and how soon a lost connection is tried again."""


class PostgresWakes:
    """Fulfils services.wakes.Wakes. Who listens holds a connection of its own, beside the pool's."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def tell(self, *topics: str) -> None:
        """To everybody who listens now."""
        with suppress(DatabaseFailed), self._transactions.reading() as connection:
            connection.execute(NOTIFY, {"channel": CHANNEL, "topics": [spelt(topic) for topic in topics]})
            connection.commit()

    @contextmanager
    def listening(self, woken: Woken) -> Iterator[None]:
        """Raises DatabaseFailed."""
        connection, over = self._connected(), threading.Event()
        thread = threading.Thread(target=self._listen, args=(connection, over, woken), name="wakes")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _listen(self, connection: Connection, over: threading.Event, woken: Woken) -> None:
        while not over.is_set():
            with closing(connection), suppress(psycopg.Error):
                _follow(connection, over, woken)
            while not over.wait(LOOK_SECONDS):
                with suppress(DatabaseFailed):
                    connection = self._connected()
                    told_safely(woken, None)  # what was said meanwhile is lost
                    break

    def _connected(self) -> Connection:
        with self._transactions.translating(), translating_psycopg(self._transactions.place):
            lent = self._transactions.engine.raw_connection()
            connection = lent.driver_connection
            assert isinstance(connection, Connection)
            lent.detach()
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
        return connection


def _follow(connection: Connection, over: threading.Event, woken: Woken) -> None:
    """Until it is over. Raises psycopg.Error where the connection is lost."""
    while not over.is_set():
        for notice in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
            told_safely(woken, notice.payload)
