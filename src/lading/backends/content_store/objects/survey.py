"""A bucket looked at as a whole, for a collection: two lists, and of the manifests those that were never read here.

    what is held      the list of blobs: sizes, and what the store calls each writing of an object
    who refers        the list of referrers
    what is named     read once in a process for each writing: its bytes stay as they are. Nor is a small layer read
                      again, of which only its first byte tells that it is no manifest

So what a collection asks the object store for follows what came since the last one, beside a page of lists for a
thousand objects.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable

from lading.backends.content_store.objects import keys
from lading.backends.content_store.objects.bucket import Entry
from lading.backends.content_store.objects.content import ObjectContent
from lading.engine.reach import Kin, kin_of, read_sized
from lading.engine.stores import ContentUnknown
from lading.oci.descriptor import Descriptor
from lading.oci.digest import HEX_LENGTH, Algorithm, Digest
from lading.oci.manifest import MANIFEST_LIMIT
from lading.wire.message import Reader

MEMORY = 64 * 1024 * 1024
"""Bytes that are kept of what manifests name, about: a hundred thousand of them, with as many small layers."""

_OVERHEAD = 150
"""Bytes that one more entry takes, about."""

_ALGORITHMS = tuple(Algorithm)


class Families:
    """What manifests name, and which pieces are none; bounded, most lately asked for last. For any thread."""

    def __init__(self, memory: int = MEMORY) -> None:
        """`memory` is how many bytes are kept, about."""
        self._memory, self._lock = memory, threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def of(self, writing: str, read: Callable[[], Kin | None]) -> Kin | None:
        """What this writing of an object names; None where it is no manifest. What `read` raises is not remembered."""
        with self._lock:
            if writing in self._kept:
                self._kept.move_to_end(writing)
                return _unpacked(self._kept[writing])
        found = read()
        packed = _packed(found)
        with self._lock:
            if writing not in self._kept:
                self._kept[writing] = packed
                self._size += _OVERHEAD + len(writing) + len(packed)
            while self._size > self._memory:
                gone, named = self._kept.popitem(last=False)
                self._size -= _OVERHEAD + len(gone) + len(named)
        return found


class Survey:
    """Fulfils engine.collect.Related and engine.reach.RecallsKin, for one collection. Raises BucketFailed."""

    def __init__(self, content: ObjectContent, families: Families) -> None:
        self._content, self._families = content, families
        listed = ((keys.digest_at(entry.key), entry) for entry in content.bucket.entries(keys.BLOBS))
        self._entries: dict[Digest, Entry] = {digest: entry for digest, entry in listed if digest is not None}
        self._referring: dict[str, list[Digest]] = {}
        for entry in content.bucket.entries(keys.REFERRERS):
            referrer = keys.referrer_at(entry.key)
            if referrer is not None and referrer in self._entries:
                self._referring.setdefault(entry.key.rpartition("/")[0], []).append(referrer)

    def blobs(self) -> Iterable[tuple[Digest, int]]:
        """Everything held, with its size in bytes."""
        return [(digest, entry.size) for digest, entry in self._entries.items()]

    def size(self, digest: Digest) -> int | None:
        """In bytes; None where it was not held."""
        entry = self._entries.get(digest)
        return None if entry is None else entry.size

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """As Source.open."""
        return self._content.open(descriptor, offset, length)

    def referrers(self, subject: Digest) -> Collection[Digest]:
        """What is held and has this subject."""
        return self._referring.get(keys.referrers(subject), ())

    def kin(self, digest: Digest) -> Kin | None:
        """As RecallsKin.kin."""
        entry = self._entries.get(digest)
        if entry is None or entry.size > MANIFEST_LIMIT:
            return None

        def read() -> Kin | None:
            return kin_of(read_sized(self, digest, entry.size))

        try:
            return read() if entry.tag is None else self._families.of(f"{digest} {entry.tag}", read)
        except ContentUnknown:  # it has gone since
            return None


_NONE, _MANIFEST, _REFERRER = b"", b"m", b"r"
"""How what is kept begins: of no manifest, of one, and of one whose first digest is its subject."""


def _packed(kin: Kin | None) -> bytes:
    if kin is None:
        return _NONE
    named = kin.children if kin.subject is None else (kin.subject, *kin.children)
    kind = _MANIFEST if kin.subject is None else _REFERRER
    return kind + b"".join(
        bytes([_ALGORITHMS.index(digest.algorithm)]) + bytes.fromhex(digest.encoded) for digest in named
    )


def _unpacked(packed: bytes) -> Kin | None:
    if packed == _NONE:
        return None
    named: list[Digest] = []
    at = 1
    while at < len(packed):
        algorithm = _ALGORITHMS[packed[at]]
        end = at + 1 + HEX_LENGTH[algorithm] // 2
        named.append(Digest(algorithm, packed[at + 1 : end].hex()))
        at = end
    return Kin(tuple(named[1:]), named[0]) if packed[:1] == _REFERRER else Kin(tuple(named))
