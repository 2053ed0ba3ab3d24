"""How a file reaches the disk, and how the disk's refusals become our errors: common to all of the store."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lading.errors import NoRoom, StorageFailed

if sys.platform == "darwin":
    import fcntl

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
OPEN_FILE, OPEN_FOLDER = 0o444, 0o755
"""Blobs may be read by other programs and written by nobody; everything else is ours alone."""

OUR_FOLDER = "the data folder"
"""What a folder of ours is called where its path is nobody's business."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class _FolderFull(NoRoom):
    """`folder` is where there is no room, and `state` what the sentence says of it."""

    folder: Path
    state: str

    def __str__(self) -> str:
        return f"{self.folder} {self.state}"

    @property
    def afar(self) -> str:
        return f"{OUR_FOLDER} {self.state}"


class DiskFull(_FolderFull):
    """There is no room for what should be written; `need` and `free` are in bytes."""

    hint = "Make room, or remove what no image needs. What has arrived is kept and not fetched again."
    command = (
        "Make room, or remove what no image needs with `lading gc`. What has arrived is kept and not fetched again."
    )

    def __init__(self, folder: Path, need: int, free: int, why: str) -> None:
        super().__init__(folder, need, free, why)
        self.folder, self.need, self.free, self.why = folder, need, free, why
        self.state = f"has no room for {need} bytes: {free} are free"


class SpaceLow(_FolderFull):
    """Less is free than is kept free for the service itself: nothing new is taken; `free` and `kept` are in bytes."""

    hint = "Make room, or collect garbage; the settings keep-free and keep-free-percent say how much stays free."
    command = "lading gc   (--keep-free and --keep-free-percent say how much stays free)"
    why = "What is being sent already may end; reading and deleting work."

    def __init__(self, folder: Path, free: int, kept: int) -> None:
        super().__init__(folder, free, kept)
        self.folder, self.free, self.kept = folder, free, kept
        self.state = f"takes nothing new: {free} bytes are free, and {kept} are kept free"


DATABASE_ROOM = 256 * 1024 * 1024
"""Bytes that even a running upload leaves free, or half of what is kept free, where that is less."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """What stays free of a file system: at least so many bytes, and so much of the whole."""

    size: int = 0
    percent: float = 0.0

    def check(self, folder: Path) -> None:
        """Whether something new may begin below `folder`. Raises SpaceLow, StorageUnusable."""
        free, kept = self._look(folder)
        if free < kept:
            raise SpaceLow(folder, free, kept)

    def check_running(self, folder: Path, need: int = 0) -> None:
        """Whether what has begun may take `need` bytes more: it may use what is kept free, but for what the database
        needs, without which nobody could log in, read or delete. Raises SpaceLow, StorageUnusable."""
        free, kept = self._look(folder)
        least = min(kept // 2, DATABASE_ROOM)
        if kept and free - need < least:
            raise SpaceLow(folder, free, least)

    def _look(self, folder: Path) -> tuple[int, int]:
        """How many bytes are free, and how many are kept free; neither is looked for where nothing is kept."""
        if not self.size and not self.percent:
            return 0, 0
        with storing(folder):
            status = os.statvfs(folder)
        whole, free = status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize
        return free, max(self.size, int(whole * self.percent / 100))


class StorageUnusable(StorageFailed):
    """The operating system refused to read or write a file of ours."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why
        self.command = None if os.path.isdir(path.parent) else f"mkdir -p {path.parent}"

    def __str__(self) -> str:
        return f"cannot use {self.path}: {self.why}"

    @property
    def afar(self) -> str:
        return f"cannot use {OUR_FOLDER}: {self.why}"


class BytesLost(StorageUnusable):
    """A sync failed: what was written may not be on the disk though it can be read, and no later sync would say so.
    Whatever has not become a blob by then has to come again."""


@contextmanager
def syncing(path: Path) -> Iterator[None]:
    """Translates the system's errors while it syncs what was written to `path`. Raises BytesLost."""
    try:
        yield
    except OSError as error:
        raise BytesLost(path, os.strerror(error.errno) if error.errno else type(error).__name__) from error


@contextmanager
def storing(path: Path, need: int = 0) -> Iterator[None]:
    """Translates the system's errors on `path`, where `need` bytes were to be written. Raises DiskFull,
    StorageUnusable."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        if error.errno in _NO_ROOM:
            raise DiskFull(path.parent, need, free_bytes(path.parent), why) from error
        raise StorageUnusable(path, why) from error


def free_bytes(folder: Path) -> int:
    """How many bytes may still be written below `folder`."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def sync_file(file: int) -> None:
    """Returns once the bytes of this open file survive a loss of power."""
    if sys.platform == "darwin":
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)  # there fsync stops at the drive's own cache
    else:
        os.fsync(file)


def sync_folder(folder: Path) -> None:
    """Returns once the names in this folder survive a loss of power."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def replace_file(path: Path, content: bytes, mode: int = PRIVATE_FILE) -> None:
    """Readers see the old bytes or the new ones, never a mixture, whenever the power goes. One writer at a time."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)  # a killed writer's, or a link that somebody else has laid there
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        os.fchmod(file, mode)
        write_all(file, memoryview(content), 0)
        sync_file(file)
    finally:
        os.close(file)
    fresh.rename(path)
    sync_folder(path.parent)


def write_all(file: int, content: memoryview, offset: int) -> None:
    """All of it from `offset`: the system may take less than it is given."""
    while content:
        written = os.pwrite(file, content, offset)
        content, offset = content[written:], offset + written
