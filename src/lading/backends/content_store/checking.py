"""Hashing a partial in order, from its first byte to its last, while it is being fetched.

A new transfer is hashed as its bytes pass by, in the very buffers they arrive in. One that goes on from an earlier
attempt is hashed behind the connections, from the file: hash state cannot be saved, so what is there is read again
(0.8 s a GiB), and fresh bytes need not wait for that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, Self

from lading.backends.content_store.hashing import BUFFER, Hashing, Streams, Update
from lading.backends.content_store.partial import Partial
from lading.errors import LadingError
from lading.wire.message import Cancel


class Checking(Protocol):
    """Lends buffers to the first connection, and is told what it wrote."""

    def buffer(self) -> memoryview:
        """One to fill, until it is given to `fresh`."""

    def fresh(self, offset: int, filled: memoryview) -> None:
        """These bytes, in the front of the lent buffer, were just written at `offset`."""

    def finish(self, cancel: Cancel) -> None:
        """Everything is there; returns once it is hashed. Raises what the hash raises, StorageUnusable, Cancelled."""


@contextmanager
def checking(partial: Partial, update: Update, streams: Streams) -> Iterator[Checking]:
    """The better way for this partial. Its thread, if it has one, has ended when the block does."""
    if partial.kept:
        with _Behind(partial, update) as behind:
            yield behind
    else:
        with streams.hashing(update, partial.size) as hashing:
            yield _Along(partial, hashing)


class _Along:
    """Hashes what passes by, as long as nothing is left out; the rest is read back in the end."""

    def __init__(self, partial: Partial, hashing: Hashing) -> None:
        self._partial, self._hashing = partial, hashing
        self._until = 0

    def buffer(self) -> memoryview:
        return self._hashing.buffer()

    def fresh(self, offset: int, filled: memoryview) -> None:
        if offset == self._until:
            self._hashing.update(filled)
            self._until += len(filled)

    def finish(self, cancel: Cancel) -> None:
        while self._until < self._partial.size:
            cancel.check()
            buffer = self._hashing.buffer()
            count = self._partial.read(self._until, buffer[: self._partial.size - self._until])
            self._hashing.update(buffer[:count])
            self._until += count
        self._hashing.finish()


class _Behind:
    """Hashes from the file, on a thread of its own, as far as it is there without a gap."""

    def __init__(self, partial: Partial, update: Update) -> None:
        self._partial, self._update = partial, update
        self._lent = memoryview(bytearray(BUFFER))
        self._failure: LadingError | None = None
        self._thread = threading.Thread(target=self._run, name="hashing behind", daemon=True)

    def buffer(self) -> memoryview:
        return self._lent

    def fresh(self, offset: int, filled: memoryview) -> None:
        """The thread finds them in the file."""

    def finish(self, cancel: Cancel) -> None:
        with cancel.closing(self._partial.stop_following):
            self._thread.join()
        cancel.check()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        buffer = memoryview(bytearray(BUFFER))
        until = 0
        try:
            while until < self._partial.size and (end := self._partial.wait_beyond(until)) > until:
                count = self._partial.read(until, buffer[: end - until])
                self._update(buffer[:count])
                until += count
        except LadingError as error:
            self._failure = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._partial.stop_following()
        self._thread.join()
