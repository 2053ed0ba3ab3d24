"""What the registry is asked thousands of times a second: is it held, and what are its bytes.

The rows are looked up and the content leased once, and then remembered for as long as nobody commits anything, and no
longer than `RENEWED_SECONDS`, so that a lease never runs out under what is still answered. Small content is kept in
memory, most lately used last; it was checked against its digest when it was read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable
from typing import Protocol

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.changes import Changes, Remembered
from lading.services.repositories.records import RepositoryRecords
from lading.wire.message import Reader, ReadFailed

RENEWED_SECONDS = 600.0
"""A lease is renewed as often (engine.records.Leases), and lasts a day."""

SMALL = 64 * 1024
"""Bytes: manifests and configs, as a rule."""

MEMORY = 32 * 1024 * 1024
"""Bytes of small content that are kept at most."""


class Held(Protocol):
    """What is asked of the content here (see RepositoryContent)."""

    def keep(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Lease those that are here; returns those that are not."""

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """Raises ContentUnknown."""


class Unsteady:
    """Fulfils Changes where nobody can tell: nothing is remembered."""

    at_once = True

    def stamp(self) -> Hashable:
        return object()

    def woken(self, topic: str | None) -> None:
        """It knew already."""


class Renewed:
    """Fulfils Changes: as another one, and anew every `RENEWED_SECONDS` of a clock of seconds."""

    def __init__(self, changes: Changes, clock: Callable[[], float]) -> None:
        self._changes, self._clock = changes, clock

    @property
    def at_once(self) -> bool:
        return self._changes.at_once

    def stamp(self) -> Hashable:
        return self._changes.stamp(), self._clock() // RENEWED_SECONDS

    def woken(self, topic: str | None) -> None:
        self._changes.woken(topic)


class RepositoryLookups:
    """For any number of threads. Everything raises StorageFailed."""

    def __init__(self, records: RepositoryRecords, content: Held, changes: Changes) -> None:
        self._records, self._content, self._changes = records, content, changes
        self._manifests = Remembered(changes, self._look_for_manifest)
        self._blobs = Remembered(changes, self._look_for_blob)
        self._small = SmallContent(content)

    def manifest(self, repository: str, reference: str | Digest) -> Descriptor | None:
        """By tag or digest, leased: its type, digest and size alone. None where the repository does not hold it, or its
        bytes are gone.

        Where another process's commits are heard of late, a tag is looked up each time: whoever has just moved it, and
        asks here next, gets what it was moved to.
        """
        if isinstance(reference, str) and not self._changes.at_once:
            return self._look_for_manifest((repository, reference))
        return self._manifests.of((repository, reference))

    def blob(self, repository: str, digest: Digest) -> int | None:
        """The size of a blob that the repository holds, leased; None where it does not, or its bytes are gone."""
        return self._blobs.of((repository, digest))

    def small(self, descriptor: Descriptor) -> bytes | None:
        """The bytes of what was found here, where they are few; None where they are not, or are no longer there.

        Raises ReadFailed where they are not what they should be.
        """
        return self._small.of(descriptor) if descriptor.size <= SMALL else None

    def _look_for_manifest(self, key: tuple[str, str | Digest]) -> Descriptor | None:
        repository, reference = key
        found = self._records.view(repository).descriptor(reference)
        return None if found is None or self._content.keep((found.digest,)) else found

    def _look_for_blob(self, key: tuple[str, Digest]) -> int | None:
        repository, digest = key
        size = self._records.view(repository).blob(digest)
        return None if size is None or self._content.keep((digest,)) else size


class SmallContent:
    """Whole blobs in memory, by digest; bounded. What a digest names never changes, so nothing is ever out of date.

    They are in two halves, so that what is asked for again and again is found without a lock: what is new goes to the
    young half, and what is asked for in the old one comes back there. Where the young one is full it becomes the old
    one, whose content nobody wanted since is forgotten.
    """

    def __init__(self, content: Held, memory: int = MEMORY) -> None:
        """`memory` is how many bytes are kept."""
        self._content, self._memory = content, memory
        self._lock = threading.Lock()
        self._young: dict[Digest, bytes] = {}
        self._old: dict[Digest, bytes] = {}
        self._size = 0

    def of(self, descriptor: Descriptor) -> bytes:
        """Raises ContentUnknown, ReadFailed."""
        found = self._young.get(descriptor.digest)
        if found is None:
            found = self._old.get(descriptor.digest)
            if found is None:
                found = self._read(descriptor)
            self._keep(descriptor.digest, found)
        return found

    def _keep(self, digest: Digest, found: bytes) -> None:
        with self._lock:
            if digest in self._young:
                return
            if self._size + len(found) > self._memory // 2:
                self._young, self._old, self._size = {}, self._young, 0
            self._young[digest] = found
            self._size += len(found)

    def _read(self, descriptor: Descriptor) -> bytes:
        reader, room = self._content.open(descriptor), memoryview(bytearray(descriptor.size + 1))
        try:
            filled = 0
            while count := reader.readinto(room[filled:]):
                filled += count
        finally:
            reader.close()
        found = bytes(room[:filled])
        if Digest.of(found, descriptor.digest.algorithm) != descriptor.digest:
            raise ReadFailed(str(descriptor.digest), "its bytes are damaged")
        return found
