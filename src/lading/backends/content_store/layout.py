"""An OCI image layout as source and target: a folder that skopeo, umoci and buildah read and write beside us.

Its names are whatever its tools call images: tags, or whole references. Content that others wrote is checked by whoever
receives it; content that we write is checked before it has its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lading.backends.content_store.layout_blobs import LayoutBlobs
from lading.backends.content_store.layout_folder import LayoutFolder
from lading.backends.content_store.named_images import (
    checked_manifest,
    manifest_of,
    named_image,
    names_of,
)
from lading.engine.stores import (
    Condition,
    ContentUnknown,
    Outcome,
    TagMoved,
    TagUnknown,
    TagUnproven,
    Track,
    permits,
    untold,
)
from lading.errors import ContentCorrupt, LadingError
from lading.oci.archive import INDEX_FILE, ArchiveInvalid
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.layout_index import entry_name, forget, is_named, mention, point, read_index
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import is_document
from lading.wire.message import Cancel, Content, Reader


class LayoutStore:
    """Source, Store and Referrers over the layout at `path`, made when something is put into it.

    Any number of processes may write at once. Reading raises LayoutUnknown where there is none.
    """

    verified = False
    verifies = True

    def __init__(self, path: Path) -> None:
        self._folder = LayoutFolder(path)
        self._blobs = LayoutBlobs(self._folder)
        self._prepared = False

    @property
    def name(self) -> str:
        return f"oci:{self._folder.root}"

    # ── Source

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """Manifests are checked first. Raises ContentUnknown, ArchiveInvalid, ManifestInvalid, DigestMismatch."""
        if is_document(descriptor.media_type):
            return checked_manifest(descriptor, self._blobs.reader(descriptor.digest), offset, length)
        return self._blobs.reader(descriptor.digest, offset, length)

    # ── Target

    def has(self, descriptor: Descriptor) -> bool:
        """Whether it is held, whole as far as its size tells."""
        return self._blobs.has(descriptor)

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        """Raises FolderTaken and what LayoutBlobs.push raises."""
        if not self._prepared:
            self._folder.prepare()
            self._prepared = True
        outcome = self._blobs.push(descriptor, content, track, cancel)
        if is_document(descriptor.media_type):
            self._mention_referrer(descriptor)
        return outcome

    # ── Tags: the names in index.json

    def resolve(self, name: str | Digest) -> Descriptor:
        """By name, reference or digest. Raises TagUnknown, ContentUnknown, LayoutUnknown, ArchiveInvalid."""
        if isinstance(name, str):
            return named_image(self._entries(), name, self.name)
        size = self._blobs.size(name)
        if size is None:
            raise ContentUnknown(name, self.name)
        return replace(manifest_of(name, size, self._blobs.reader(name)).descriptor(name.algorithm), artifact_type=None)

    def tag(
        self, descriptor: Descriptor, content: Content, tags: Sequence[str], condition: Condition, cancel: Cancel
    ) -> Mapping[str, LadingError | None]:
        """All under one lock, each proven by reading the index back. Raises what `push` raises."""
        self.push(descriptor, content, untold, cancel)
        with self._folder.locked():
            moved = {tag: self._point(tag, descriptor, condition) for tag in tags}
        entries = self._entries()
        return {tag: refused or self._unproven(entries, tag, descriptor) for tag, refused in moved.items()}

    def _point(self, tag: str, descriptor: Descriptor, condition: Condition) -> LadingError | None:
        raw = self._folder.read_index()
        holds = _held(read_index(raw), tag)
        if not permits(condition, holds, descriptor.digest):
            return TagMoved(tag, self.name, holds)
        self._folder.write_index(point(raw, tag, descriptor))
        return None

    def _unproven(self, entries: tuple[Descriptor, ...], tag: str, descriptor: Descriptor) -> LadingError | None:
        found = _held(entries, tag)
        return None if found == descriptor.digest else TagUnproven(tag, self.name, descriptor.digest, found)

    def untag(self, tag: str) -> None:
        """Raises TagUnknown, LayoutUnknown, ArchiveInvalid. The content stays: other tools may use it."""
        with self._folder.locked():
            raw = self._folder.read_index()
            without = forget(raw, tag)
            if without == raw:
                raise TagUnknown(tag, self.name)
            self._folder.write_index(without)

    def tags(self, after: str = "") -> Iterator[str]:
        """In order; an image without a name is called by its digest, what only refers to another is left out.

        Raises LayoutUnknown, ArchiveInvalid.
        """
        entries = self._entries()
        nameless = {entry.digest: entry for entry in entries if not is_named(entry)}
        left_out = {digest for digest, entry in nameless.items() if self._refers(entry)}
        yield from names_of([entry for entry in entries if is_named(entry) or entry.digest not in left_out], after)

    def _entries(self) -> tuple[Descriptor, ...]:
        return read_index(self._folder.read_index())

    def _manifest(self, entry: Descriptor) -> Manifest | Index:
        return manifest_of(entry.digest, entry.size, self._blobs.reader(entry.digest))

    # ── Referrers

    def referrers(self, subject: Digest) -> Iterable[Descriptor]:
        """Those that the index lists; what cannot be read refers to nothing. Raises LayoutUnknown, ArchiveInvalid."""
        for entry in {entry.digest: entry for entry in self._entries()}.values():
            manifest = self._readable(entry)
            if manifest is not None and manifest.subject is not None and manifest.subject.digest == subject:
                yield replace(manifest.descriptor(entry.digest.algorithm), annotations=manifest.annotations)

    def _refers(self, entry: Descriptor) -> bool:
        manifest = self._readable(entry)
        return manifest is not None and manifest.subject is not None

    def _readable(self, entry: Descriptor) -> Manifest | Index | None:
        """None where the index names something that is absent, damaged, or no manifest."""
        if not is_document(entry.media_type):
            return None
        try:
            return self._manifest(entry)
        except (ContentUnknown, ContentCorrupt):
            return None

    def _mention_referrer(self, descriptor: Descriptor) -> None:
        """What refers to another manifest is found through the index alone, so it stands there from the start."""
        manifest = self._manifest(descriptor)
        if manifest.subject is None:
            return
        with self._folder.locked():
            raw = self._folder.read_index()
            mentioning = mention(raw, manifest.descriptor(descriptor.digest.algorithm))
            if mentioning != raw:
                self._folder.write_index(mentioning)


def _held(entries: tuple[Descriptor, ...], tag: str) -> Digest | None:
    """What is called exactly `tag`; several tools' entries of one name must agree."""
    digests = {entry.digest for entry in entries if entry_name(entry) == tag}
    if len(digests) > 1:
        raise ArchiveInvalid(INDEX_FILE, f"calls {len(digests)} different images {tag[:160]!r}")
    return next(iter(digests), None)
