"""Reading a Reader to its end, and content from a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lading.wire.message import Reader


def read_all(reader: Reader | None, buffer: int = 65536) -> bytes:
    """All of it; closed afterwards, whatever happens."""
    assert reader is not None
    view = memoryview(bytearray(buffer))
    pieces = []
    try:
        while count := reader.readinto(view):
            pieces.append(bytes(view[:count]))
    finally:
        reader.close()
    return b"".join(pieces)


class _FileReader:
    def __init__(self, path: Path, offset: int, length: int) -> None:
        self._number = os.open(path, os.O_RDONLY)
        self._offset = offset
        self._left = length

    def file(self) -> tuple[int, int]:
        return self._number, self._offset

    def readinto(self, buffer: memoryview, /) -> int:
        count = os.preadv(self._number, [buffer[: self._left]], self._offset)
        self._offset += count
        self._left -= count
        return count

    def close(self) -> None:
        if self._number >= 0:
            os.close(self._number)
            self._number = -1


@dataclass(frozen=True, slots=True)
class FileContent:
    """A whole file as Content whose readers the kernel can send."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        return _FileReader(self.path, offset, self.size - offset if length is None else length)
