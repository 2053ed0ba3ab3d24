"""Transactions by SQLAlchemy, on SQLite and on PostgreSQL: short, from any thread, never across I/O.

    SQLite       one writer at a time, whatever it writes; a reader has a snapshot
    PostgreSQL   writers of one noun take turns (Turn) or lock rows; a reader has a snapshot (REPEATABLE READ)

So a transaction that reads and then writes sees what is true when it is kept, on both, and fails on neither because of
another one (a deadlock, which lock order avoids, is tried again).
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import IntEnum
from typing import TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from lading.backends.database.engine import READONLY
from lading.backends.database.failures import (
    DatabaseBusy,
    DatabaseContended,
    DatabaseCrowded,
    DatabaseFailed,
    DatabaseOutgrown,
    Place,
    translated,
)
from lading.backends.database.writer_queue import WriterQueue
from lading.errors import Unavailable
from lading.services.outages import Outage
from lading.services.wakes import spelt

log = logging.getLogger("lading.outages")

T = TypeVar("T")

ATTEMPTS = 3
"""How often a transaction is begun where the database says that another one is in its way."""

LADING = 0x4C616469
"""Ours among the advisory locks of a PostgreSQL database that other programs share: "Ladi" in ASCII."""


_ALONE = text("SELECT pg_advisory_xact_lock(:lading, :turn)")
_TOGETHER = text("SELECT pg_advisory_xact_lock_shared(:lading, :turn)")

CHANNEL = "lading"
"""Of PostgreSQL's notifications."""

NOTIFY = text("SELECT pg_notify(:channel, topic) FROM unnest(CAST(:topics AS text[])) AS topic")

_TOPICS = "topics"
"""Where a connection has what is to be told after its commit."""

Translate = Callable[[DBAPIError, Place], DatabaseFailed | None]
"""Ours for an error of the database's; None for a broken constraint or a statement that does not fit."""


class Turn(IntEnum):
    """Nouns whose writers take turns on PostgreSQL: the second key of an advisory lock."""

    SCHEMA = 1
    CATALOGUE = 2
    REPOSITORIES = 3
    PEOPLE = 4
    REGISTRIES = 5
    ENVIRONMENTS = 6
    JOBS = 7
    AUDIT = 8
    SETTINGS = 9
    SCANS = 10
    GATES = 11
    TRUST = 12
    CONTENT = 13


