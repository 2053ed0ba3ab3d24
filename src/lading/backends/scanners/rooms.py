"""Rooms: folders that one run of a program has for itself, and that are gone whatever ends it or us.

FOLDER/
└── scan-XXXXXXXX/     locked (flock on the folder itself) by whoever made it and by the programs that run in it

The kernel lets go of a lock when the last process that has it ends, so a room that can be locked is nobody's: a server
that starts while another one scans removes nothing of its, and what a killed one left stays until its program ends too.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lading.backends.scanners.failures import storing

log = logging.getLogger("lading.scanners")

_PREFIX = "scan-"
_PRIVATE_FOLDER = 0o700
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Room:
    """`lock` is an open file, inherited by what runs here."""

    path: Path
    lock: int


@contextmanager
def room(parent: Path) -> Iterator[Room]:
    """A new one below `parent`, which is made where it is missing; what nobody needs any more goes first. Raises
    FolderUnusable."""
    sweep(parent)
    with storing(parent):
        made = _made(parent)
    try:
        yield made
    finally:
        _remove(made.path)
        os.close(made.lock)


def sweep(parent: Path) -> None:
    """Removes the rooms that are nobody's. Links are left alone, and so is everything that is called otherwise. Raises
    FolderUnusable."""
    with storing(parent):
        parent.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
        rooms = [
            Path(entry.path)
            for entry in os.scandir(parent)
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False)
        ]
    for path in rooms:
        with suppress(OSError):  # somebody else removed it first
            _remove_if_left(path)


def _made(parent: Path) -> Room:
    """A sweep may remove it between its making and its locking; then another one is made."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        with suppress(FileNotFoundError):
            lock = _locked(path)
            if lock is not None:
                return Room(path, lock)


def _locked(path: Path) -> int | None:
    """The lock of the room that stands at this path, None where it is somebody's."""
    file = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file), path.lstat()):
            return file
    except BlockingIOError:
        pass
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _remove_if_left(path: Path) -> None:
    lock = _locked(path)
    if lock is not None:
        try:
            _remove(path)
        finally:
            os.close(lock)


def _remove(path: Path) -> None:
    """Scanners leave folders that may not be written, and what outlives its group may still write: then again."""
    for _ in range(_ATTEMPTS):
        with suppress(OSError):
            shutil.rmtree(path)
        if not path.exists():
            return
        _open_folders(path)
    log.warning("%s cannot be removed now, and is at a later scan", path)


def _open_folders(path: Path) -> None:
    """Folders alone: files may be links to content of ours, whose mode is theirs."""
    for folder, names, _ in os.walk(path):
        for name in (".", *names):
            below = os.path.join(folder, name)
            with suppress(OSError):
                if stat.S_ISDIR(os.lstat(below).st_mode):
                    os.chmod(below, _PRIVATE_FOLDER)
