"""How the system's refusals become our errors, for files of scanners."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lading.errors import StorageFailed


class FolderUnusable(StorageFailed):
    """The operating system refused a folder or a file that a scan needs."""

    hint = "See that the folder can be written and has room."

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"cannot use {self.path}: {self.why}"

    @property
    def afar(self) -> str:
        return f"a folder that scans need cannot be used: {self.why}"


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Translates the system's errors on `path`. Raises FolderUnusable."""
    try:
        yield
    except OSError as error:
        raise FolderUnusable(path, os.strerror(error.errno) if error.errno else type(error).__name__) from error


def free_bytes(folder: Path) -> int:
    """How many bytes may still be written below `folder`. Raises FolderUnusable."""
    with storing(folder):
        status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
