"""The bytes of one answer between the loop that brings them and the thread that reads them.

    read ──▶  first (memory)  ──▶  file, a ring of `limit` bytes  ──▶  waiting for the disk (memory)  ◀── put
              0 …                  … `_written`                        `_waiting_from` … `_put`

All positions count from the body's start. What nobody reads stays in memory up to a bound; from there on it goes
through the file, in order, until the reader has caught up.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import IO

from lading.backends.edge_hub.failures import AgentStreamTooFar, storing_failed
from lading.backends.edge_hub.spill import Spill
from lading.errors import StorageFailed

MEMORY = 256 * 1024
"""Bytes of one stream that are held in memory before a file is made."""

WRITTEN_AT_ONCE = 1024 * 1024
"""Bytes that are written before the next stream has its turn."""

_SMALL = 4096


class Buffer:
    """At most `limit` bytes, of which the first `memory` never touch the disk. One thread puts, one reads.

    `failed` is called, from the thread that writes, where the file cannot be written: nothing comes after that.
    """

    def __init__(
        self, limit: int, spill: Spill, failed: Callable[[StorageFailed], None], *, memory: int = MEMORY
    ) -> None:
        self._limit, self._memory, self._spill, self._failed = limit, memory, spill, failed
        self._lock = threading.Lock()
        self._first: deque[memoryview] = deque()
        self._first_bytes = 0
        self._waiting: deque[memoryview] = deque()
        self._waiting_from = self._written = self._read = self._put = 0
        self._file: IO[bytes] | None = None
        self._writing = self._asked = self._closed = False

    @property
    def empty(self) -> bool:
        """Whether all that was put has been read."""
        with self._lock:
            return self._read == self._put

    def put(self, piece: bytes | memoryview) -> None:
        """Never waits. Raises AgentStreamTooFar, BufferBehind; then nothing of it was taken."""
        view, ask = memoryview(piece), False
        with self._lock:
            if self._closed or not view:
                return
            if self._put + len(view) - self._read > self._limit:
                raise AgentStreamTooFar(self._limit)
            if self._keeps(len(view)):
                _add(self._first, view)
                self._first_bytes += len(view)
                self._waiting_from = self._written = self._put + len(view)
            else:
                self._spill.take(len(view))
                _add(self._waiting, view, alone=self._writing)
                ask, self._asked = not self._asked, True
            self._put += len(view)
        if ask:
            self._spill.ask_turn(self)

    def _keeps(self, count: int) -> bool:
        """Whether these are for memory: nothing before them goes through the file."""
        through_file = self._waiting or self._written > self._read + self._first_bytes
        return not through_file and self._first_bytes + count <= self._memory

    def read(self, buffer: memoryview) -> int:
        """How many bytes there were, 0 where there is nothing now. Raises BufferUnusable."""
        with self._lock:
            if self._first:
                count = self._taken(self._first, buffer)
                self._first_bytes -= count
                return count
            in_file = self._written - self._read
            if in_file <= 0 or self._file is None:
                return self._read_waiting(buffer)
            file, start = self._file, self._read
        count = self._read_file(file, start, buffer[:in_file])
        with self._lock:
            self._read += count
        return count

    def _taken(self, pieces: deque[memoryview], buffer: memoryview) -> int:
        first = pieces.popleft()
        count = min(len(first), len(buffer))
        buffer[:count] = first[:count]
        if count < len(first):
            pieces.appendleft(first[count:])
        self._read += count
        return count

    def _read_waiting(self, buffer: memoryview) -> int:
        """The reader has caught up with the disk."""
        if not self._waiting:
            return 0
        count = self._taken(self._waiting, buffer)
        self._waiting_from += count
        self._spill.give_back(count)
        return count

    def _read_file(self, file: IO[bytes], start: int, buffer: memoryview) -> int:
        position = start % self._limit
        try:
            count = os.preadv(file.fileno(), [buffer[: self._limit - position]], position)
        except OSError as error:
            raise storing_failed(str(self._spill.folder), error) from error
        if count == 0:
            raise storing_failed(str(self._spill.folder), OSError("it is shorter than what was written to it"))
        return count

    def write_waiting(self) -> None:
        """See Written."""
        start, pieces = self._begin_writing()
        if not pieces:
            return
        failure = self._write(start, b"".join(pieces))
        again = self._end_writing(start + sum(map(len, pieces)), failed=failure is not None)
        if failure is not None:
            self._failed(failure)
        elif again:
            self._spill.ask_turn(self)

    def _begin_writing(self) -> tuple[int, list[memoryview]]:
        """Where what comes next begins, and what it is."""
        with self._lock:
            self._asked = False
            pieces = [] if self._closed else self._next_pieces()
            self._writing = bool(pieces)
            return self._waiting_from, pieces

    def _end_writing(self, end: int, *, failed: bool) -> bool:
        """Whether more waits to be written. What could not be written stays in memory, for the reader."""
        with self._lock:
            self._writing = False
            if self._closed:
                self._close_file()
            self._asked = not (self._closed or failed) and self._wrote(end)
            return self._asked

    def _next_pieces(self) -> list[memoryview]:
        """Whole ones, at least one where any wait."""
        pieces: list[memoryview] = []
        count = 0
        for piece in self._waiting:
            if pieces and count + len(piece) > WRITTEN_AT_ONCE:
                break
            pieces.append(piece)
            count += len(piece)
        return pieces

    def _wrote(self, end: int) -> bool:
        """What is in the file now waits no more, as far as it was not read in the meantime; whether more waits."""
        self._written = max(end, self._waiting_from)
        while self._waiting and self._waiting_from < end:
            count = len(self._waiting.popleft())
            self._waiting_from += count
            self._spill.give_back(count)
        return bool(self._waiting)

    def _write(self, start: int, content: bytes) -> StorageFailed | None:
        try:
            if self._file is None:
                self._file = self._spill.open()
            self._spill.check_room(len(content))
            rest, position = memoryview(content), start % self._limit
            while rest:
                count = os.pwrite(self._file.fileno(), rest[: self._limit - position], position)
                rest, position = rest[count:], (position + count) % self._limit
        except OSError as error:
            return storing_failed(str(self._spill.folder), error)
        except StorageFailed as error:
            return error
        return None

    def close(self) -> None:
        """Nobody reads any more. For the thread that reads; harmless twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._spill.give_back(sum(map(len, self._waiting)))
            self._first.clear()
            self._waiting.clear()
            if not self._writing:
                self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _add(pieces: deque[memoryview], piece: memoryview, *, alone: bool = False) -> None:
    """Small ones are put together, as a piece takes more memory than its bytes; not with what is just being written,
    which must end where it ended."""
    if pieces and not alone and len(pieces[-1]) + len(piece) <= _SMALL:
        piece = memoryview(b"".join((pieces.pop(), piece)))
    pieces.append(piece)
