"""Turns of processes that share a database and no disk: named locks as rows, and a gate by an advisory lock.

    lock       a row (name, owner, until, note), until by the database's own clock; renewed every RENEW_SECONDS while it
               is held, and anybody's once `until` has passed: its process died, or was frozen. One with a note stays
               when it is let go of, and is nobody's
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
from typing import Any, Protocol  # what a row holds, its columns say

from sqlalchemy import ColumnElement, Connection, Row, delete, literal, select, update

from lading.backends.database.database_clock import DatabaseNow
from lading.backends.database.failures import DatabaseFailed
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.turn_tables import named_lock as locks
from lading.backends.database.upsert import add, put_where

LOCK_SECONDS = 20.0
"""How long a lock stands without being renewed."""

RENEW_SECONDS = 5.0

KEPT_SECONDS = 60 * 60.0
"""How long the row of a lock that is over may stay, where it has no note."""

NOBODY = ""
"""The owner of a lock that was let go of and has a note; `until` is when. Programs of tables 9, which know no notes,
drop what was let go of an hour ago."""

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

        def take(connection: Connection) -> Row[Any] | None:
            row = {"name": name, "owner": owner, "until": DatabaseNow() + literal(LOCK_SECONDS)}
            taken = put_where(connection, locks, row, locks.c.until < DatabaseNow())
            return connection.execute(taken.returning(locks.c.owner, locks.c.note)).first()

        taken = self._transactions.written(take)
        if taken is None or taken.owner != owner:
            return None
        found = DatabaseLock(self, name, owner, taken.note, until=asked + LOCK_SECONDS)
        with self._lock:
            self._held[owner] = found
            if self._thread is None and not self._over.is_set():
                self._thread = threading.Thread(target=self._run, name="locks", daemon=True)
                self._thread.start()
        return found

    def now(self) -> float:
        """By our own clock."""
        return self._clock()

    def begin(self, name: str, note: str) -> bool:
        """Raises DatabaseFailed."""
        row = {"name": name, "owner": NOBODY, "until": DatabaseNow(), "note": note}

        def make(connection: Connection) -> bool:
            made = add(connection, locks).values(row).returning(locks.c.name)
            return connection.execute(made).first() is not None

        return self._transactions.written(make)

    def note(self, name: str) -> str | None:
        """Raises DatabaseFailed."""
        with self._transactions.reading() as connection:
            return connection.scalar(select(locks.c.note).where(locks.c.name == name))

    def drop(self, name: str) -> bool:
        """Raises DatabaseFailed."""
        gone = delete(locks).where(locks.c.name == name)
        return self._transactions.written(lambda connection: connection.execute(gone).rowcount > 0)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Raises DatabaseFailed, also at the end: whoever lost the connection lost the gate with it. Nothing is written
        there, so nothing is committed."""
        with self._gates.reading() as connection:
            self._gates.take_turn(connection, Turn.CONTENT, together=True)
            yield
            connection.rollback()

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
        ours = locks.c.name.in_([each.name for each in held.values()]) & locks.c.owner.in_(list(held))
        renewed = update(locks).where(ours).values(until=until).returning(locks.c.owner)
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

    def owns(self, lock: DatabaseLock) -> bool:
        """Whether it is still ours: asked now. Raises DatabaseFailed."""
        standing = select(locks.c.name).where(_row_of(lock), locks.c.until > DatabaseNow())
        with self._transactions.reading() as connection:
            return connection.execute(standing).first() is not None

    def keep(self, lock: DatabaseLock, note: str) -> bool:
        """As Lock.keep. Raises DatabaseFailed."""
        kept = update(locks).where(_row_of(lock)).values(note=note)
        return self._transactions.written(lambda connection: connection.execute(kept).rowcount > 0)

    def leave(self, lock: DatabaseLock, note: str) -> bool:
        """As Lock.leave. Raises DatabaseFailed."""
        self._forget(lock)
        left = update(locks).where(_row_of(lock)).values(owner=NOBODY, until=DatabaseNow(), note=note)
        return self._transactions.written(lambda connection: connection.execute(left).rowcount > 0)

    def end(self, lock: DatabaseLock) -> None:
        """As Lock.end. Raises DatabaseFailed: then it is over a little later, and its note stays."""
        if self._forget(lock):
            gone = delete(locks).where(_row_of(lock))
            self._transactions.written(lambda connection: connection.execute(gone))

    def let_go(self, lock: DatabaseLock) -> None:
        """As Lock.release, for one with a note. Raises DatabaseFailed: then it is over a little later."""
        if self._forget(lock):
            freed = update(locks).where(_row_of(lock)).values(owner=NOBODY, until=DatabaseNow())
            self._transactions.written(lambda connection: connection.execute(freed))

    def _forget(self, lock: DatabaseLock) -> bool:
        with self._lock:
            return self._held.pop(lock.owner, None) is not None

    def _run(self) -> None:
        self._sweep()
        while not self._over.wait(self._every):
            try:
                self.renew()
            except DatabaseFailed as error:
                log.warning("locks could not be renewed, and are tried again: %s", error)

    def _sweep(self) -> None:
        """Locks of processes that died go with the next one's first: hardly anybody claims the same names again."""
        over = locks.c.until < DatabaseNow() - literal(KEPT_SECONDS)
        long_over = delete(locks).where(over, locks.c.note.is_(None))
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
        standing = select(locks.c.name).where(locks.c.owner == lock.owner, locks.c.until > DatabaseNow())
        return self._connection.execute(standing).first() is not None


def _row_of(lock: DatabaseLock) -> ColumnElement[bool]:
    """While it is ours; found by its name, as there may be very many."""
    return (locks.c.name == lock.name) & (locks.c.owner == lock.owner)


class DatabaseLock:
    """Fulfils Lock."""

    def __init__(self, turns: DatabaseTurns, name: str, owner: str, note: str | None, *, until: float) -> None:
        self._turns, self.name, self.owner, self.note = turns, name, owner, note
        self.until = until
        """Until when it surely stands, by our own clock."""

    @property
    def stands(self) -> bool:
        """False as soon as somebody else may have it."""
        return self._turns.now() < self.until

    def ours(self) -> bool:
        """Raises DatabaseFailed."""
        return self._turns.owns(self)

    def keep(self, note: str) -> bool:
        """Raises DatabaseFailed."""
        self.note = note
        return self._turns.keep(self, note)

    def leave(self, note: str) -> bool:
        """Raises DatabaseFailed."""
        self.until = 0.0
        return self._turns.leave(self, note)

    def end(self) -> None:
        """Harmless twice. Raises DatabaseFailed."""
        self.until = 0.0
        self._turns.end(self)

    def release(self) -> None:
        """Harmless twice. Where the database is away it is over a little later."""
        self.until = 0.0
        with suppress(DatabaseFailed):
            if self.note is None:
                self._turns.end(self)
            else:
                self._turns.let_go(self)
