"""Locks between threads and processes: flock(2), which the kernel releases however its holder ends.

flock lets new shared holders in while somebody waits to have a file exclusively, who then may wait for ever. So whoever
waits exclusively stands in the door meanwhile (`<path>.door`), which everybody else passes first.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lading.backends.content_store.storage import PRIVATE_FILE
from lading.wire.message import Cancel

_LOOK_AGAIN_SECONDS = 0.05


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Inside, nobody has `path` exclusively. Waits: exclusive holders are quick."""
    with ExitStack() as held:
        with _held(_door(path), fcntl.LOCK_SH):
            held.enter_context(_held(path, fcntl.LOCK_SH))
        yield


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Inside, nobody else has `path` at all. Waits, though no longer than those who have it now need."""
    with _held(_door(path), fcntl.LOCK_EX), _held(path, fcntl.LOCK_EX):
        yield


def _door(path: Path) -> Path:
    return path.with_name(path.name + ".door")


@contextmanager
def exclusive_at_once(path: Path) -> Iterator[bool]:
    """Inside, nobody else has `path`, or False: somebody does. Waits for nobody."""
    file = _open(path)
    try:
        yield _locked(file)
    finally:
        os.close(file)


def is_exclusive(path: Path) -> bool:
    """Whether somebody has `path` exclusively now. Makes nothing; whoever would have it at once at this very moment is
    told that he cannot."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


@contextmanager
def exclusive_in_turn(path: Path, cancel: Cancel) -> Iterator[None]:
    """Inside, nobody else has `path` at all. Waits for who may have it long. Raises Cancelled."""
    file = _open(path)
    try:
        while not _locked(file):
            cancel.wait(_LOOK_AGAIN_SECONDS)
        yield
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
    it; then whatever stands at `path` now is opened instead. A link there, or a file that has another name too, is
    removed: who else may write to the folder could lead us into files that only we may write. Raises
    FileNotFoundError unless `create`.
    """
    while True:
        file = _open_plain(path, os.O_CREAT if create else 0)
        if file is None:
            path.unlink(missing_ok=True)
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        if stands_at(path, file):
            return file
        os.close(file)


def _open_plain(path: Path, create: int) -> int | None:
    """None where something else than a plain file with this one name stands there."""
    if path.is_symlink():
        return None
    flags = os.O_RDWR | os.O_NOFOLLOW | create
    try:
        file = os.open(path, flags, PRIVATE_FILE)
    except PermissionError as refused:
        try:
            _make_writable(path)  # its last holder died between making it read-only and giving it a blob's name
        except FileNotFoundError:
            raise refused from None  # it is the folder that takes no file
        file = os.open(path, flags, PRIVATE_FILE)
    status = os.fstat(file)
    if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
        return file
    os.close(file)
    return None


def _make_writable(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.fchmod(file, PRIVATE_FILE)
    finally:
        os.close(file)


def stands_at(path: Path, file: int) -> bool:
    """Whether `path` still is this open file's name."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False
