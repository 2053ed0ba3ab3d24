"""Stores in memory, for tests of whatever moves content: they count what is asked and fail by plan.

`MemoryStore` is Source, Store and Referrers. `MemoryRepository` stands in a `MemoryRegistry` and can mount.
`RangedMemoryStore` takes several parts at once. Trouble is planned per digest and used up one opening (or push) at a
time:

    store.reading[digest].append(Cut(10))      # the next open breaks after 10 bytes
    store.writing[digest].append(Cut(10))      # the next push loses its connection after 10 bytes and goes on there
    store.reading[digest].append(Lie())        # other bytes of the same length
    store.reading[digest].append(Stall(gate))  # silent after the first byte, until the gate is set or the reader closed
    store.writing[digest].append(Fail(error))  # raises this
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from lading.engine.stores import Condition, ContentUnknown, Outcome, TagMoved, TagUnknown, TagUnproven, Track
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.media_types import MANIFEST_TYPES, is_index
from lading.oci.reference import Repository
from lading.wire.message import BytesContent, Cancel, ConnectionLost, Content, Reader
from lading.wire.progress import State

BUFFER = 4


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is lost after `after` bytes."""

    after: int


@dataclass(frozen=True, slots=True)
class Lie:
    """Other bytes than the digest names; `extra` changes the length (negative: ends early)."""

    extra: int = 0


@dataclass(frozen=True, slots=True)
class Stall:
    """Silence after `after` bytes, until `gate` is set; `reached` is set when it begins."""

    gate: threading.Event
    after: int = 1
    reached: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Fail:
    """This is raised instead."""

    error: BaseException


Trouble = Cut | Lie | Stall | Fail


def take(plan: dict[Digest, list[Trouble]], digest: Digest) -> Trouble | None:
    """The next trouble planned for this content, used up."""
    return plan[digest].pop(0) if plan.get(digest) else None


class MemoryReader:
    """Hands out a few bytes at a time, so that plans cut in the middle."""

    def __init__(self, content: bytes, trouble: Trouble | None, buffer: int) -> None:
        self._rest, self._trouble, self._buffer = memoryview(content), trouble, buffer
        self._passed = 0
        self._closed = threading.Event()

    def readinto(self, buffer: memoryview, /) -> int:
        most = min(len(buffer), len(self._rest), self._buffer)
        if isinstance(self._trouble, Cut | Stall):
            most = self._before(self._trouble, most)
        buffer[:most] = self._rest[:most]
        self._rest = self._rest[most:]
        self._passed += most
        return most

    def _before(self, trouble: Cut | Stall, most: int) -> int:
        if self._passed < trouble.after:
            return min(most, trouble.after - self._passed)
        if isinstance(trouble, Cut):
            raise ConnectionLost("memory", "as planned")
        trouble.reached.set()
        while not trouble.gate.wait(0.01):
            if self._closed.is_set():
                raise ConnectionLost("memory", "closed while it waited")
        self._trouble = None
        return most

    def close(self) -> None:
        self._closed.set()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()


