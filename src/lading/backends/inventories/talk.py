"""Our half of the conversation with a child about one layer: hand it over or feed it, hear how far it is, and wait no
longer than a layer may take.

A file of ours is handed over and read where it lies. Anything else is fed through a pipe by the thread that asks; the
time that its source takes is not held against the child.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lading.backends.inventories.child_process import Child
from lading.backends.inventories.messages import AnswerKind, Asked, Gone, ask, next_answer
from lading.oci.digest import Algorithm
from lading.wire.message import Cancel, FileReader, Reader

_PIECE = 256 * 1024
_GIB = 1024**3
_SPOKEN_SECONDS = 60.0  # the longest silence within one answer


class ChildLost(Exception):
    """The child ended in the middle: by the layer, or by somebody who wanted its memory."""


class ChildHung(Exception):
    """The child took longer than a layer may take; `seconds` were allowed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class LayerRefused(Exception):
    """The child says that the layer cannot be read; `reason` is a sentence that does not name the layer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long a child may take for a layer: `seconds`, and `per_gib` more for each GiB of what is handed over, by this
    clock."""

    seconds: float = 120.0
    per_gib: float = 60.0
    clock: Callable[[], float] = time.monotonic

    def of(self, size: int) -> float:
        """In seconds, of so many bytes."""
        return self.seconds + self.per_gib * size / _GIB


@dataclass(frozen=True, slots=True)
class Handed:
    """A layer as it comes: its stream, which stays its owner's, and how many bytes that has, if anybody knows."""

    reader: Reader
    size: int | None
    algorithm: Algorithm


def talk(child: Child, handed: Handed, passed: Callable[[int], None], allowance: Allowance, cancel: Cancel) -> bytes:
    """What the child made of the layer, compressed JSON. `passed` is told how many of its bytes were read so far.

    Raises ChildLost, ChildHung, AnswerInvalid, LayerRefused, Cancelled, and what the reader raises. After any of them
    the child is good for nothing more.
    """
    with cancel.closing(child.kill):
        try:
            if isinstance(handed.reader, FileReader) and handed.size is not None:
                return _read_in_place(child, handed.reader, handed, passed, allowance)
            return _feed(child, handed, passed, allowance, cancel)
        except Gone as error:
            cancel.check()  # it may be gone because we were asked to stop
            raise ChildLost from error


def _read_in_place(
    child: Child, reader: FileReader, handed: Handed, passed: Callable[[int], None], allowance: Allowance
) -> bytes:
    file, position = reader.file()
    ask(child.socket, Asked(position, handed.size, handed.algorithm), file)
    watch = _Watch(allowance, handed.size or 0)
    poll = select.poll()
    poll.register(child.socket, select.POLLIN)
    while True:
        watch.wait(poll)
        if (content := _heard(child, passed)) is not None:
            return content


def _feed(child: Child, handed: Handed, passed: Callable[[int], None], allowance: Allowance, cancel: Cancel) -> bytes:
    poll = select.poll()
    poll.register(child.socket, select.POLLIN)
    watch = _Watch(allowance, 0)
    feed = _Feed(handed.reader, poll)
    try:
        feed.hand_over(child, handed.algorithm)
        while True:
            with watch.stopped():
                watch.size += feed.fetch()
            ready = watch.wait(poll)
            cancel.check()
            if feed.inlet in ready:
                feed.push()
            if child.socket.fileno() in ready and (content := _heard(child, passed)) is not None:
                feed.drain(cancel)
                return content
    finally:
        feed.close()


def _heard(child: Child, passed: Callable[[int], None]) -> bytes | None:
    """One answer: the layer, or None where the child only says how far it is."""
    child.socket.settimeout(_SPOKEN_SECONDS)
    try:
        answer = next_answer(child.socket)
    except TimeoutError as error:
        raise ChildHung(_SPOKEN_SECONDS) from error
    if answer.kind is AnswerKind.FAILED:
        raise LayerRefused(answer.content.decode(errors="replace"))
    if answer.kind is AnswerKind.READ:
        return answer.content
    passed(answer.count)
    return None


class _Watch:
    """What is left of the time allowed; `size` may grow meanwhile."""

    def __init__(self, allowance: Allowance, size: int) -> None:
        self._allowance, self.size = allowance, size
        self._began = allowance.clock()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The time inside is not counted."""
        stopped = self._allowance.clock()
        yield
        self._began += self._allowance.clock() - stopped

    def wait(self, poll: select.poll) -> set[int]:
        """Until something is ready: which file numbers. Raises ChildHung."""
        allowed = self._allowance.of(self.size)
        ready = poll.poll(max(0.0, self._began + allowed - self._allowance.clock()) * 1000)
        if not ready:
            raise ChildHung(allowed)
        return {number for number, _ in ready}


class _Feed:
    """A pipe to a child. A child that has seen enough stops reading; what it says then is its answer, not ours."""

    def __init__(self, reader: Reader, poll: select.poll) -> None:
        self._reader, self._poll = reader, poll
        self._outlet, self.inlet = os.pipe()
        os.set_blocking(self.inlet, False)
        poll.register(self.inlet, select.POLLOUT)
        self._buffer = memoryview(bytearray(_PIECE))
        self._waiting = self._buffer[:0]

    def hand_over(self, child: Child, algorithm: Algorithm) -> None:
        """The pipe's other end is the child's alone from now on. Raises Gone."""
        ask(child.socket, Asked(0, None, algorithm), self._outlet)
        os.close(self._outlet)
        self._outlet = -1

    def fetch(self) -> int:
        """Reads on where nothing waits to be pushed: how many bytes. At the end of the source it ends the pipe."""
        if self._waiting or self.inlet < 0:
            return 0
        count = self._reader.readinto(self._buffer)
        self._waiting = self._buffer[:count]
        if not count:
            self._end()
        return count

    def push(self) -> None:
        """As much as the pipe takes now."""
        try:
            self._waiting = self._waiting[os.write(self.inlet, self._waiting) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._end()

    def drain(self, cancel: Cancel) -> None:
        """Takes the rest of the source, which the child had no need of: whether the whole is what its digest says, its
        reader knows at the end. Raises what the reader raises, Cancelled."""
        while self.inlet >= 0 and self._reader.readinto(self._buffer):
            cancel.check()

    def close(self) -> None:
        self._end()
        if self._outlet >= 0:
            os.close(self._outlet)
            self._outlet = -1

    def _end(self) -> None:
        if self.inlet >= 0:
            self._poll.unregister(self.inlet)
            os.close(self.inlet)
            self.inlet = -1
