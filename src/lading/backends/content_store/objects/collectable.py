"""A bucket as garbage collection sees it (engine.collect.Collectable)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from lading.backends.content_store.objects import keys
from lading.backends.content_store.objects.bucket import Bucket
from lading.backends.content_store.objects.content import ObjectContent
from lading.backends.content_store.objects.survey import Families, Survey
from lading.backends.content_store.objects.turns import COLLECTING, Lock, claimed
from lading.engine.collect import Leftover
from lading.engine.reach import read_manifest
from lading.errors import StorageFailed
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import Cancel, Reader


class TurnLost(StorageFailed):
    """This process was silent so long that another one may collect here by now."""

    hint = "Nothing is lost: what it left lying, the next collection removes."

    def __init__(self, bucket: str) -> None:
        super().__init__(bucket)
        self.bucket = bucket

    def __str__(self) -> str:
        return f"the collection in {self.bucket} was held up so long that another one may have begun"


class CollectableBucket:
    """Looks at and removes what lies in the bucket. Raises BucketFailed."""

    def __init__(self, content: ObjectContent) -> None:
        self._content, self._turns = content, content.turns
        self._families = Families()
        self._lock: Lock | None = None
        """Of whoever has the turn."""

    @property
    def _bucket(self) -> Bucket:
        return self._content.bucket

    def size(self, digest: Digest) -> int | None:
        """In bytes; None where it is not held."""
        return self._content.size(digest)

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """As Source.open."""
        return self._content.open(descriptor, offset, length)

    def referrers(self, subject: Digest) -> Collection[Digest]:
        """What is held and has this subject."""
        return self._content.referrers(subject)

    def blobs(self) -> Iterable[tuple[Digest, int]]:
        """Everything held, with its size in bytes."""
        for entry in self._bucket.entries(keys.BLOBS):
            if (digest := keys.digest_at(entry.key)) is not None:
                yield digest, entry.size

    def surveyed(self) -> Survey:
        """As engine.collect.Distant.surveyed."""
        return Survey(self._content, self._families)

    @contextmanager
    def turn(self, cancel: Cancel) -> Iterator[None]:
        """Inside, no thread or process but this one collects here. Raises Cancelled."""
        self._lock = lock = claimed(self._turns, COLLECTING, cancel)
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Nobody can tell who else uses a bucket."""
        yield False

    def sweep(self, digests: Collection[Digest], release: Callable[[Collection[Digest]], Collection[Digest]]) -> None:
        """Removes those of these that `release` lets go. From the asking until they are gone, nobody can lease any.

        A process that was frozen, or lost the database, may have lost its turn and the gate as well; and a second
        collector has dropped the leases by which the first would see what work has named meanwhile. So it is asked once
        more, after the leases, whether all that still stands. Raises TurnLost.
        """
        subjects = {digest: self._subject(digest) for digest in digests}
        with self._turns.exclusive() as alone:
            going = release(digests)
            if self._lock is None or not alone.has(self._lock):
                raise TurnLost(self._bucket.name)
            self._bucket.remove([keys.blob(digest) for digest in going], at_once=True)
        referring = ((subjects[digest], digest) for digest in going)
        self._bucket.remove([keys.referrer(subject, digest) for subject, digest in referring if subject is not None])

    def _subject(self, digest: Digest) -> Digest | None:
        manifest = read_manifest(self._content, digest)
        return None if manifest is None or manifest.subject is None else manifest.subject.digest

    def leftovers(self, before: float) -> Iterable[Leftover]:
        """Transfers and uploads that have not ended."""
        found: dict[str, tuple[int, float]] = {}
        for folder in (keys.PARTIAL, keys.UPLOADS):
            for entry in self._bucket.entries(folder):
                name = entry.key.rpartition("/")[0]
                size, touched = found.get(name, (0, 0.0))
                found[name] = (size + entry.size, max(touched, entry.written))
        for name, (size, touched) in found.items():
            yield Leftover(name, size, touched, given_up=touched < before)

    def set_aside(self) -> Iterable[tuple[Digest, Leftover]]:
        """What was moved to damaged/."""
        for entry in self._bucket.entries(keys.DAMAGED):
            if (digest := keys.digest_at(entry.key)) is not None:
                yield digest, Leftover(entry.key, entry.size, entry.written, given_up=True)

    def discard(self, leftover: Leftover) -> bool:
        """Removes it; False where somebody works on it again, or did since it was looked at."""
        lock = self._turns.claim(leftover.name)
        if lock is None:
            return False
        try:
            if leftover.name.startswith(f"{keys.DAMAGED}/"):
                self._bucket.remove([leftover.name])
                return True
            entries = tuple(self._bucket.entries(leftover.name))
            if max((entry.written for entry in entries), default=0.0) != leftover.touched:
                return False
            lock.end()  # an upload's session is forgotten with its bytes, and before them
            self._bucket.remove([entry.key for entry in entries])
            return True
        finally:
            lock.release()
