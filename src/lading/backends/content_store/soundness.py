"""A content folder as whoever re-reads it sees it (services.content.check.CheckedContent).

What is not what its name says is moved aside, to damaged/ (see tree.py): then it is not held, is asked for and sent
again like anything that is not held, and is whole again once the right bytes have come.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.locks import exclusive, exclusive_at_once, stands_at
from lading.backends.content_store.storage import storing, sync_folder
from lading.backends.content_store.tree import digest_at
from lading.oci.digest import Digest
from lading.services.content.check import Kept
from lading.wire.message import Cancel

PIECE = 256 * 1024


class CheckedFolder:
    """Raises StorageUnusable."""

    def __init__(self, folder: ContentFolder) -> None:
        self._tree = folder.tree

    def kept(self) -> Iterable[Kept]:
        """Every blob."""
        for path in self._tree.blobs():
            with suppress(FileNotFoundError):
                status = path.stat()
                yield Kept(digest_at(path), status.st_size, status.st_mtime)

    def turn(self) -> AbstractContextManager[bool]:
        """Whether no other thread or process checks this folder; nobody begins to while inside."""
        return exclusive_at_once(self._tree.checking)

    def sound(self, digest: Digest, passed: Callable[[int], None], cancel: Cancel) -> bool | None:
        """Whether its bytes are what its name says; None where it is not held."""
        file = self._open(digest)
        if file is None:
            return None
        try:
            return _is_sound(file, digest, passed, cancel)
        finally:
            os.close(file)

    def set_aside(self, digest: Digest, passed: Callable[[int], None], cancel: Cancel) -> bool:
        """Reads it once more, and moves it where nobody reads it. False where it is sound after all: memory may fail
        too, or the right bytes have come meanwhile."""
        file = self._open(digest)
        if file is None:
            return False
        try:
            if _is_sound(file, digest, passed, cancel):
                return False
            with storing(self._tree.gate), exclusive(self._tree.gate):
                if not stands_at(self._tree.blob(digest), file):
                    return False
                self._tree.blob(digest).rename(self._tree.damaged(digest))
                sync_folder(self._tree.damaged(digest).parent)
                sync_folder(self._tree.blob(digest).parent)
                return True
        finally:
            os.close(file)

    def _open(self, digest: Digest) -> int | None:
        with storing(self._tree.blob(digest)), suppress(FileNotFoundError):
            return os.open(self._tree.blob(digest), os.O_RDONLY)
        return None

    def damaged(self) -> Sequence[Digest]:
        """What was moved aside, and has not come again."""
        found = (digest_at(path) for path in self._tree.all_damaged())
        return sorted(digest for digest in found if not self._tree.blob(digest).exists())

    def holds(self, digest: Digest) -> bool:
        """Whether it is here. Leases nothing."""
        return self._tree.blob(digest).exists()


def _is_sound(file: int, digest: Digest, passed: Callable[[int], None], cancel: Cancel) -> bool:
    """What cannot be read is not."""
    try:
        return _hashed(file, digest, passed, cancel) == digest.encoded
    except OSError:
        return False


def _hashed(file: int, digest: Digest, passed: Callable[[int], None], cancel: Cancel) -> str:
    """Of all its bytes, which the system need not remember afterwards: transfers need its memory more."""
    running = hashlib.new(digest.algorithm)
    buffer = memoryview(bytearray(PIECE))
    while count := os.readv(file, [buffer]):
        cancel.check()
        running.update(buffer[:count])
        passed(count)
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    return running.hexdigest()
