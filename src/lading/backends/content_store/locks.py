"""Locks between threads and processes: flock(2), which the kernel releases however its holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lading.backends.content_store.storage import PRIVATE_FILE


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Inside, nobody has `path` exclusively. Waits: exclusive holders are quick."""
    with _held(path, fcntl.LOCK_SH):
        yield


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Inside, nobody else has `path` at all. Waits."""
    with _held(path, fcntl.LOCK_EX):
        yield


@contextmanager
def exclusive_at_once(path: Path) -> Iterator[bool]:
    """Inside, nobody else has `path`, or False: somebody does. Waits for nobody."""
    file = _open(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except BlockingIOError:
        alone = False
    try:
        yield alone
    finally:
        os.close(file)


def join(path: Path) -> int:
    """Shared until the file it answers is closed. Waits."""
    file = _open(path)
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)


@contextmanager
def _held(path: Path, mode: int) -> Iterator[None]:
    file = _open(path)
    try:
        fcntl.flock(file, mode)
        yield
    finally:
        os.close(file)


def claim(path: Path, *, create: bool) -> int | None:
    """Opens the file at `path` and locks it; None where somebody else has it. Closing it is letting go.

    The file is its own lock, so none is left over. While we waited for it, its last holder may have renamed or removed
    it; then whatever stands at `path` now is opened instead. Raises FileNotFoundError unless `create`.
    """
    flags = os.O_RDWR | (os.O_CREAT if create else 0)
    while True:
        try:
            file = os.open(path, flags, PRIVATE_FILE)
        except PermissionError:
            path.chmod(PRIVATE_FILE)  # its last holder died between making it read-only and giving it a blob's name
            file = os.open(path, flags, PRIVATE_FILE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        if _stands_at(path, file):
            return file
        os.close(file)


def _stands_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
