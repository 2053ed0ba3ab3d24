"""Whether anybody has committed to the SQLite database since.

What a process of ours commits counts at once, in this one and in all others: Transactions says so before anybody is
told of it, and the mark beside the database (commit_mark) carries it. Commits that left no mark are asked for (`PRAGMA
data_version`) every `LOOK_SECONDS`: those of a process that died in between, so that nobody was told of them, and those
of the catalogue, which are about leases and blobs. Nobody waits while another asks. Waiting cost a third of all answers
a second where 32 clients were busy: a thread that is woken with the lock in its hand waits for the interpreter, and
everybody else for the thread.

The index file that SQLite shares between processes says the same, but must not be opened here: closing it would drop
the locks of every other connection of this process (sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from itertools import count
from pathlib import Path

from lading.backends.database.commit_mark import CommitMark
from lading.backends.database.database_file import connect
from lading.backends.database.failures import DatabaseFailed, translating

log = logging.getLogger("lading.database")

LOOK_SECONDS = 0.02


class DataVersion:
    """Fulfils services.changes.Changes for the database at `path`, with a connection of its own, which never writes."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises DatabaseFailed."""
        self._path, self._clock, self._lock = path, clock, threading.Lock()
        with translating(path):
            self._connection = connect(path)
            self._version = self._ask()
        try:
            self._mark = CommitMark(path)
        except OSError as error:
            self._connection.close()
            raise DatabaseFailed(path, f"{path.name}-commits beside it: {error.strerror}") from error
        self._asked = clock()
        self._commits = count(1)
        self._own = 0

    at_once = True

    def stamp(self) -> Hashable:
        """Raises DatabaseFailed."""
        now = self._clock()
        if now - self._asked >= LOOK_SECONDS and self._lock.acquire(blocking=False):
            try:
                with translating(self._path):
                    self._version, self._asked = self._ask(), now
            finally:
                self._lock.release()
        return self._own, self._mark.now(), self._version

    def committed(self) -> None:
        """This process has; what cannot be told the others now, as on a full disk, they find when they look."""
        self._own = next(self._commits)
        try:
            self._mark.change()
        except OSError as error:
            log.warning("other processes hear of a commit %g s late: %s", LOOK_SECONDS, error.strerror)

    def woken(self, topic: str | None) -> None:  # noqa: ARG002  any may be about what is remembered
        """Somebody may have."""
        self._own = next(self._commits)

    def close(self) -> None:
        """Harmless twice."""
        self._connection.close()
        self._mark.close()

    def _ask(self) -> int:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version
