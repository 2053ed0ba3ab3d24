"""Reading part of a plain file, which the kernel can send by itself."""

from __future__ import annotations

import os
from pathlib import Path

from lading.wire.message import ReadFailed


class PlainFileReader:
    """A FileReader over `length` bytes of the file at `path` from `offset`, or to its end.

    `file` is its number where it is open already; the reader then owns and closes it. Opening raises what the system
    raises; reading raises ReadFailed.
    """

    __slots__ = ("_file", "_left", "_path", "_position")

    def __init__(self, path: Path, offset: int = 0, length: int | None = None, file: int | None = None) -> None:
        self._path = path
        self._file: int | None = os.open(path, os.O_RDONLY) if file is None else file
        size = os.fstat(self._file).st_size
        self._position = min(offset, size)
        self._left = size - self._position if length is None else min(length, size - self._position)

    def readinto(self, buffer: memoryview, /) -> int:
        if self._file is None:
            raise ReadFailed(str(self._path), "it is closed")
        try:
            count = os.preadv(self._file, [buffer[: self._left]], self._position) if self._left else 0
        except OSError as error:
            raise ReadFailed(str(self._path), os.strerror(error.errno or 0)) from error
        self._position += count
        self._left -= count
        return count

    def file(self) -> tuple[int, int]:
        """File number and position, valid until close."""
        if self._file is None:
            raise ReadFailed(str(self._path), "it is closed")
        return self._file, self._position

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
