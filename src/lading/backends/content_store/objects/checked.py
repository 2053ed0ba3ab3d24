"""A bucket as whoever re-reads it sees it (services.content.check.CheckedContent)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from lading.backends.content_store.objects import keys
from lading.backends.content_store.objects.content import ObjectContent
from lading.backends.content_store.objects.reading import ObjectReader
from lading.backends.content_store.objects.segments import Segments
from lading.backends.content_store.objects.turns import CHECKING
from lading.oci.digest import Digest
from lading.services.content.check import Kept
from lading.wire.message import Cancel, ReadFailed

PIECE = 256 * 1024


class CheckedBucket:
    """Raises BucketFailed."""

    def __init__(self, content: ObjectContent) -> None:
        self._bucket, self._turns, self._seen = content.bucket, content.turns, content.seen

    def kept(self) -> Iterable[Kept]:
        """Every blob."""
        for entry in self._bucket.entries(keys.BLOBS):
            if (digest := keys.digest_at(entry.key)) is not None:
                yield Kept(digest, entry.size, entry.written)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether no other thread or process checks this bucket; nobody begins to while inside."""
        lock = self._turns.claim(CHECKING)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                lock.release()

    def sound(self, digest: Digest, passed: Callable[[int], None], cancel: Cancel) -> bool | None:
        """Whether its bytes are what its name says; None where it is not held. What cannot be read just now is no
        damage: that raises."""
        found = self._bucket.find(keys.blob(digest))
        if found is None:
            return None
        running = hashlib.new(digest.algorithm)
        reader = ObjectReader(self._bucket, found.key, 0, found.size)
        buffer = memoryview(bytearray(PIECE))
        try:
            while count := reader.readinto(buffer):
                cancel.check()
                running.update(buffer[:count])
                passed(count)
        except ReadFailed:
            if self._bucket.find(found.key) is None:
                return None
            raise
        return running.hexdigest() == digest.encoded

    def set_aside(self, digest: Digest, passed: Callable[[int], None], cancel: Cancel) -> bool:
        """Reads it once more, and moves it where nobody reads it. False where it is sound after all: memory may fail
        too, or the right bytes have come meanwhile."""
        key, aside = keys.blob(digest), keys.damaged(digest)
        before = self._bucket.find(key)
        if before is None or self.sound(digest, passed, cancel) is not False:
            return False
        Segments(self._bucket, aside, "", [before]).become(aside, cancel)
        with self._turns.exclusive():
            if self._bucket.find(key) == before:
                self._bucket.remove([key], at_once=True)
                self._seen.forget(digest)
                return True
        self._bucket.remove([aside])
        return False

    def damaged(self) -> Sequence[Digest]:
        """What was moved aside, and has not come again."""
        aside = (keys.digest_at(entry.key) for entry in self._bucket.entries(keys.DAMAGED))
        return sorted(digest for digest in aside if digest is not None and not self.holds(digest))

    def holds(self, digest: Digest) -> bool:
        """Whether it is here. Leases nothing."""
        return self._bucket.size(keys.blob(digest)) is not None
