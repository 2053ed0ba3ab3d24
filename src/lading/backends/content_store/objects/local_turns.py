"""Turns of the processes of one machine, where the database is a file there: locks of files in the data folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path

from lading.backends.content_store.locks import claim, exclusive, shared, stands_at
from lading.backends.content_store.objects.turns import Lock
from lading.backends.content_store.storage import PRIVATE_FILE, PRIVATE_FOLDER, storing, write_all

NOTE_BYTES = 1024 * 1024
"""The longest note."""


class FileTurns:
    """Fulfils Turns below one folder, which it makes; a note is what the lock's file holds, and is not synced: where a
    power cut takes it, whoever was sending begins anew. The kernel lets go for a process that dies. Raises
    StorageUnusable."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._gate = folder, folder / "gate"
        with storing(folder):
            folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)

    def claim(self, name: str) -> FileLock | None:
        path = self._path(name)
        with storing(path):
            file = claim(path, create=True)
            return None if file is None else FileLock(path, file, _noted(file))

    def begin(self, name: str, note: str) -> bool:
        path = self._path(name)
        with storing(path):
            try:
                file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
            except FileExistsError:
                return False
            try:
                write_all(file, memoryview(note.encode()), 0)
            finally:
                os.close(file)
        return True

    def note(self, name: str) -> str | None:
        path = self._path(name)
        with storing(path):
            try:
                file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            except FileNotFoundError:
                return None
            try:
                return _noted(file)
            finally:
                os.close(file)

    def drop(self, name: str) -> bool:
        path = self._path(name)
        with storing(path):
            try:
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def _path(self, name: str) -> Path:
        return self._folder / sha256(name.encode()).hexdigest()

    def shared(self) -> AbstractContextManager[None]:
        return shared(self._gate)

    @contextmanager
    def exclusive(self) -> Iterator[FileGate]:
        with exclusive(self._gate):
            yield FileGate()


class FileGate:
    """Fulfils Alone: nobody takes a lock from a process that lives."""

    def has(self, lock: Lock) -> bool:
        return lock.stands


class FileLock:
    """A locked file, which goes when it is let go of without a note."""

    def __init__(self, path: Path, file: int, note: str | None) -> None:
        self._path, self._file, self.note = path, file, note
        self.owner = secrets.token_hex(16)

    @property
    def stands(self) -> bool:
        """Until it is let go of: nobody takes a lock from a process that lives."""
        return self._file >= 0

    def ours(self) -> bool:
        """Until somebody ends it."""
        with storing(self._path):
            return self._file >= 0 and stands_at(self._path, self._file)

    def keep(self, note: str) -> bool:
        if not self.ours():
            return False
        with storing(self._path):
            write_all(self._file, memoryview(note.encode()), 0)
            os.ftruncate(self._file, len(note.encode()))
        self.note = note
        return True

    def leave(self, note: str) -> bool:
        kept = self.keep(note)
        self.release()
        return kept

    def end(self) -> None:
        self.note = None
        self.release()

    def release(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            if self.note is None and stands_at(self._path, file):
                self._path.unlink(missing_ok=True)
            os.close(file)


def _noted(file: int) -> str | None:
    """Its note; half a one, which a power cut left, is told as it is."""
    return os.pread(file, NOTE_BYTES, 0).decode(errors="replace") or None
