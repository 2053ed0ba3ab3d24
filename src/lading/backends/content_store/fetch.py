"""Fetching one blob into its partial: one connection, and others beside it where they help."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lading.backends.content_store.checking import Checking, checking
from lading.backends.content_store.hashing import BUFFER, Streams
from lading.backends.content_store.partial import Partial
from lading.backends.content_store.stretches import Stretch, Stretches, is_slow
from lading.engine.stores import Track
from lading.errors import LadingError
from lading.oci.digest import ContentTooLong, ContentTooShort, Digest
from lading.wire.message import Cancel, Content, Reader
from lading.wire.progress import State

FURTHER_CONNECTIONS = 3
_TELL_BYTES, _TELL_SECONDS = 1024 * 1024, 0.1


@dataclass(frozen=True, slots=True)
class Fetch:
    """What to fetch, from where, and who is told; `spare` says whether a lane is idle."""

    digest: Digest
    content: Content
    spare: Callable[[], bool]
    track: Track
    cancel: Cancel
    clock: Callable[[], float]
    streams: Streams


def fetch(order: Fetch, partial: Partial) -> None:
    """Brings what is missing, and checks all of it. Raises ContentCorrupt leaves, what the content's readers raise,
    DiskFull, StorageUnusable, Cancelled; whatever arrived is in the partial."""
    verifier = order.digest.verifier(partial.size)
    with checking(partial, verifier.update, order.streams) as checked:
        _Fetching(order, partial, checked).run()
        order.track(State.COMMITTING, partial.size, kept=partial.kept)
        checked.finish(order.cancel)
    verifier.finish()


class _Fetching:
    """The connections of one fetch.

    The caller's thread is the first and hashes what it can on the way. A further one that fails leaves its stretch
    behind: the first meets the same trouble there, or does not.
    """

    def __init__(self, order: Fetch, partial: Partial, checked: Checking) -> None:
        self._order, self._partial, self._checked = order, partial, checked
        self._stretches = Stretches(partial.held.gaps(partial.size))
        self._further: list[threading.Thread] = []
        self._begun = 0
        self._open: set[Reader] = set()
        self._progress = _Progress(order, partial.kept)

    def run(self) -> None:
        """Returns when nothing is missing."""
        try:
            while stretch := self._stretches.take() or self._left_behind():
                self._bring(stretch, self._checked.buffer, self._fresh)
        finally:
            self._stretches.close()
            for reader in tuple(self._open):
                reader.close()
            self._join()

    def _left_behind(self) -> Stretch | None:
        """Waits for the others, then takes what one of them could not bring."""
        self._join()
        return self._stretches.take()

    def _join(self) -> None:
        while self._further:
            self._further.pop().join()

    def _fresh(self, offset: int, filled: memoryview) -> None:
        self._checked.fresh(offset, filled)
        if self._begun < FURTHER_CONNECTIONS and self._progress.is_slow() and self._order.spare():
            self._begun += 1
            self._progress.measure_again()
            thread = threading.Thread(target=self._go_beside, name=f"range-{self._begun}", daemon=True)
            self._further.append(thread)
            thread.start()

    def _go_beside(self) -> None:
        buffer = memoryview(bytearray(BUFFER))
        try:
            while stretch := self._stretches.take():
                self._bring(stretch, lambda: buffer, _hash_later)
        except LadingError:
            return

    def _bring(
        self, stretch: Stretch, lend: Callable[[], memoryview], fresh: Callable[[int, memoryview], None]
    ) -> None:
        """One connection's work. What it brought is written whatever ends it."""
        try:
            with self._opened(stretch) as reader:
                while count := self._stretches.piece(stretch, BUFFER):
                    self._piece(reader, stretch, lend()[:count], fresh)
                if stretch.position == self._partial.size and reader.readinto(memoryview(bytearray(1))):
                    raise ContentTooLong(self._order.digest, self._partial.size)
        except LadingError:
            self._order.cancel.check()  # a reader that a cancel closed complains of something else
            raise
        finally:
            self._stretches.leave(stretch)

    @contextmanager
    def _opened(self, stretch: Stretch) -> Iterator[Reader]:
        """From the stretch's start; open-ended where it reaches the end, so that a whole blob is a plain request."""
        to_the_end = stretch.end == self._partial.size
        reader = self._order.content.open(stretch.position, None if to_the_end else stretch.end - stretch.position)
        self._open.add(reader)
        try:
            with self._order.cancel.closing(reader.close):
                yield reader
        finally:
            self._open.discard(reader)
            reader.close()

    def _piece(
        self, reader: Reader, stretch: Stretch, buffer: memoryview, fresh: Callable[[int, memoryview], None]
    ) -> None:
        filled = 0
        try:
            while filled < len(buffer):
                count = reader.readinto(buffer[filled:])
                self._order.cancel.check()  # what a reader gives while a cancel closes it is not to be kept
                if not count:
                    raise ContentTooShort(self._order.digest, self._partial.size, stretch.position + filled)
                filled += count
                self._progress.received(count)
        finally:
            if filled:
                self._partial.write(stretch.position, buffer[:filled])
                self._stretches.advance(stretch, filled)
        fresh(stretch.position - filled, buffer)


def _hash_later(_offset: int, _filled: memoryview) -> None:
    """A further connection's bytes are read back once all before them are there."""


class _Progress:
    """Bytes received by all connections: told to the track, not too often, and measured."""

    def __init__(self, order: Fetch, kept: int) -> None:
        self._order, self._kept = order, kept
        self._lock = threading.Lock()
        self._received = self._told = 0
        self._told_at = order.clock()
        self.measure_again()

    def received(self, count: int) -> None:
        now = self._order.clock()
        with self._lock:
            self._received += count
            current = self._received
            if current - self._told < _TELL_BYTES and now - self._told_at < _TELL_SECONDS:
                return
            self._told, self._told_at = current, now
        self._order.track(State.MOVING, self._kept + current, kept=self._kept)

    def measure_again(self) -> None:
        """The speed is what comes from now on."""
        self._since, self._before = self._order.clock(), self._received

    def is_slow(self) -> bool:
        return is_slow(self._received - self._before, self._order.clock() - self._since)
