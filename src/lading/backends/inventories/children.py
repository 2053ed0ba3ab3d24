"""Child processes that read hostile layers: started when needed, used again, ended when idle; never more than a few.

none ──lent──> busy ──a layer was read──> idle ──lent──> busy …
                │                          └─after some seconds, or close──> ended
                └──failed, died, hung, cancelled──> killed and waited for, before anybody is told
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lading.backends.inventories.child_process import Child
from lading.services.findings.scanner import ScanFailed
from lading.services.inventories.inventories import SCANNER
from lading.wire.message import Cancel

IDLE_SECONDS = 20.0
"""How long a child waits for another layer: starting one costs 0.1 s of processor time, keeping one 25 MiB."""

_LOOK_AGAIN_SECONDS = 1.0  # a cancel wakes who waits; a deadline that nobody watches does not


@dataclass(frozen=True, slots=True)
class _Idle:
    child: Child
    since: float


class Children:
    """At most `limit` at a time."""

    def __init__(self, command: Sequence[str], limit: int, idle_seconds: float = IDLE_SECONDS) -> None:
        """`command` starts one, whose standard input is then a socket (messages)."""
        self._command, self._limit = tuple(command), limit
        self._idle_seconds = idle_seconds
        self._changed = threading.Condition()
        self._busy: set[Child] = set()
        self._starting = 0
        self._idle: deque[_Idle] = deque()
        self._watch: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def lent(self, cancel: Cancel) -> Iterator[Child]:
        """One that nobody else has; it is buried when this ends with an exception. Waits for its turn.

        Raises ScanFailed, Cancelled.
        """
        child = self._take(cancel)
        try:
            yield child
        except BaseException:
            child.bury()
            self._gone(child)
            raise
        self._give_back(child)

    def close(self) -> None:
        """Kills those at work and ends those idle. Harmless twice."""
        with self._changed:
            self._closed = True
            idle, self._idle = list(self._idle), deque()
            watch = self._watch
            for child in self._busy:
                child.kill()
            self._changed.notify_all()
        for each in idle:
            each.child.bury()
        if watch is not None:
            watch.join()

    # ── lending

    def _take(self, cancel: Cancel) -> Child:
        with cancel.closing(self._wake):
            while True:
                cancel.check()
                with self._changed:
                    if self._closed:
                        raise ScanFailed(SCANNER, "no more layers are read: Lading is ending")
                    taken = self._idle.pop().child if self._idle else None
                    if taken is None and self._starting + len(self._busy) >= self._limit:
                        self._changed.wait(_LOOK_AGAIN_SECONDS)
                        continue
                    self._starting += 1
                break
        return self._checked(taken)

    def _checked(self, taken: Child | None) -> Child:
        """The idle one if it still lives, else a new one."""
        try:
            if taken is not None and not taken.alive:
                taken.bury()
                taken = None
            child = taken or Child(self._command)
        except BaseException:
            with self._changed:
                self._starting -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._starting -= 1
            self._busy.add(child)
            if self._closed:
                child.kill()
        return child

    def _give_back(self, child: Child) -> None:
        with self._changed:
            kept = not self._closed
            if kept:
                self._idle.append(_Idle(child, time.monotonic()))
                self._busy.discard(child)
                if self._watch is None:
                    self._watch = threading.Thread(target=self._watch_idle, name="idle inventory children", daemon=True)
                    self._watch.start()
                self._changed.notify_all()
        if not kept:
            child.bury()
            self._gone(child)

    def _gone(self, child: Child) -> None:
        with self._changed:
            self._busy.discard(child)
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # ── ending the idle

    def _watch_idle(self) -> None:
        """Ends with the last idle child."""
        while (child := self._overdue()) is not None:
            child.dismiss()

    def _overdue(self) -> Child | None:
        """Waits for the first that was idle for long enough; None once there is none."""
        with self._changed:
            while self._idle:
                left = self._idle[0].since + self._idle_seconds - time.monotonic()
                if left <= 0:
                    return self._idle.popleft().child
                self._changed.wait(left)
            self._watch = None
            return None