class MemoryStore:
    """Content and names in dictionaries; every opening, push and name asked for is counted.

    `complete` refuses a manifest whose children are not held, as registries do. `verifies` and `verified` are what the
    protocol says. Thread-safe.
    """

    def __init__(
        self,
        name: str = "memory",
        *,
        verified: bool = False,
        verifies: bool = False,
        complete: bool = True,
        buffer: int = BUFFER,
    ) -> None:
        self.name, self.verified, self.verifies, self.complete, self.buffer = name, verified, verifies, complete, buffer
        self.blobs: dict[Digest, bytes] = {}
        self.held: dict[Digest, Descriptor] = {}
        self.names: dict[str, Descriptor] = {}
        self.partial: dict[Digest, bytearray] = {}
        self.reading: dict[Digest, list[Trouble]] = defaultdict(list)
        self.writing: dict[Digest, list[Trouble]] = defaultdict(list)
        self.refusing: dict[str, LadingError] = {}
        self.unproven: set[str] = set()
        self.opened: list[tuple[Digest, int, int | None]] = []
        self.asked: list[str] = []
        self.pushed: list[Digest] = []
        self.readers: list[MemoryReader] = []
        self.bytes_in = 0
        self.lock = threading.RLock()
        self.receiving: defaultdict[Digest, threading.Lock] = defaultdict(threading.Lock)

    # ── filling it

    def put(self, content: bytes, media_type: str, algorithm: Algorithm = Algorithm.SHA256) -> Descriptor:
        """Hold this content from the start."""
        descriptor = Descriptor(media_type, Digest.of(content, algorithm), len(content))
        self.blobs[descriptor.digest] = content
        self.held[descriptor.digest] = descriptor
        return descriptor

    def put_manifest(self, document: Mapping[str, object], tag: str | None = None) -> Descriptor:
        """Hold this document as a manifest or index of its own `mediaType`, and name it."""
        descriptor = self.put(json.dumps(document).encode(), str(document["mediaType"]))
        if tag is not None:
            self.names[tag] = descriptor
        return descriptor

    def opens(self, digest: Digest) -> int:
        """How often this content was opened."""
        return sum(1 for opened, _, _ in self.opened if opened == digest)

    @property
    def all_closed(self) -> bool:
        """Whether every reader handed out was closed."""
        return all(reader.closed for reader in self.readers)

    # ── Source

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        with self.lock:
            self.opened.append((descriptor.digest, offset, length))
            trouble = take(self.reading, descriptor.digest)
            if isinstance(trouble, Fail):
                raise trouble.error
            content = self._content(descriptor.digest)
            if isinstance(trouble, Lie):
                content = (bytes(byte ^ 1 for byte in content) + b"?" * max(0, trouble.extra))[
                    : len(content) + trouble.extra
                ]
            end = len(content) if length is None else offset + length
            reader = MemoryReader(content[offset:end], trouble, self.buffer)
            self.readers.append(reader)
            return reader

    def _content(self, digest: Digest) -> bytes:
        try:
            return self.blobs[digest]
        except KeyError:
            raise ContentUnknown(digest, self.name) from None

    # ── Target

    def has(self, descriptor: Descriptor) -> bool:
        with self.lock:
            self.asked.append(f"has {descriptor.digest}")
            return descriptor.digest in self.blobs

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        cancel.check()
        with self.lock:
            self.asked.append(f"push {descriptor.digest}")
        with self._alone(descriptor.digest, cancel):
            with self.lock:
                if descriptor.digest in self.blobs:
                    return Outcome.EXISTS
                trouble = take(self.writing, descriptor.digest)
            if isinstance(trouble, Fail):
                raise trouble.error
            self._receive(descriptor, content, track, cancel, trouble)
        return Outcome.SENT

    @contextmanager
    def _alone(self, digest: Digest, cancel: Cancel) -> Iterator[None]:
        """One writer of a piece at a time, as in a folder; who comes second waits, and finds it there."""
        with self.lock:
            receiving = self.receiving[digest]
        while not receiving.acquire(timeout=0.01):
            cancel.check()
        try:
            yield
        finally:
            receiving.release()

    def _receive(
        self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel, trouble: Trouble | None
    ) -> None:
        received = self.partial.setdefault(descriptor.digest, bytearray())
        kept = len(received)
        if isinstance(trouble, Cut):
            self._drain(received, content, track, cancel, trouble.after + self.buffer, kept)
            del received[trouble.after :]  # what was on its way is lost
            track(State.RETRYING, len(received), detail="connection lost", seconds=0)
        if isinstance(trouble, Stall):
            self._drain(received, content, track, cancel, trouble.after, kept)
            trouble.reached.set()
            while not trouble.gate.is_set():
                cancel.wait(0.01)
        beyond = 1 if self.verifies else 0  # to notice content that goes on past its size
        self._drain(received, content, track, cancel, descriptor.size + beyond, kept)
        self.commit(descriptor, bytes(received))

    def _drain(
        self, received: bytearray, content: Content, track: Track, cancel: Cancel, until: int, kept: int
    ) -> None:
        """Read on until `until` bytes are here; a closing of the reader stands for a lost connection."""
        if len(received) >= min(until, content.size) > 0:
            return
        reader = content.open(len(received))
        try:
            buffer = memoryview(bytearray(self.buffer))
            while len(received) < until and (count := reader.readinto(buffer[: until - len(received)])):
                cancel.check()
                received += buffer[:count]
                with self.lock:
                    self.bytes_in += count
                track(State.MOVING, len(received), kept=kept)
        finally:
            reader.close()

    def commit(self, descriptor: Descriptor, received: bytes) -> None:
        """The whole body is here: check what this store checks, and hold it."""
        if self.verifies:
            verifier = descriptor.digest.verifier(descriptor.size)
            try:
                verifier.update(received)
                verifier.finish()
            except LadingError:
                del self.partial[descriptor.digest]
                raise
        self._check_children(descriptor, received)
        with self.lock:
            self.blobs[descriptor.digest] = received
            self.held[descriptor.digest] = replace(descriptor, platform=None, annotations={})
            self.pushed.append(descriptor.digest)
            self.partial.pop(descriptor.digest, None)

    def _check_children(self, descriptor: Descriptor, raw: bytes) -> None:
        if not (self.complete and descriptor.media_type in MANIFEST_TYPES):
            return
        document = json.loads(raw)
        children = (
            document["manifests"] if is_index(descriptor.media_type) else [document["config"], *document["layers"]]
        )
        for child in children:
            if not child.get("urls"):
                self._content(Digest.parse(child["digest"]))

    # ── Tags

    def resolve(self, name: str | Digest) -> Descriptor:
        with self.lock:
            self.asked.append(f"resolve {name}")
            if isinstance(name, Digest):
                self._content(name)
                return self.held[name]
            if name not in self.names:
                raise TagUnknown(name, self.name)
            return self.names[name]

    def tag(
        self, descriptor: Descriptor, content: Content, tags: Sequence[str], condition: Condition, cancel: Cancel
    ) -> Mapping[str, LadingError | None]:
        cancel.check()
        reader = content.open()
        raw = bytearray(content.size)
        filled = 0
        while count := reader.readinto(memoryview(raw)[filled:]):
            filled += count
        reader.close()
        with self.lock:
            self.asked.append(f"tag {descriptor.digest} {' '.join(tags)}")
            self._check_children(descriptor, bytes(raw))
            if descriptor.digest not in self.blobs:
                self.commit(descriptor, bytes(raw))
            return {tag: self._point(tag, descriptor, condition) for tag in tags}

    def _point(self, tag: str, descriptor: Descriptor, condition: Condition) -> LadingError | None:
        holds = self.names.get(tag)
        if tag in self.refusing:
            return self.refusing[tag]
        if condition == "absent" and holds is not None and holds.digest != descriptor.digest:
            return TagMoved(tag, self.name, holds.digest)
        if isinstance(condition, Digest) and (holds is None or holds.digest not in {condition, descriptor.digest}):
            return TagMoved(tag, self.name, holds.digest if holds else None)
        if tag in self.unproven:
            return TagUnproven(tag, self.name, descriptor.digest, None)
        self.names[tag] = self.held[descriptor.digest]
        return None

    def untag(self, tag: str) -> None:
        with self.lock:
            if self.names.pop(tag, None) is None:
                raise TagUnknown(tag, self.name)

    def tags(self, after: str = "") -> Iterator[str]:
        yield from sorted(tag for tag in self.names if tag > after)

    # ── Referrers

    def referrers(self, subject: Digest) -> Iterable[Descriptor]:
        with self.lock:
            self.asked.append(f"referrers {subject}")
            found = []
            for digest, descriptor in self.held.items():
                if descriptor.media_type in MANIFEST_TYPES:
                    named = json.loads(self.blobs[digest]).get("subject")
                    if named and named["digest"] == str(subject):
                        found.append(descriptor)
            return found


