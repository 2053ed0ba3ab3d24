"""A mark in a file that every process of ours with this SQLite database open sees, and changes after each commit.

Reading it is reading memory: no system call, no lock, and the interpreter is kept. So thousands of requests a second
may ask whether somebody has committed, and hear of it before whoever did is told that it is done.
"""

from __future__ import annotations

import mmap
import os
import threading
from pathlib import Path

_BYTES = 8


class CommitMark:
    """Of the database at `path`, in a file beside it. For any thread."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._lock = threading.Lock()
        self._file = os.open(path.with_name(f"{path.name}-commits"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(self._file).st_size < _BYTES:  # a mapped page that is not there yet is death by SIGBUS
                self.change()
            # Read as the one number that it is ("Q": eight bytes), and not as bytes, which would be copied one by one.
            self._seen = memoryview(mmap.mmap(self._file, _BYTES, access=mmap.ACCESS_READ)).cast("Q")
        except BaseException:
            os.close(self._file)
            raise

    def now(self) -> int:
        """Another number after each change, whichever process made it."""
        return self._seen[0]

    def change(self) -> None:
        """Random, so that two at once need not agree on what comes next. By a system call, as a full disk is an error
        there; in mapped memory it would be death. Raises OSError."""
        with self._lock:  # a number that was given back may be another file's the next moment
            os.pwrite(self._file, os.urandom(_BYTES), 0)

    def close(self) -> None:
        """Harmless twice. What is mapped stays readable until nobody refers to it: a request may just be asking."""
        with self._lock:
            file, self._file = self._file, -1
            if file >= 0:
                os.close(file)
