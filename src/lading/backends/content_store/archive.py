"""Image archives as sources: `docker save` of any age, OCI archives of skopeo, podman and buildkit, and our own.

An archive with an OCI index is read by it. An older one of docker's has configs and layers, and no manifests: each
image gets an OCI manifest that names its config and its layers as they lie in the archive, nothing compressed or
unpacked. So its image id and diffIDs stay what docker says, and reading the same archive again gives the same digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from lading.backends.content_store.archive_docker import Made, images_of_docker
from lading.backends.content_store.named_images import (
    checked_manifest,
    manifest_of,
    named_image,
    names_of,
)
from lading.backends.content_store.plain_tar import PlainTar, open_tar
from lading.engine.stores import ContentUnknown
from lading.oci.archive import (
    DOCKER_MANIFEST_FILE,
    INDEX_FILE,
    LAYOUT_FILE,
    ArchiveInvalid,
    NoImages,
    blob_member,
    check_layout,
    shown_member,
)
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.layout_index import bare, called, is_named, read_index
from lading.oci.manifest import Index
from lading.oci.media_types import is_document, is_index
from lading.oci.tar import Member
from lading.wire.message import BytesContent, Cancel, Reader

_DEPTH_LIMIT = 4
"""How many indexes may lie in each other; buildkit makes at most two."""


class ArchiveSource:
    """Source and names of an archive. Close it; readers it gave out stay good."""

    verified = False

    def __init__(self, tar: PlainTar) -> None:
        """Raises ArchiveInvalid, ConfigInvalid, ManifestInvalid, DigestMismatch, ReadFailed."""
        self._tar = tar
        if tar.members.find(INDEX_FILE) is not None:
            check_layout(self._document(LAYOUT_FILE))
            self._made = Made()
            self._entries = read_index(self._document(INDEX_FILE))
            if (
                not self._entries
            ):  # a layout may be empty, for it may be written to; who reads an archive wants an image
                raise ArchiveInvalid(INDEX_FILE, "names no image")
        elif tar.members.find(DOCKER_MANIFEST_FILE) is not None:
            self._made = images_of_docker(tar, self._document(DOCKER_MANIFEST_FILE))
            self._entries = self._made.entries
        else:
            raise NoImages
        self._called = called(self._entries)
        self._whole: set[Digest] = set()
        for entry in self._entries:
            self._check_whole(entry, _DEPTH_LIMIT)

    @property
    def name(self) -> str:
        return self._tar.name

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """Manifests are checked first. Raises ContentUnknown, ManifestInvalid, DigestMismatch."""
        made = self._made.manifests.get(descriptor.digest)
        if made is not None:
            return BytesContent(made).open(offset, length)
        member = self._member(descriptor.digest)
        if member is None:
            raise ContentUnknown(descriptor.digest, self.name)
        if is_document(descriptor.media_type):
            return checked_manifest(descriptor, self._tar.reader(member), offset, length)
        return self._tar.reader(member, offset, length)

    def resolve(self, name: str | Digest) -> Descriptor:
        """Raises TagUnknown, ContentUnknown, ArchiveInvalid."""
        if isinstance(name, str):
            entry = self._called.get(name)
            return named_image(self._entries, name, self.name) if entry is None else bare(entry)
        made, member = self._made.manifests.get(name), self._member(name)
        size = len(made) if made is not None else member.size if member else None
        if size is None:
            raise ContentUnknown(name, self.name)
        manifest = manifest_of(name, size, self.open(Descriptor("", name, size)))
        return replace(manifest.descriptor(name.algorithm), artifact_type=None)

    def tags(self, after: str = "") -> Iterator[str]:
        """In order; an image without a name is called by its digest, what only refers to another is left out."""
        nameless = {entry.digest: entry for entry in self._entries if not is_named(entry)}
        left_out = {digest for digest, entry in nameless.items() if self._refers(entry)}
        yield from names_of(
            [entry for entry in self._entries if is_named(entry) or entry.digest not in left_out], after
        )

    def close(self) -> None:
        """Frees the file, and with it what was unpacked."""
        self._tar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _member(self, digest: Digest) -> Member | None:
        return self._made.members.get(digest) or self._tar.members.find(blob_member(digest))

    def _document(self, name: str) -> bytes:
        member = self._tar.members.find(name)
        if member is None:
            raise ArchiveInvalid(shown_member(name), "is missing")
        return self._tar.document(member)

    def _refers(self, entry: Descriptor) -> bool:
        if not is_document(entry.media_type):
            return False
        return manifest_of(entry.digest, entry.size, self.open(entry)).subject is not None

    def _check_whole(self, descriptor: Descriptor, depth: int) -> None:
        """That a manifest is there with all it needs, so that nothing is moved of an archive that lacks a part.

        Of an index at least one child must be here: archives often hold one platform of several. Each is looked into
        once, however often it is named, so nested indexes cost no more than their bytes.
        """
        if not is_document(descriptor.media_type):
            return
        if depth == 0:
            raise ArchiveInvalid(INDEX_FILE, f"has indexes within indexes, more than {_DEPTH_LIMIT} deep")
        self._check_size(descriptor)
        if descriptor.digest in self._whole:
            return
        self._whole.add(descriptor.digest)
        manifest = manifest_of(descriptor.digest, descriptor.size, self.open(descriptor))
        if not isinstance(manifest, Index):
            for child in manifest.children:
                self._check_size(child)
            return
        present = [child for child in manifest.manifests if self._holds(child.digest)]
        if manifest.manifests and not present:
            self._check_size(manifest.manifests[0])
        for child in present:
            if is_index(child.media_type):
                self._check_whole(child, depth - 1)

    def _holds(self, digest: Digest) -> bool:
        return digest in self._made.manifests or self._member(digest) is not None

    def _check_size(self, descriptor: Descriptor) -> None:
        if descriptor.urls or descriptor.data is not None or descriptor.digest in self._made.manifests:
            return
        member = self._member(descriptor.digest)
        if member is None:
            raise ArchiveInvalid(shown_member(blob_member(descriptor.digest)), "is missing")
        if member.size != descriptor.size:
            raise ArchiveInvalid(
                shown_member(blob_member(descriptor.digest)),
                f"has {member.size} bytes where its manifest says {descriptor.size}",
            )


def open_archive(place: Path | BinaryIO, scratch: Path, cancel: Cancel) -> ArchiveSource:
    """The archive at a path, or in a stream; what must be unpacked goes to a nameless file in `scratch`.

    Raises ArchiveMissing, ArchiveInvalid, TarInvalid, CompressionInvalid, ArchiveBomb, ConfigInvalid, ManifestInvalid,
    DigestMismatch, DiskFull, StorageUnusable, ReadFailed, Cancelled; nothing is open or left behind then.
    """
    tar = open_tar(place, scratch, cancel)
    try:
        return ArchiveSource(tar)
    except BaseException:
        tar.close()
        raise
