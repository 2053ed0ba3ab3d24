"""Turns of processes that share a database and no disk: named locks as rows, and a gate by an advisory lock.

    lock       a row (name, owner, until), until by the database's own clock; renewed every RENEW_SECONDS while it is
               held, and anybody's once `until` has passed: its process died, or was frozen
    gate       shared or exclusive for one transaction, which writes nothing

Fulfils backends.content_store.objects.turns.Turns, which no backend may import from another.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from sqlalchemy import Connection, delete, literal, select, update

from lading.backends.database.database_clock import DatabaseNow
from lading.backends.database.failures import DatabaseFailed
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.turn_tables import named_lock as locks
from lading.backends.database.upsert import put_where

LOCK_SECONDS = 20.0
"""How long a lock stands without being renewed."""

RENEW_SECONDS = 5.0

KEPT_SECONDS = 60 * 60.0
"""How long the row of a lock that is over may stay."""

GATES = 16
"""Who may be in the gate at once, of one process."""

log = logging.getLogger("lading.turns")


class DatabaseTurns:
    """For any thread. `close` lets go of what is still claimed."""

    def __init__(
        self,
        transactions: Transactions,
        gates: Transactions,
        clock: Callable[[], float] = time.monotonic,
        *,
        every: float = RENEW_SECONDS,
    ) -> None:
        """`gates` has connections of its own: who is in the gate holds one while it asks the database for more.
        `clock` tells seconds, never back. `every` so many seconds what is held is renewed."""
        self._transactions, self._gates, self._clock, self._every = transactions, gates, clock, every
        self._lock = threading.Lock()
        self._held: dict[str, DatabaseLock] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def claim(self, name: str) -> DatabaseLock | None:
        """None where somebody else has it. Raises DatabaseFailed."""
        owner, asked = secrets.token_hex(16), self._clock()

        def take(connection: Connection) -> bool:
            row = {"name": name, "owner": owner, "until": DatabaseNow() + literal(LOCK_SECONDS)}
            taken = put_where(connection, locks, row, locks.c.until < DatabaseNow())
            return connection.execute(taken.returning(locks.c.owner)).scalar() == owner

        if not self._transactions.written(take):
            return None
        found = DatabaseLock(name, owner, asked + LOCK_SECONDS, self._clock, self._let_go)
        with self._lock:
            self._held[owner] = found
            if self._thread is None and not self._over.is_set():
                self._thread = threading.Thread(target=self._run, name="locks", daemon=True)
                self._thread.start()
        return found

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Raises DatabaseFailed."""
        with self._gates.writing(Turn.CONTENT, together=True):
            yield

    @contextmanager
    def exclusive(self) -> Iterator[DatabaseGate]:
        """Raises DatabaseFailed."""
        with self._gates.writing(Turn.CONTENT) as connection:
            yield DatabaseGate(connection)

    def renew(self) -> None:
        """Say that this process still has its locks, and give up those it has no more. Raises DatabaseFailed."""
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        asked = self._clock()
        until = DatabaseNow() + literal(LOCK_SECONDS)
        renewed = update(locks).where(locks.c.owner.in_(list(held))).values(until=until).returning(locks.c.owner)
        owners = self._transactions.written(lambda connection: set(connection.execute(renewed).scalars()))
        with self._lock:
            for owner, each in held.items():
                each.until = asked + LOCK_SECONDS if owner in owners and owner in self._held else 0.0

    def close(self) -> None:
        """Harmless twice."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for each in tuple(self._held.values()):
            each.release()
        self._gates.close()

    def _let_go(self, owner: str) -> None:
        with self._lock:
            if self._held.pop(owner, None) is None:
                return
        with suppress(DatabaseFailed):  # then it is over a little later
            self._transactions.written(
                lambda connection: connection.execute(delete(locks).where(locks.c.owner == owner))
            )

    def _run(self) -> None:
        self._sweep()
        while not self._over.wait(self._every):
            try:
                self.renew()
            except DatabaseFailed as error:
                log.warning("locks could not be renewed, and are tried again: %s", error)

    def _sweep(self) -> None:
        """Locks of processes that died go with the next one's first: hardly anybody claims the same names again."""
        long_over = delete(locks).where(locks.c.until < DatabaseNow() - literal(KEPT_SECONDS))
        with suppress(DatabaseFailed):
            self._transactions.written(lambda connection: connection.execute(long_over))


class Owned(Protocol):
    """A lock of ours."""

    @property
    def owner(self) -> str:
        """As its row has it."""


class DatabaseGate:
    """Fulfils Alone: as long as this connection answers, its transaction has the lock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def has(self, lock: Owned) -> bool:
        """Raises DatabaseFailed."""
        ours = select(locks.c.name).where(locks.c.owner == lock.owner, locks.c.until > DatabaseNow())
        return self._connection.execute(ours).first() is not None


class DatabaseLock:
    """Fulfils Lock."""

    def __init__(
        self, name: str, owner: str, until: float, clock: Callable[[], float], let_go: Callable[[str], None]
    ) -> None:
        self.name, self.owner, self._clock, self._let_go = name, owner, clock, let_go
        self.until = until
        """Until when it surely stands, by our own clock."""

    @property
    def stands(self) -> bool:
        """False as soon as somebody else may have it."""
        return self._clock() < self.until

    def release(self) -> None:
        """Harmless twice."""
        self.until = 0.0
        self._let_go(self.owner)
