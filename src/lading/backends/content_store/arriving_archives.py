"""Archives on their way in: fulfils services.work.imports.ArrivingArchives.

imports/<user>-<random>        what has arrived; its size is the offset, its lock says who writes or reads
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lading.backends.content_store.file_reader import PlainFileReader
from lading.backends.content_store.locks import claim
from lading.backends.content_store.storage import DiskFull, free_bytes, storing
from lading.services.work.imports import ImportBusy, ImportUnknown, OffsetWrong, Permit
from lading.wire.message import Cancel, Reader

SPARE_BYTES = 256 * 1024 * 1024
"""What archives leave free: the database and running transfers write to the same disk."""

LOOK_AGAIN_SECONDS = 0.05
"""Whoever has an archive and is no job has it for a moment."""

_ID = re.compile(r"([0-9]{1,18})-[A-Za-z0-9_-]{32}")


class ArchiveFolder:
    """The folder `path`, made at first use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, owner: int) -> str:
        name = f"{owner}-{secrets.token_urlsafe(24)}"
        with storing(self._path / name):
            self._path.mkdir(0o700, parents=True, exist_ok=True)
            os.close(os.open(self._path / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return name

    def held(self, owner: int) -> int:
        with storing(self._path):
            return sum(1 for _ in self._path.glob(f"{owner}-*"))

    def owner(self, id: str) -> int:  # noqa: A002  a row's own word
        match = _ID.fullmatch(id)
        if match is None or not (self._path / id).exists():
            raise ImportUnknown(id)
        return int(match[1])

    def size(self, id: str) -> int:  # noqa: A002  a row's own word
        try:
            return self._file(id).stat().st_size
        except FileNotFoundError:
            raise ImportUnknown(id) from None

    def append(self, id: str, offset: int, piece: bytes, permit: Permit) -> int:  # noqa: A002  a row's own word
        with self._claimed(id) as file, storing(self._path / id, len(piece)):
            permit()
            self._check_room(len(piece))
            size = os.fstat(file).st_size
            if offset != size:
                raise OffsetWrong(offset, size)
            try:
                _write(file, piece, offset)
                os.fsync(file)
            except BaseException:
                os.ftruncate(file, size)
                raise
            return size + len(piece)

    @contextmanager
    def alone(self, id: str) -> Iterator[None]:  # noqa: A002  a row's own word
        with self._claimed(id):
            yield

    @contextmanager
    def reading(self, id: str, cancel: Cancel) -> Iterator[Reader]:  # noqa: A002  a row's own word
        with self._claimed(id, cancel) as file:
            reader = PlainFileReader(self._file(id), file=os.dup(file))
            try:
                yield reader
            finally:
                reader.close()

    def remove(self, id: str) -> None:  # noqa: A002  a row's own word
        with storing(self._file(id)):
            self._file(id).unlink(missing_ok=True)

    def expire(self, before: float) -> int:
        gone = 0
        for each in list(self._path.iterdir()) if self._path.exists() else ():
            with suppress(FileNotFoundError, ImportBusy, ImportUnknown), storing(each):
                if each.stat().st_mtime < before:
                    with self._claimed(each.name):
                        each.unlink()
                        gone += 1
        return gone

    def _check_room(self, need: int) -> None:
        free = free_bytes(self._path)
        if free < need + SPARE_BYTES:
            raise DiskFull(self._path, need, free, f"the last {SPARE_BYTES} bytes are for what runs already")

    @contextmanager
    def _claimed(self, id: str, patience: Cancel | None = None) -> Iterator[int]:  # noqa: A002  a row's own word
        """With `patience` it waits for whoever has it."""
        while (file := self._claim(id)) is None:
            if patience is None:
                raise ImportBusy
            patience.wait(LOOK_AGAIN_SECONDS)
        try:
            yield file
        finally:
            os.close(file)

    def _claim(self, id: str) -> int | None:  # noqa: A002  a row's own word
        path = self._file(id)
        with storing(path):
            try:
                return claim(path, create=False)
            except FileNotFoundError:
                raise ImportUnknown(id) from None

    def _file(self, id: str) -> Path:  # noqa: A002  a row's own word
        if _ID.fullmatch(id) is None:
            raise ImportUnknown(id)
        return self._path / id


def _write(file: int, piece: bytes, offset: int) -> None:
    rest = memoryview(piece)
    while rest:
        count = os.pwrite(file, rest, offset)
        rest, offset = rest[count:], offset + count
