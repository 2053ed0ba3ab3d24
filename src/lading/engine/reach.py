"""What a manifest needs: everything that following its children, and theirs, leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lading.engine.stores import ContentUnknown
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import MANIFEST_LIMIT, Index, Manifest, ManifestInvalid, SchemaOneRefused, parse_manifest
from lading.wire.message import Cancel, Reader


class ByDigest(Protocol):
    """Content that can be read by digest alone."""

    def size(self, digest: Digest) -> int | None:
        """In bytes; None where it is not held."""

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """Raises ContentUnknown, ReadFailed."""


@dataclass(frozen=True, slots=True)
class Kin:
    """What a manifest names: its children, and the subject that it is about."""

    children: tuple[Digest, ...] = ()
    subject: Digest | None = None


@runtime_checkable
class RecallsKin(Protocol):
    """Content that remembers what its manifests name: what a digest stands for never changes."""

    def kin(self, digest: Digest) -> Kin | None:
        """None where it is not held, or is no manifest."""


def kin(content: ByDigest, digest: Digest) -> Kin | None:
    """What the manifest of this digest names; None where it is not held, or is no manifest."""
    if isinstance(content, RecallsKin):
        return content.kin(digest)
    return kin_of(read_manifest(content, digest))


def kin_of(manifest: Manifest | Index | None) -> Kin | None:
    """What it names."""
    if manifest is None:
        return None
    children = tuple(child.digest for child in manifest.children)
    return Kin(children, None if manifest.subject is None else manifest.subject.digest)


def reach(
    content: ByDigest,
    roots: Iterable[Digest],
    beside: Callable[[Digest], Iterable[Digest]],
    cancel: Cancel | None = None,
) -> set[Digest]:
    """The roots, what their manifests name, what those name…, and `beside` each of them (its referrers).

    Every piece is looked at once, however often it is named, so nested indexes cost no more than their bytes. What is
    not held (a child for another platform) is named and leads nowhere. Raises Cancelled.
    """
    seen: set[Digest] = set()
    waiting = list(roots)
    while waiting:
        digest = waiting.pop()
        if digest in seen:
            continue
        if cancel is not None:
            cancel.check()
        seen.add(digest)
        if (found := kin(content, digest)) is not None:
            waiting += found.children
            waiting += beside(digest)
    return seen


def read_manifest(content: ByDigest, digest: Digest) -> Manifest | Index | None:
    """The manifest of this digest; None where it is not held, or is no manifest."""
    size = content.size(digest)
    if size is None or size > MANIFEST_LIMIT:
        return None
    try:
        return read_sized(content, digest, size)
    except ContentUnknown:
        return None


def read_sized(content: ByDigest, digest: Digest, size: int) -> Manifest | Index | None:
    """The manifest of this digest and size; None where it is none. Raises ContentUnknown, ReadFailed."""
    raw = _read_object(content.open(Descriptor("", digest, size)), size)
    try:
        return parse_manifest(raw) if raw else None
    except (ManifestInvalid, SchemaOneRefused):
        return None


def _read_object(reader: Reader, size: int) -> bytes:
    """All `size` bytes where they begin as JSON objects do, else none: a small layer is not read for nothing."""
    first = bytearray(1)
    try:
        if not reader.readinto(memoryview(first)) or first != b"{":
            return b""
        return bytes(first) + read_all(reader, size - 1)
    finally:
        reader.close()


def read_checked(descriptor: Descriptor, reader: Reader) -> bytes:
    """All of a small piece, held against its descriptor; closes the reader.

    Raises ContentTooShort, ContentTooLong, DigestMismatch.
    """
    raw = read_all(reader, descriptor.size + 1)
    verifier = descriptor.digest.verifier(descriptor.size)
    verifier.update(raw)
    verifier.finish()
    return raw


def read_all(reader: Reader, size: int) -> bytes:
    """At most `size` bytes of it, closed afterwards."""
    content = bytearray(size)
    filled = 0
    try:
        while filled < size and (count := reader.readinto(memoryview(content)[filled:])):
            filled += count
    finally:
        reader.close()
    return bytes(content[:filled])
