"""What one thread writes, for another to read at the same time: an export that is sent while it is made."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from lading.wire.message import Reader

_AHEAD = 64 * 1024
"""Bytes that are read before anybody asks, so that what cannot be begun fails before a first byte is sent."""


@contextmanager
def piped(write: Callable[[BinaryIO], None]) -> Iterator[Reader]:
    """A Reader of what `write` writes, on a thread that ends with the block. Raises what `write` raises before it wrote
    much; later it is raised at the end of what was written, so that nobody takes a part for the whole."""
    reading, writing = os.pipe()
    author = _Author(write, writing)
    reader = _Pipe(reading, author)
    author.start()
    try:
        reader.look_ahead()
        yield reader
    finally:
        reader.close()
        author.join()


class _Author(threading.Thread):
    """Writes; whoever closes the other end ends it."""

    def __init__(self, write: Callable[[BinaryIO], None], file: int) -> None:
        super().__init__(name="export")
        self._write, self._file = write, file
        self.error: BaseException | None = None

    def run(self) -> None:
        stream = os.fdopen(self._file, "wb")
        try:
            self._write(stream)
            stream.flush()
        except BaseException as error:  # noqa: BLE001  whoever reads gets it
            self.error = error
        finally:
            with suppress(OSError):
                stream.close()


class _Pipe:
    """The reading end."""

    def __init__(self, file: int, author: _Author) -> None:
        self._file, self._author = file, author
        self._ahead = memoryview(b"")

    def look_ahead(self) -> None:
        """Raises what the author raised."""
        first = bytearray(_AHEAD)
        count = self.readinto(memoryview(first))
        self._ahead = memoryview(first)[:count]

    def readinto(self, buffer: memoryview, /) -> int:
        """Raises what the author raised, once all that was written is read."""
        if self._ahead:
            count = min(len(buffer), len(self._ahead))
            buffer[:count], self._ahead = self._ahead[:count], self._ahead[count:]
            return count
        count = os.readv(self._file, [buffer]) if self._file >= 0 else 0
        if count == 0:
            self._author.join()
            if self._author.error is not None:
                raise self._author.error
        return count

    def close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


class _Raw(io.RawIOBase):
    """A Reader as Python's own streams are; closing it closes nothing of its owner's."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # any writable buffer
        return self._reader.readinto(memoryview(buffer).cast("B"))


def as_stream(reader: Reader) -> BinaryIO:
    """A Reader as a stream that is read front to back."""
    return io.BufferedReader(_Raw(reader), _AHEAD)
