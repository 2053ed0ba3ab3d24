"""Processes that work beside this one, on sockets that it opened: begun, told, watched, and begun again.

    parent ─▶ child   the child's standard input, a socket: what it begins with, after its length, then a byte a word
    child ─▶ parent   one byte there, once it is at work

The line says how long each lives. A child whose line ends is alone, and ends at once (parent.py); one whose end of it
closes has ended, and another takes its place: at once where it had worked for a while, else after a pause that doubles.

All of them are begun by one thread, which stays until they have ended: Linux ends a child with the thread that began it
(PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import logging
import selectors
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from lading.errors import StorageFailed, Unavailable

log = logging.getLogger("lading.processes")

STOP = b"s"
"""The word after which a child ends what it does, and then itself."""

LENGTH_BYTES = 4
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
_NO_COMMAND = 127
"""What a shell says of one that it cannot begin."""

AWAY = 75
"""The exit code of a child whose database or object store is away (EX_TEMPFAIL): another one may find it again."""

AWAY_PAUSE_SECONDS = 5.0
"""The longest before that one."""

STEADY_SECONDS = 10.0
"""Who worked for so long did not fail at its beginning."""


class ChildFailed(StorageFailed):
    """A process that was begun ended before it was at work; it has said why itself."""

    hint = "The lines before this one say why."

    def __init__(self, name: str, status: int) -> None:
        super().__init__(name, status)
        self.name, self.status = name, status

    def __str__(self) -> str:
        return f"a {self.name} process ended with {_said(self.status)} before it was at work"


class ChildAway(ChildFailed, Unavailable):
    """It ended because what it stands on is away."""

    hint = Unavailable.hint
    command = ChildFailed.hint


@dataclass
class _Place:
    """One of them, or the one that will be there at `due`. `pause` is how long the next waits that fails early."""

    number: int
    due: float = 0.0
    pause: float = 0.0
    begun: float = 0.0
    at_work: bool = False
    process: subprocess.Popen[bytes] | None = None
    line: socket.socket | None = field(default=None, repr=False)


class Children:
    """As many processes of one command as were wanted. `begin` and `stop` once each, on any thread."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        number: int,
        *,
        begins_with: bytes,
        inherited: Sequence[int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` is what they are called in the log. `begins_with` reaches each over its line, and nobody else sees it;
        `inherited` are the open files that each has under the same numbers."""
        self._name, self._command = name, command
        self._begins_with, self._inherited, self._clock = begins_with, inherited, clock
        self._places = [_Place(each) for each in range(1, number + 1)]
        self._lock = threading.Lock()
        self._first, self._over = threading.Event(), threading.Event()
        self._failed: int | None = None
        self._until = 0.0
        self._begun_again = 0
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=f"{name} processes")

    @property
    def running(self) -> Mapping[int, int]:
        """The process id of each that is there, by its number from 1 on."""
        with self._lock:
            return {place.number: place.process.pid for place in self._places if place.process is not None}

    @property
    def begun_again(self) -> int:
        """How often one took another's place."""
        return self._begun_again

    def begin(self) -> None:
        """Returns when all are at work. Raises ChildFailed, and all have ended then."""
        self._thread.start()
        self._first.wait()
        if self._failed is not None:
            self.stop(0)
            raise (ChildAway if self._failed == AWAY else ChildFailed)(self._name, self._failed)

    def tell(self, word: bytes) -> None:
        """One byte, to all that are there: who comes later finds things as they are by then."""
        with self._lock:
            for place in self._places:
                _say(place, word)

    def stop(self, seconds: float) -> None:
        """All are told to; who is still there after `seconds` is killed. Returns when all have ended."""
        if not self._over.is_set():
            self._until = self._clock() + seconds
            self._over.set()
            self._wake.close()
        self._thread.join()
        self._woken.close()

    # ── on the thread of its own

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            try:
                while not self._over.is_set():
                    self._begin_due(selector)
                    self._hear(selector, self._wait_seconds())
                selector.unregister(self._woken)
                self.tell(STOP)
                while any(place.line for place in self._places) and (left := self._until - self._clock()) > 0:
                    self._hear(selector, left)
            finally:
                self._end_all(selector)
                self._first.set()

    def _wait_seconds(self) -> float | None:
        due = [place.due for place in self._places if place.process is None]
        return max(min(due) - self._clock(), 0) if due else None

    def _begin_due(self, selector: selectors.BaseSelector) -> None:
        for place in self._places:
            if place.process is None and place.due <= self._clock():
                self._begin_one(place, selector)

    def _begin_one(self, place: _Place, selector: selectors.BaseSelector) -> None:
        line, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(  # noqa: S603  a command of our own
                    self._command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, pass_fds=self._inherited
                )
            except OSError as error:
                line.close()
                log.error("a %s process could not be begun: %s", self._name, error.strerror)  # noqa: TRY400
                self._gone(place, _NO_COMMAND)
                return
        with self._lock:
            place.process, place.line, place.begun, place.at_work = process, line, self._clock(), False
            _say(place, len(self._begins_with).to_bytes(LENGTH_BYTES, "big") + self._begins_with)
        selector.register(line, selectors.EVENT_READ, place)

    def _hear(self, selector: selectors.BaseSelector, seconds: float | None) -> None:
        for key, _ in selector.select(seconds):
            place = key.data
            if not isinstance(place, _Place) or place.line is None:
                continue
            if _read(place.line):
                place.at_work = True
                if all(each.at_work for each in self._places):
                    self._first.set()
            else:
                self._ended(place, selector)

    def _ended(self, place: _Place, selector: selectors.BaseSelector) -> None:
        status = self._reap(place, selector)
        if self._over.is_set():
            return
        if place.at_work and self._clock() - place.begun >= STEADY_SECONDS:
            place.pause = 0.0
        if self._first.is_set():
            again = f"in {place.pause:g} s" if place.pause else "now"
            log.error("a %s process ended with %s; another begins %s", self._name, _said(status), again)
            self._begun_again += 1
        self._gone(place, status)

    def _gone(self, place: _Place, status: int) -> None:
        place.due = self._clock() + place.pause
        longest = AWAY_PAUSE_SECONDS if status == AWAY else LONGEST_PAUSE_SECONDS
        place.pause = min(max(place.pause * 2, FIRST_PAUSE_SECONDS), longest)
        if not self._first.is_set():
            self._failed = status
            self._first.set()

    def _reap(self, place: _Place, selector: selectors.BaseSelector) -> int:
        """Its exit status; what closed its line and has not ended is killed."""
        process, line = place.process, place.line
        assert process is not None
        assert line is not None
        selector.unregister(line)
        with self._lock:
            place.process = place.line = None
        line.close()
        try:
            return process.wait(1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _end_all(self, selector: selectors.BaseSelector) -> None:
        left = [place for place in self._places if place.process is not None]
        if left and self._failed is None:
            log.error("%d %s processes did not stop in time, and are cut off", len(left), self._name)
        for place in left:
            assert place.process is not None
            place.process.kill()
            self._reap(place, selector)


def _say(place: _Place, told: bytes) -> None:
    if place.line is not None:
        with suppress(OSError):  # it has ended: that is heard
            place.line.sendall(told)


def _read(line: socket.socket) -> bytes:
    try:
        return line.recv(16)
    except OSError:
        return b""


def _said(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit code {status}"