class RangedMemoryStore(MemoryStore):
    """Takes a piece in two parts at once where a lane is spare; `spares` keeps what it was told."""

    def __init__(self, name: str = "memory", **options: bool) -> None:
        super().__init__(name, **options)
        self.spares: list[tuple[Digest, bool]] = []

    def push_ranged(
        self, descriptor: Descriptor, content: Content, spare: Callable[[], bool], track: Track, cancel: Cancel
    ) -> Outcome:
        told = spare()
        with self.lock:
            self.spares.append((descriptor.digest, told))
        if told and descriptor.digest not in self.blobs and descriptor.size > 1:
            half = descriptor.size // 2
            tail = self._part(content, half, descriptor.size - half)
            received = self._part(content, 0, half) + tail
            self.commit(descriptor, received)
            return Outcome.SENT
        return self.push(descriptor, content, track, cancel)

    def _part(self, content: Content, offset: int, length: int) -> bytes:
        reader = content.open(offset, length)
        try:
            part = bytearray()
            buffer = memoryview(bytearray(self.buffer))
            while count := reader.readinto(buffer):
                part += buffer[:count]
            return bytes(part)
        finally:
            reader.close()


class MemoryRegistry:
    """Repositories that can mount from each other."""

    def __init__(self, host: str = "registry.test") -> None:
        self.host = host
        self.repositories: dict[Repository, MemoryRepository] = {}

    def repository(self, path: str) -> MemoryRepository:
        """Made where it is not there yet, as registries do."""
        place = Repository(self.host, path)
        if place not in self.repositories:
            self.repositories[place] = MemoryRepository(place, self)
        return self.repositories[place]


