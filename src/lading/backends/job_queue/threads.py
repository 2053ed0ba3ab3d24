"""The job queue of one process: a thread for each job that runs, none for those that wait.

    waiting, in order ──▶ running, at most `in_all`, and so many of one environment

A job whose environment is full is passed by those behind it; within one environment the order holds. What waits is in
the database too: nothing here outlives the process, or needs to.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

log = logging.getLogger("lading.jobs")


@dataclass(frozen=True, slots=True)
class _Waiting:
    name: str
    environment: int | None
    run: Callable[[], None]


class ThreadQueue:
    """Fulfils services.running.runner.JobQueue. Its threads end with what they run; `join` waits for that."""

    def __init__(self, in_all: int, per_environment: int, but: Mapping[int, int] = MappingProxyType({})) -> None:
        """All at least 1. What is in no environment counts as one of its own; `but` has bounds of their own."""
        self._in_all, self._per_environment, self._but = in_all, per_environment, but
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
        """At the end of the line, or at once where there is room and the machine has a thread to give: else it is tried
        again whenever another ends, and at each `look`."""
        with self._changed:
            self._waiting[name] = _Waiting(name, environment, run)
        self.look()

    def look(self) -> None:
        """Begin what may begin now."""
        with self._changed:
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
            if self._running[job.environment] < self._bound(job.environment):
                del self._waiting[job.name]
                self._running[job.environment] += 1
                due.append(job)
        return due

    def _bound(self, environment: int | None) -> int:
        return self._per_environment if environment is None else self._but.get(environment, self._per_environment)

    def _start(self, due: Sequence[_Waiting]) -> None:
        for at, job in enumerate(due):
            try:
                threading.Thread(target=self._run, args=[job], name=f"job {job.name}", daemon=True).start()
            except RuntimeError as error:  # the machine has no thread to give
                log.warning("job %s waits, because it cannot be begun: %s", job.name, error)
                self._put_back(due[at:])
                return

    def _put_back(self, due: Sequence[_Waiting]) -> None:
        """Before all who wait, in their order."""
        with self._changed:
            self._running.subtract(job.environment for job in due)
            if not self._closed:
                self._waiting = {job.name: job for job in due} | self._waiting
            self._changed.notify_all()

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
