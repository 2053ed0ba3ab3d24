"""What is attached to an image, and whether something could run it as an image all the same.

What a manifest says of itself is the word of whoever pushed it: a subject, a tag like a signature's, the types of its
config and layers, which docker's engine hardly looks at. So the bytes decide: without a file system nothing runs.
"""

from __future__ import annotations

from collections.abc import Iterable

from lading.engine.reach import read_all
from lading.engine.stores import ContentUnknown
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.services.repositories.attached_lists import document
from lading.services.repositories.protection import is_attached
from lading.services.repositories.records import RepositoryView
from lading.services.repositories.repositories import Repositories

NO_CONFIG = Digest.of(b"{}")
"""A config that names no layer: whatever lies beside it, no program unpacks."""

MOST_READ = 200
"""Layers of an attachment, and entries of a list of attachments, that are looked into; one with more is none."""

FILE_SYSTEMS = (".tar", "image.layer", "image.rootfs")
"""What the types of file systems have in them."""

COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
"""How gzip, bzip2, xz and zstd begin, which programs know by this alone."""

_BLOCK = 512
_SUM = slice(148, 156)
"""Where the header of a tar has the sum of its own bytes."""


def is_attachment(view: RepositoryView, repositories: Repositories, root: Descriptor) -> bool:
    """Whether it is attached to something, and nothing can run it. Raises StorageFailed."""
    held = view.manifest(root.digest)
    if held is None or (held.subject is None and not any(is_attached(tag.name) for tag in view.naming(root.digest))):
        return False
    read = document(root, repositories.open)
    if isinstance(read, Index):
        return len(read.manifests) <= MOST_READ and not any(
            _leads_on(view, repositories, each) for each in read.manifests
        )
    return read is not None and not _can_run(read, repositories)


def _leads_on(view: RepositoryView, repositories: Repositories, entry: Descriptor) -> bool:
    """Whether an entry of a list is more than an attachment: an image, though it may be a signed one, since the list
    says that it stands for its tag; or a further list."""
    held = view.manifest(entry.digest)
    if held is None:
        return False
    read = document(held.descriptor, repositories.open)
    return not isinstance(read, Manifest) or _can_run(read, repositories)


def _can_run(read: Manifest, repositories: Repositories) -> bool:
    if read.config.digest == NO_CONFIG:
        return False
    return len(read.layers) > MOST_READ or any(_is_file_system(layer, repositories) for layer in read.layers)


def _is_file_system(layer: Descriptor, repositories: Repositories) -> bool:
    if layer.urls or any(part in layer.media_type.lower() for part in FILE_SYSTEMS):
        return True
    length = min(layer.size, _BLOCK)
    try:
        head = read_all(repositories.open(layer, 0, length), length)
    except ContentUnknown:
        return True
    return head.startswith(COMPRESSED) or _is_skippable(head) or _is_tar(head)


def _is_skippable(head: bytes) -> bool:
    """A frame before zstd's first (RFC 8878, 3.1.2)."""
    return head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 0x5


def _is_tar(head: bytes) -> bool:
    """By the sum, signed or not, as Go's reader has it: the only thing that every kind of tar must have."""
    if len(head) < _BLOCK:
        return False
    told = head[_SUM].strip(b" \0").partition(b"\0")[0]
    try:
        said = int(told, 8)
    except ValueError:
        return False
    counted = head[: _SUM.start] + b" " * 8 + head[_SUM.stop :]
    return said in {sum(counted), sum(_signed(counted))}


def _signed(raw: bytes) -> Iterable[int]:
    return (byte - 256 if byte > 127 else byte for byte in raw)