class Transactions:
    """On one database, through one pool. Every method raises DatabaseFailed, and what the work inside raises."""

    def __init__(
        self,
        engine: Engine,
        place: Place,
        translate: Translate | None = None,
        *,
        apart: Engine | None = None,
        outage: Outage | None = None,
    ) -> None:
        """`translate` None: SQLite's errors. `apart` is a second pool of the same database, for what must not wait
        until somebody gives a connection back; `outage` is that of others who use this database here."""
        self.engine, self.place = engine, place
        self.outage = outage or Outage(f"the database {place}", time.monotonic)
        self._outgrown = False
        self._apart = apart or engine
        self._translate = translate or _of_sqlite
        self.postgres = engine.dialect.name == "postgresql"
        # SQLite lets in one writer and has the others sleep and try again, in no order. Threads that queue here instead
        # wait at most 0.2 s where 64 write flat out, against 2.1 s. A database that locks by row needs none of it.
        queue = WriterQueue()
        self.queue: AbstractContextManager[object] = nullcontext() if self.postgres else queue
        self._hurrying: Callable[[], AbstractContextManager[object]] = nullcontext if self.postgres else queue.urgent
        readonly: dict[str, object] = {READONLY: True}
        if self.postgres:
            readonly |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._readers = engine.execution_options(**readonly)
        self._readers_apart = self._apart.execution_options(**readonly)
        self.committed: Callable[[], None] = _nobody_asks
        """Called after each commit, before anybody is told of it."""
        self.told: Callable[..., None] = _nobody_listens
        """Told topics after the commit, where the database tells nobody itself."""

    @contextmanager
    def reading(self, *, apart: bool = False) -> Iterator[Connection]:
        """One snapshot, which others' writes neither change nor delay."""
        readers = self._readers_apart if apart else self._readers
        with self.translating(), readers.connect() as connection:
            yield connection

    @contextmanager
    def writing(
        self, turn: Turn | None = None, *, together: bool = False, urgent: bool = False, apart: bool = False
    ) -> Iterator[Connection]:
        """All of it is kept when this ends well, none of it otherwise. `together`: beside others who say so as well,
        but not beside one who does not. `urgent`: before all who are not; on SQLite always `apart`, where one at a time
        writes and the others would wait for whoever it waits for."""
        queue = self._hurrying() if urgent else self.queue
        engine = self._apart if apart or (urgent and not self.postgres) else self.engine
        with self.translating(), queue, engine.connect() as connection:
            if turn is not None:
                self.take_turn(connection, turn, together=together)
            connection.info.pop(_TOPICS, None)
            yield connection
            if self.postgres and turn in _REMEMBERED:
                self.tell(connection, CHANGED)
            connection.commit()
            self.committed()
            topics = connection.info.pop(_TOPICS, ())
        if topics:  # outside the queue: others write meanwhile
            self.told(*topics)

    def written(
        self, work: Callable[[Connection], T], turn: Turn | None = None, *, together: bool = False, urgent: bool = False
    ) -> T:
        """What `work` gives, once its transaction is kept; it runs again where the database asks for that."""
        for _ in range(ATTEMPTS - 1):
            try:
                with self.writing(turn, together=together, urgent=urgent) as connection:
                    return work(connection)
            except DatabaseCrowded:
                raise  # nobody asks for another attempt, and this one has waited for long
            except DatabaseBusy:
                continue
        with self.writing(turn, together=together, urgent=urgent) as connection:
            return work(connection)

    def tell(self, connection: Connection, *topics: str) -> None:
        """Those who listen (services.wakes) are told once this transaction is kept, and only then.

        By PostgreSQL itself: a process that dies behind its commit takes no wake-up with it. Whoever commits one waits
        for the others who do, as for the audit trail's turn; what is told of is rare beside what is not. On SQLite we
        tell, and who listens looks twice a second whether there was more.
        """
        if self.postgres:
            connection.execute(NOTIFY, {"channel": CHANNEL, "topics": [spelt(topic) for topic in topics]})
        else:
            connection.info.setdefault(_TOPICS, []).extend(topics)

    def take_turn(self, connection: Connection, turn: Turn, *, together: bool = False) -> None:
        """Until the transaction ends; on SQLite it is its turn already."""
        if self.postgres:
            connection.execute(_TOGETHER if together else _ALONE, {"lading": LADING, "turn": turn.value})

    def close(self) -> None:
        """Closes every connection; harmless twice."""
        self.engine.dispose()
        self._apart.dispose()

    @contextmanager
    def translating(self) -> Iterator[None]:
        """As failures.translating, for what SQLAlchemy raises; a broken constraint is our own mistake and passes."""
        try:
            yield
        except DBAPIError as error:
            ours = self._translate(error, self.place)
            if ours is None:
                raise
            self.note(ours)
            raise ours from error
        except PoolExhausted as error:
            crowded = DatabaseCrowded(self.place, "no connection became free")
            self.note(crowded)
            raise crowded from error
        except DatabaseFailed as error:
            self.note(error)
            raise
        self.outage.answered()

    def note(self, error: DatabaseFailed) -> None:
        """Tells the log once of what every request meets; doors do not. What is `written` again is no news."""
        if isinstance(error, DatabaseOutgrown):
            if not self._outgrown:
                log.error("%s: nothing is written here any more", error)
            self._outgrown = True
        elif isinstance(error, DatabaseContended):
            log.debug("%s: %s", error, error.reason)
        elif isinstance(error, DatabaseBusy):
            self.outage.put_off(error)
        elif isinstance(error, Unavailable):
            self.outage.failed(error)


_REMEMBERED = frozenset({Turn.PEOPLE, Turn.SETTINGS, Turn.GATES, Turn.TRUST, Turn.ENVIRONMENTS, Turn.REGISTRIES})
"""Nouns of which processes remember what they read (services.changes): all hear of it with the commit. Who is locked
out is locked out everywhere, though the process that wrote so dies with its next breath."""

CHANGED = "changed"
"""What they hear."""


def _nobody_asks() -> None:
    """Nobody remembers what was read."""


def _nobody_listens(*topics: str) -> None:
    """Nobody is told of anything."""


def _of_sqlite(error: DBAPIError, place: Place) -> DatabaseFailed | None:
    if isinstance(error.orig, sqlite3.Error) and not isinstance(error, IntegrityError | ProgrammingError | DataError):
        return translated(error.orig, place)
    return None
