"""Checking what is held: every byte of an image read again and compared with its digest."""

from __future__ import annotations

from dataclasses import dataclass

from lading.engine.stores import Source
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import is_document
from lading.services.reading import read_manifest
from lading.wire.message import Cancel

_BUFFER = 256 * 1024


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was read and found right: pieces of content, and their bytes."""

    pieces: int
    size: int


def check_image(source: Source, root: Descriptor, cancel: Cancel) -> Checked:
    """Reads the root and all it names. Raises ContentUnknown, ContentCorrupt, Cancelled."""
    seen: set[Digest] = set()
    waiting, size = [root], 0
    while waiting:
        descriptor = waiting.pop()
        if descriptor.digest in seen:
            continue
        seen.add(descriptor.digest)
        _check(source, descriptor, cancel)
        size += descriptor.size
        if is_document(descriptor.media_type):
            waiting += read_manifest(source, descriptor).children
    return Checked(len(seen), size)


def _check(source: Source, descriptor: Descriptor, cancel: Cancel) -> None:
    verifier = descriptor.digest.verifier(descriptor.size)
    buffer = memoryview(bytearray(_BUFFER))
    reader = source.open(descriptor)
    try:
        while count := reader.readinto(buffer):
            cancel.check()
            verifier.update(buffer[:count])
    finally:
        reader.close()
    verifier.finish()
