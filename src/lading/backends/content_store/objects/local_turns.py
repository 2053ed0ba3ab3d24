"""Turns of the processes of one machine, where the database is a file there: locks of files in the data folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path

from lading.backends.content_store.locks import claim, exclusive, shared
from lading.backends.content_store.objects.turns import Lock
from lading.backends.content_store.storage import PRIVATE_FOLDER, storing


class FileTurns:
    """Fulfils Turns below one folder, which it makes. The kernel lets go for a process that dies. Raises
    StorageUnusable."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._gate = folder, folder / "gate"
        with storing(folder):
            folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)

    def claim(self, name: str) -> FileLock | None:
        path = self._folder / sha256(name.encode()).hexdigest()
        with storing(path):
            file = claim(path, create=True)
        return None if file is None else FileLock(path, file)

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
    """A locked file, which goes when it is let go of."""

    def __init__(self, path: Path, file: int) -> None:
        self._path, self._file = path, file
        self.owner = secrets.token_hex(16)

    @property
    def stands(self) -> bool:
        """Until it is let go of: nobody takes a lock from a process that lives."""
        return self._file >= 0

    def release(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            self._path.unlink(missing_ok=True)
            os.close(file)
