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
    """What of this process is handed over, and when it was; for any number of threads."""

    def __init__(self, dispatch: Dispatch, clock: Callable[[], float]) -> None:
        """`clock` never goes back."""
        self._dispatch, self._clock = dispatch, clock
        self._lock = threading.Lock()
        self._lately: dict[tuple[str, int], float] = {}

    def handed(self, job: Job) -> bool:
        """Whether it is somebody else's to begin. What was handed over lately waits for room; what cannot be handed
        over now is found again by whoever looks for what is left."""
        if self._was(job):
            return True
        try:
            handed = self._dispatch.dispatch(job)
        except LadingError as error:
            log.warning("job %s cannot be handed over, and is again: %s", job.id, error)
            return True
        if handed:
            with self._lock:
                self._lately.pop((job.id, job.run), None)
                self._lately[job.id, job.run] = self._clock()
        return handed

    def _was(self, job: Job) -> bool:
        """Lately, and nobody has begun it since; what was not is forgotten, the longest ago first."""
        now = self._clock()
        with self._lock:
            while self._lately and now - next(iter(self._lately.values())) >= AGAIN_SECONDS:
                del self._lately[next(iter(self._lately))]
            return (job.id, job.run) in self._lately


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