class MemoryRepository(MemoryStore):
    """A repository: a Mounter that counts mounts, and refuses those from `unreadable` repositories."""

    def __init__(self, repository: Repository, registry: MemoryRegistry) -> None:
        super().__init__(str(repository))
        self.repository, self.registry = repository, registry
        self.expected: list[frozenset[Repository]] = []
        self.mounts: list[tuple[Digest, tuple[Repository, ...]]] = []
        self.unreadable: set[Repository] = set()

    def expect(self, origins: Collection[Repository]) -> None:
        self.expected.append(frozenset(origins))

    def mount(
        self,
        descriptor: Descriptor,
        content: Content,
        origins: Sequence[Repository],
        track: Track,
        cancel: Cancel,
    ) -> Outcome:
        with self.lock:
            self.mounts.append((descriptor.digest, tuple(origins)))
            for origin in [*origins, self.repository]:
                holder = self.registry.repositories.get(origin)
                if holder is None or origin in self.unreadable or descriptor.digest not in holder.blobs:
                    continue
                if holder is self:
                    return Outcome.EXISTS
                self.blobs[descriptor.digest] = holder.blobs[descriptor.digest]
                self.held[descriptor.digest] = descriptor
                track(State.MOUNTED, descriptor.size, detail=str(origin))
                return Outcome.MOUNTED
        return self.push(descriptor, content, track, cancel)


class MemoryLocations:
    """What is known to be where, in order of learning."""

    def __init__(self) -> None:
        self.known: dict[Digest, list[Repository]] = defaultdict(list)

    def of(self, digest: Digest, registry: str) -> Sequence[Repository]:
        return [place for place in reversed(self.known.get(digest, [])) if place.registry == registry]

    def learn(self, digest: Digest, repository: Repository) -> None:
        if repository not in self.known[digest]:
            self.known[digest].append(repository)


def content_of(raw: bytes) -> BytesContent:
    """Bytes as Content, for tests that call a store directly."""
    return BytesContent(raw)
