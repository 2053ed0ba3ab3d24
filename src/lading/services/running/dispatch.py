"""Jobs handed over to other processes, and those that were handed over to this one.

made, or found left behind ─▶ handed over ─▶ taken by some process ─▶ over for that process, whatever became of the job

A hand-over is no claim: what becomes of a job, its row alone says (services.jobs.records).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from lading.errors import LadingError
from lading.services.jobs.job import Job
from lading.services.jobs.records import Held, JobRecords

AGAIN_SECONDS = 60.0
"""How long a job that was handed over may wait for room before it is handed over again, in case that was lost."""

log = logging.getLogger("lading.jobs")


class Dispatch(Protocol):
    """Hands jobs over to whichever process takes them; for any thread."""

    def dispatch(self, job: Job) -> bool:
        """Whether somebody will look at it; again where it was handed over before does no harm. False: it is for this
        process. Raises StorageFailed."""


class NobodyElse:
    """Fulfils Dispatch where every process does the jobs that it makes or finds."""

    def dispatch(self, job: Job) -> bool:  # noqa: ARG002  whichever it is
        return False


class HandOver:
    """What of this process is handed over; for any number of threads."""

    def __init__(self, dispatch: Dispatch, records: JobRecords) -> None:
        self._dispatch, self._records = dispatch, records
        self._lock = threading.Lock()
        self._handed: list[Held] = []

    def handed(self, job: Job) -> bool:
        """Whether it is somebody else's to begin. What cannot be handed over now is found again by whoever looks for
        what is left."""
        try:
            handed = self._dispatch.dispatch(job)
        except LadingError as error:
            log.warning("job %s cannot be handed over, and is again: %s", job.id, error)
            return True
        if handed:
            with self._lock:
                self._handed.append(Held(job.id, job.run))
        return handed

    def settle(self) -> None:
        """What was handed over since the last time and waits for room is not left behind: one statement for all of it,
        and no process reads it again before AGAIN_SECONDS. Raises StorageFailed; then it is found, and handed over once
        more, which does no harm."""
        with self._lock:
            handed, self._handed = self._handed, []
        if handed:
            self._records.put_off(handed, AGAIN_SECONDS)


class Taken:
    """Jobs that were handed over to this process, perhaps more than once, each with who wants to know when it is over
    here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Callable[[], None]]] = {}

    def expect(self, job: str, over: Callable[[], None]) -> None:
        """Until `tell`, or `tell_all`."""
        with self._lock:
            self._waiting.setdefault(job, []).append(over)

    def tell(self, job: str) -> None:
        """It is over for this process. Harmless twice."""
        with self._lock:
            told = self._waiting.pop(job, [])
        for over in told:
            over()

    def tell_all(self) -> None:
        """This process begins nothing any more."""
        with self._lock:
            waiting = tuple(self._waiting)
        for job in waiting:
            self.tell(job)
