"""Files that only their owner may read, changed all at once or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lading.backends.credentials.failures import CredentialFileUnusable

OWNER_ONLY = 0o600


def read(path: Path) -> bytes | None:
    """None where there is no such file. Raises CredentialFileUnusable."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error


def replace(path: Path, content: bytes) -> None:
    """Whoever reads sees all of the old or all of the new, also after a crash; a link keeps pointing where it did.

    Raises CredentialFileUnusable.
    """
    try:
        path = path.resolve()
        temporary = _written(path, content)
        with _removed(temporary):
            temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _unusable(path, error) from error


def create(path: Path, content: bytes) -> bool:
    """Whether it was made by this call: False where somebody else was quicker. Raises CredentialFileUnusable."""
    try:
        temporary = _written(path, content)
        with _removed(temporary):
            os.link(temporary, path)
        _sync_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    return True


@contextmanager
def changing(path: Path) -> Iterator[None]:
    """Inside, no other process changes `path`. Raises CredentialFileUnusable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _written(path: Path, content: bytes) -> Path:
    """A new file beside `path`, on the disk, which nobody else may read (mkstemp makes it 0600)."""
    import tempfile  # noqa: PLC0415  most commands only read

    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(number, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


@contextmanager
def _removed(temporary: Path) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _unusable(path: Path, error: OSError) -> CredentialFileUnusable:
    return CredentialFileUnusable(str(path), (error.strerror or "it cannot be read or written").lower())
