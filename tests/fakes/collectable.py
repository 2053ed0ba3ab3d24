"""Content in memory that can be collected: engine.collect.Collectable without a disk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from lading.engine.collect import Leftover
from lading.engine.stores import ContentUnknown
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.wire.message import BytesReader, Cancel, Reader


class MemoryCollectable:
    """`meanwhile` is called before each batch is asked about: the last moment in which somebody else may act."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.held: dict[Digest, bytes] = {}
        self.left: dict[str, Leftover] = {}
        self.reads: dict[Digest, int] = {}
        self._meanwhile = meanwhile
        self._referrers: dict[Digest, list[Digest]] = {}

    def put(self, raw: bytes, digest: Digest | None = None) -> Digest:
        """Held from now on."""
        name = digest or Digest.of(raw)
        self.held[name] = raw
        return name

    def put_manifest(self, manifest: Manifest | Index, digest: Digest | None = None) -> Digest:
        """Held, and found by its subject."""
        name = self.put(manifest.raw, digest)
        if manifest.subject is not None:
            self._referrers.setdefault(manifest.subject.digest, []).append(name)
        return name

    def size(self, digest: Digest) -> int | None:
        return len(self.held[digest]) if digest in self.held else None

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        if descriptor.digest not in self.held:
            raise ContentUnknown(descriptor.digest, "memory")
        self.reads[descriptor.digest] = self.reads.get(descriptor.digest, 0) + 1
        raw = self.held[descriptor.digest]
        return BytesReader(raw[offset : None if length is None else offset + length])

    def referrers(self, subject: Digest) -> Collection[Digest]:
        return [digest for digest in self._referrers.get(subject, ()) if digest in self.held]

    def blobs(self) -> Iterable[tuple[Digest, int]]:
        return [(digest, len(raw)) for digest, raw in self.held.items()]

    @contextmanager
    def turn(self, cancel: Cancel) -> Iterator[None]:
        cancel.check()
        yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        yield True

    def sweep(self, digests: Collection[Digest], release: Callable[[Collection[Digest]], Collection[Digest]]) -> None:
        self._meanwhile()
        for digest in release(digests):
            del self.held[digest]

    def leftovers(self, before: float) -> Iterable[Leftover]:
        return list(self.left.values())

    def set_aside(self) -> Iterable[tuple[Digest, Leftover]]:
        return []

    def discard(self, leftover: Leftover) -> bool:
        return self.left.pop(leftover.name, None) is not None
