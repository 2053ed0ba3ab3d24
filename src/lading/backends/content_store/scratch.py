"""Files without a name in the scratch folder: nothing is left behind, whatever ends us."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lading.backends.content_store.storage import DiskFull, free_bytes, storing, write_all

RESERVE = 64 * 1024 * 1024
"""Bytes that stay free, so that what we unpack fills nobody's disk."""


class Spool:
    """A nameless file that grows; its bytes are gone when it and all that `kept` gave are closed."""

    def __init__(self, file: int, folder: Path) -> None:
        self._file, self._folder = file, folder
        self.size = 0

    def write(self, piece: memoryview) -> None:
        """Raises DiskFull, StorageUnusable."""
        with storing(self._folder, len(piece)):
            free = free_bytes(self._folder)
            if free < len(piece) + RESERVE:
                raise DiskFull(self._folder, len(piece), free, f"unpacking leaves {RESERVE} bytes free")
            write_all(self._file, piece, self.size)
        self.size += len(piece)

    def kept(self) -> int:
        """A file number of its own, the caller's to close."""
        return os.dup(self._file)


@contextmanager
def nameless(folder: Path) -> Iterator[Spool]:
    """Made in `folder`, which is made where it is missing. Raises DiskFull, StorageUnusable."""
    with ExitStack() as stack:
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            stream = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        yield Spool(stream.fileno(), folder)
