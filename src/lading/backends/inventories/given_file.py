"""Where a child's bytes come from: a file read in place, or a pipe; counted."""

from __future__ import annotations

import os
from collections.abc import Callable

from lading.wire.message import ReadFailed

_TOLD_EVERY = 1024 * 1024


class GivenFile:
    """A Reader over a file that this process was handed, which it owns. `length` is None for a pipe."""

    def __init__(self, file: int, position: int, length: int | None, told: Callable[[int], None]) -> None:
        """`told` is called with how many bytes were read so far, now and then."""
        self._file, self._position, self._left = file, position, length
        self._told = told
        self._read = self._reported = 0

    def readinto(self, buffer: memoryview, /) -> int:
        try:
            count = self._some(buffer)
        except OSError as error:
            raise ReadFailed("the layer", os.strerror(error.errno or 0)) from error
        self._read += count
        if self._read - self._reported >= _TOLD_EVERY:
            self._reported = self._read
            self._told(self._read)
        return count

    def close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _some(self, buffer: memoryview) -> int:
        if self._left is None:
            return os.readv(self._file, [buffer])
        count = os.preadv(self._file, [buffer[: self._left]], self._position) if self._left else 0
        self._position += count
        self._left -= count
        return count
