"""What layouts and archives share: finding images by name in their index, and manifests that are checked when read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lading.engine.reach import read_checked
from lading.engine.stores import TagUnknown
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.layout_index import bare, entry_name, find, is_named
from lading.oci.manifest import MANIFEST_LIMIT, Index, Manifest, ManifestInvalid, parse_manifest
from lading.wire.message import BytesContent, Reader


def named_image(entries: Sequence[Descriptor], name: str, where: str) -> Descriptor:
    """Raises TagUnknown with the names that are there, and ArchiveInvalid where two images answer to the name."""
    entry = find(tuple(entries), name)
    if entry is None:
        given = [each for each in entries if is_named(each)]
        raise TagUnknown(name, where, tuple(names_of(given or entries, "")))
    return bare(entry)


def names_of(entries: Sequence[Descriptor], after: str) -> Iterator[str]:
    """In order, each once; an image without a name is called by its digest."""
    names = {entry_name(entry) for entry in entries}
    yield from sorted(name for name in names if name > after)


def manifest_of(digest: Digest, size: int, reader: Reader) -> Manifest | Index:
    """The manifest of this digest, whose type only its own bytes say; closes the reader.

    Raises ManifestInvalid, DigestMismatch.
    """
    return parse_manifest(_checked(Descriptor("", digest, size), reader))


def checked_manifest(descriptor: Descriptor, reader: Reader, offset: int, length: int | None) -> Reader:
    """Part of a manifest that was first read whole and checked: so no index can contain itself, however a folder or
    an archive was put together. Closes `reader`. Raises ManifestInvalid, DigestMismatch."""
    return BytesContent(_checked(descriptor, reader)).open(offset, length)


def _checked(descriptor: Descriptor, reader: Reader) -> bytes:
    if descriptor.size > MANIFEST_LIMIT:
        reader.close()
        raise ManifestInvalid("the text", f"has {descriptor.size} bytes; {MANIFEST_LIMIT} are allowed")
    return read_checked(descriptor, reader)
