"""A transfer into the store that has not ended: the file, and what of it is there."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from lading.backends.content_store.background_sync import BackgroundSync
from lading.backends.content_store.journal import Journal, Ranges
from lading.backends.content_store.storage import (
    BytesLost,
    DiskFull,
    StorageUnusable,
    free_bytes,
    storing,
    sync_file,
    syncing,
    write_all,
)
from lading.errors import LadingError

_RESERVE_FROM = 4 * 1024 * 1024


class Partial:
    """Owned by the one who claimed its file (locks.claim); its threads may write at once."""

    def __init__(self, path: Path, file: int, size: int, journal: Journal) -> None:
        self.path, self.file, self.size = path, file, size
        self.held, self.kept = Ranges(), 0
        self._journal = journal
        self._lock = threading.Lock()
        self._grown = threading.Condition(self._lock)
        self._followed = True
        self._syncing = BackgroundSync(self._sync)
        self._begun = self._gone = False

    def begin(self) -> None:
        """Finds what an earlier attempt left. The journal of an empty file speaks of one that became a blob since."""
        with storing(self.path):
            if there := os.fstat(self.file).st_size:
                self.held = self._journal.read(min(there, self.size))
            else:
                self._journal.remove()
        self.kept = self.held.total
        self._begun = True

    def reserve(self) -> None:
        """Makes sure there is room before a byte is fetched. Raises DiskFull, StorageUnusable."""
        status = os.fstat(self.file)
        need = max(0, self.size - status.st_blocks * 512)  # an earlier attempt may have taken all the room already
        with storing(self.path, need):
            free = free_bytes(self.path.parent)
            if need > free:
                raise DiskFull(self.path.parent, need, free, "the file system is nearly full")
            if status.st_size > self.size:
                os.ftruncate(self.file, self.size)
            if self.size >= _RESERVE_FROM and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self.file, 0, self.size)

    def write(self, offset: int, content: memoryview) -> None:
        """Raises DiskFull, StorageUnusable."""
        with storing(self.path, self.size - self.held.total):
            write_all(self.file, content, offset)
            with self._lock:
                self.held = self.held.joined(offset, offset + len(content))
                self._grown.notify_all()
                if self.held.total == self.size:
                    return  # a blob in a moment: nothing to go on with
                self._journal.record(offset, offset + len(content))
                self._syncing.wrote(len(content))

    def read(self, offset: int, buffer: memoryview) -> int:
        """Fills the buffer from what is there. Raises StorageUnusable."""
        with storing(self.path):
            count = os.preadv(self.file, [buffer], offset)
        if not count:
            raise StorageUnusable(self.path, "somebody has cut it")
        return count

    def wait_beyond(self, offset: int) -> int:
        """Until more than `offset` bytes are there without a gap, or nobody follows any more; answers how many are."""
        with self._lock:
            self._grown.wait_for(lambda: self.held.prefix > offset or not self._followed)
            return self.held.prefix if self._followed else offset

    def stop_following(self) -> None:
        """Ends all waiting for more."""
        with self._lock:
            self._followed = False
            self._grown.notify_all()

    def settle(self) -> None:
        """Returns once nothing is being synced any more. Raises what a sync raised; after BytesLost there is nothing to
        go on with."""
        self._syncing.settle()

    def discard(self) -> None:
        """Nothing is there any more; the file stays ours."""
        self._settled()
        self._syncing = BackgroundSync(self._sync)
        with storing(self.path):
            self._journal.remove()
            os.ftruncate(self.file, 0)
        self.held, self.kept, self._followed = Ranges(), 0, True

    def became_blob(self) -> None:
        """The file stands elsewhere now."""
        self._gone = True
        with storing(self.path):
            self._journal.remove()

    def remove(self) -> None:
        """Nothing of it is left on disk."""
        self._gone = True
        with storing(self.path):
            self._journal.remove()
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Lets go of the file: whoever claims it next goes on. Where nothing is there to go on with, nothing stays."""
        try:
            whole = self._settled()
            if self._begun and not self._gone and not (whole and self.held.spans):
                self.remove()
        finally:
            self._journal.close()
            os.close(self.file)

    def _settled(self) -> bool:
        """Once nothing is being synced: False where bytes were lost. Anything else was told already, or is of no use to
        whoever goes on."""
        try:
            self._syncing.settle()
        except BytesLost:
            return False
        except LadingError:
            pass
        return True

    def _sync(self) -> None:
        with self._lock:
            held = self.held
        with syncing(self.path):
            sync_file(self.file)
        with storing(self.path):
            self._journal.synced(held)
