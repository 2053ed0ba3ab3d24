"""The one thread that writes to disk what agents send ahead of their readers: the event loop hands on and goes on."""

from __future__ import annotations

import tempfile
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from lading.backends.edge_hub.failures import BufferBehind, BufferFull
from lading.errors import NoRoom

WAITING_LIMIT = 64 * 1024 * 1024
"""Bytes of all streams together that may wait for the disk: they are in memory."""


Room = Callable[[Path, int], None]
"""Whether so many bytes more may be written below a folder. Raises NoRoom, StorageFailed."""


def no_bound(folder: Path, need: int) -> None:
    """Fulfils Room: whatever the disk takes."""


class Written(Protocol):
    """Something with bytes to write."""

    def write_waiting(self) -> None:
        """Some of them, for some milliseconds; it asks for a turn again where more are left. Never raises."""


class Spill:
    """`folder` is where the files are, which have no names there: what is left of them ends with the process. `room`
    says what is kept free there for others: who reads slowly holds a file for as long as it likes.

    Its thread begins with the first bytes to write and ends with `close`. Thread-safe.
    """

    def __init__(self, folder: Path, waiting_limit: int = WAITING_LIMIT, room: Room = no_bound) -> None:
        self.folder = folder
        self._room = room
        self._limit = waiting_limit
        self._lock = threading.Lock()
        self._turn = threading.Condition(self._lock)
        self._queue: deque[Written] = deque()
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None
        self._closed = False

    def open(self) -> IO[bytes]:
        """A file without a name, unbuffered. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self.folder, buffering=0)

    def check_room(self, need: int) -> None:
        """Whether so many bytes may be written to a file that is open. Raises BufferFull, StorageFailed."""
        try:
            self._room(self.folder, need)
        except NoRoom as error:
            raise BufferFull(str(self.folder)) from error

    def take(self, count: int) -> None:
        """So many more bytes wait for the disk. Raises BufferBehind where too many do."""
        with self._lock:
            if self._waiting_bytes + count > self._limit:
                raise BufferBehind(self._limit)
            self._waiting_bytes += count

    def give_back(self, count: int) -> None:
        """So many were written, or read, or nobody wants them any more."""
        with self._lock:
            self._waiting_bytes -= count

    def ask_turn(self, writer: Written) -> None:
        """It will be called once, from the thread that writes."""
        with self._lock:
            if self._closed:
                return
            self._queue.append(writer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="agent-buffers", daemon=True)
                self._thread.start()
            self._turn.notify()

    def close(self) -> None:
        """Waits for what is just being written. Harmless twice."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            self._turn.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _write(self) -> None:
        while (writer := self._next()) is not None:
            writer.write_waiting()

    def _next(self) -> Written | None:
        with self._lock:
            while not self._queue and not self._closed:
                self._turn.wait()
            return None if self._closed else self._queue.popleft()
