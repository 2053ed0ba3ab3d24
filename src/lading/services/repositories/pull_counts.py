"""How often what was asked for, and when last: counted in memory, and written a few seconds later.

A pull is a GET of a manifest. It counts for the manifest, and by tag for the tag; HEAD counts for nothing, as whoever
watches a registry asks so. Docker and containerd ask for the digest of a tag by HEAD and then for the manifest by that
digest: such a pull is the manifest's alone.

Nobody who pulls waits for a row. A crash loses what was not written yet, and nothing else. What is remembered of the
rows is looked up anew after each write (services.changes), so there is one only every so often, and none where nothing
was pulled.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from lading.errors import StorageFailed
from lading.oci.digest import Digest

log = logging.getLogger("lading.pulls")

WRITTEN_SECONDS = 5.0
MOST_WAITING = 100_000
"""Names that wait to be written: where the database does not take them, what is new goes uncounted."""


class Pulled(NamedTuple):
    """What was asked for: the manifest, and the tag that it was asked by, if it was."""

    repository: str
    digest: Digest
    tag: str | None


@dataclass(frozen=True, slots=True)
class Pulls:
    """So many, the last of them `at`, in seconds since 1970."""

    count: int
    at: float


class PullRecords(Protocol):
    """The rows that keep the counts."""

    def count_pulls(self, pulls: Mapping[Pulled, Pulls]) -> None:
        """Adds them, in one transaction, to what is still there and named so. Raises StorageFailed."""


class PullCounts:
    """For any number of threads: `begin` has them written from time to time, `stop` writes the last."""

    def __init__(self, records: PullRecords, clock: Callable[[], float]) -> None:
        """`clock` tells seconds since 1970."""
        self._records, self._clock = records, clock
        self._lock, self._over = threading.Lock(), threading.Event()
        self._told: deque[Pulled] = deque()
        self._waiting: Counter[Pulled] = Counter()
        self._thread: threading.Thread | None = None

    def add(self, repository: str, reference: str | Digest, digest: Digest) -> None:
        """Somebody was given this manifest, by tag or digest. Without a lock, for which all who pull would queue."""
        self._told.append(Pulled(repository, digest, None if isinstance(reference, Digest) else reference))

    def write(self) -> None:
        """What was counted since; it waits on where it cannot be written. Raises StorageFailed."""
        with self._lock:
            self._count()
            counted, self._waiting = self._waiting, Counter()
        if not counted:
            return
        now = self._clock()
        try:
            self._records.count_pulls({pulled: Pulls(count, now) for pulled, count in counted.items()})
        except StorageFailed:
            self._take_back(counted)
            raise

    def begin(self) -> None:
        """On a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="pull counts", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Harmless twice."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._write_or_tell()

    def _run(self) -> None:
        while not self._over.wait(WRITTEN_SECONDS):
            self._write_or_tell()

    def _write_or_tell(self) -> None:
        try:
            self.write()
        except StorageFailed as error:
            log.error("pulls cannot be counted, and are written later: %s", error)  # noqa: TRY400  it says it all
        except Exception:
            log.exception("pulls were not counted")

    def _take_back(self, counted: Mapping[Pulled, int]) -> None:
        with self._lock:
            for pulled, count in counted.items():
                self._wait(pulled, count)

    def _count(self) -> None:
        """With the lock: those who were told of so far; others are told of meanwhile."""
        for _ in range(len(self._told)):
            self._wait(self._told.popleft(), 1)

    def _wait(self, pulled: Pulled, count: int) -> None:
        """With the lock."""
        if pulled in self._waiting or len(self._waiting) < MOST_WAITING:
            self._waiting[pulled] += count
