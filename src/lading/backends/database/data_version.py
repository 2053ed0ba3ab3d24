"""Whether anybody has committed to the SQLite database since.

What this process commits counts at once: Transactions says so before anybody is told of it. Other processes' commits
are asked for (`PRAGMA data_version`), at most every `LOOK_SECONDS`: thousands of requests a second would queue for the
one connection, and lose the interpreter at each question; of 4,400 answers a second it took a fifth of the time.

The index file that SQLite shares between processes says the same, but must not be opened here: closing it would drop
the locks of every other connection of this process (sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from itertools import count
from pathlib import Path

from lading.backends.database.database_file import connect
from lading.backends.database.failures import translating

LOOK_SECONDS = 0.0005
LATE_SECONDS = 0.002
"""How late another process's commit may be seen: less than it takes to tell somebody of it who then asks us."""


class DataVersion:
    """Fulfils services.changes.Changes for the database at `path`, with a connection of its own, which never writes."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises DatabaseFailed."""
        self._path, self._clock, self._lock = path, clock, threading.Lock()
        with translating(path):
            self._connection = connect(path)
            self._version = self._ask()
        self._asked = clock()
        self._commits = count(1)
        self._own = 0

    at_once = True

    def stamp(self) -> Hashable:
        """Raises DatabaseFailed."""
        age = self._clock() - self._asked
        if age >= LOOK_SECONDS and self._lock.acquire(blocking=age >= LATE_SECONDS):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._own, self._version

    def committed(self) -> None:
        """This process has."""
        self._own = next(self._commits)

    def woken(self, topic: str | None) -> None:  # noqa: ARG002  any may be about what is remembered
        """Somebody may have."""
        self.committed()

    def close(self) -> None:
        """Harmless twice."""
        self._connection.close()

    def _look(self) -> None:
        """Unless somebody has while we waited."""
        now = self._clock()
        if now - self._asked >= LOOK_SECONDS:
            with translating(self._path):
                self._version, self._asked = self._ask(), now

    def _ask(self) -> int:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version
