"""The job queue of one process: a thread for each job that runs, none for those that wait.

    waiting, in order ──▶ running, at most `in_all`, and `per_environment` of one environment

A job whose environment is full is passed by those behind it; within one environment the order holds. What waits is in
the database too: nothing here outlives the process, or needs to.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger("lading.jobs")


@dataclass(frozen=True, slots=True)
class _Waiting:
    name: str
    environment: int | None
    run: Callable[[], None]


class ThreadQueue:
    """Fulfils services.job_running.JobQueue. Its threads end with what they run; `join` waits for that."""

    def __init__(self, in_all: int, per_environment: int) -> None:
        """Both at least 1. What is in no environment counts as one of its own."""
        self._in_all, self._per_environment = in_all, per_environment
        self._changed = threading.Condition()
        self._waiting: dict[str, _Waiting] = {}
        self._running: Counter[int | None] = Counter()
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many have begun and not ended."""
        return self._running.total()

    def put(self, name: str, environment: int | None, run: Callable[[], None]) -> None:
        """At the end of the line, or at once where there is room."""
        with self._changed:
            self._waiting[name] = _Waiting(name, environment, run)
            due = self._take()
        self._start(due)

    def withdraw(self, name: str) -> bool:
        """Whether it was still waiting; it is not any more."""
        with self._changed:
            return self._waiting.pop(name, None) is not None

    def close(self) -> None:
        """Forget what waits: it never begins here."""
        with self._changed:
            self._closed = True
            self._waiting.clear()

    def join(self, seconds: float) -> bool:
        """Whether all that had begun has ended after so many seconds at most."""
        until = time.monotonic() + seconds
        with self._changed:
            while self._running.total():
                if not self._changed.wait(until - time.monotonic()):
                    return not self._running.total()
        return True

    def _take(self) -> Sequence[_Waiting]:
        """Those that may begin now, counted as running."""
        due = []
        for job in list(self._waiting.values()):
            if self._closed or self._running.total() >= self._in_all:
                break
            if self._running[job.environment] < self._per_environment:
                del self._waiting[job.name]
                self._running[job.environment] += 1
                due.append(job)
        return due

    def _start(self, due: Sequence[_Waiting]) -> None:
        for job in due:
            threading.Thread(target=self._run, args=[job], name=f"job {job.name}", daemon=True).start()

    def _run(self, job: _Waiting) -> None:
        try:
            job.run()
        except Exception:
            log.exception("job %s ended its thread", job.name)
        with self._changed:
            self._running[job.environment] -= 1
            due = self._take()
            self._changed.notify_all()
        self._start(due)
