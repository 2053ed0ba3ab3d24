"""Writing image archives: a tar that `docker load` of any age, skopeo, podman and we ourselves read.

Both forms hold an OCI layout, so every manifest comes back byte for byte. Docker's has `manifest.json` and
`repositories` beside it, as `docker save` writes since version 25; older engines read only those and take the layers as
they lie: plain and gzip in every version, zstd since 23.

Content passes once, so a piece that breaks off breaks the whole archive. An archive counts once something in it has a
name; then, and only whole, it gets its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from lading.backends.content_store.hashing import Streams
from lading.backends.content_store.receive import receive
from lading.backends.content_store.tar_writer import STANDARD_OUTPUT, TarWriter
from lading.engine.reach import read_checked
from lading.engine.stores import Condition, ContentUnknown, Outcome, TagMoved, TagUnknown, Track, permits, untold
from lading.errors import LadingError, Side, StorageFailed
from lading.oci.archive import (
    DOCKER_MANIFEST_FILE,
    DOCKER_REPOSITORIES_FILE,
    INDEX_FILE,
    LAYOUT_FILE,
    LAYOUT_TEXT,
    blob_member,
    write_docker_manifest,
    write_docker_repositories,
)
from lading.oci.archive_contents import ArchiveContents
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.layout_index import bare
from lading.oci.manifest import Index, Manifest, parse_manifest
from lading.oci.media_types import is_document
from lading.oci.platform import Platform
from lading.services.content.stores import ArchiveForm, Compression
from lading.wire.message import Cancel, Content
from lading.wire.progress import State


class ArchiveBroken(StorageFailed):
    """An archive into which a piece was written only in part, and which takes no other."""

    side = Side.TARGET

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name} was not finished: one of its pieces broke off"


class ArchiveTarget:
    """A Store over a new archive; a context manager, left without an error it finishes what has a name.

    `platform` is whose image `manifest.json` names where an index holds several. Pieces are written one at a time,
    whoever pushes them. Raises StorageUnusable, DiskFull.
    """

    verifies = True

    def __init__(self, place: Path | BinaryIO, form: ArchiveForm, compression: Compression, platform: Platform) -> None:
        self.name = str(place) if isinstance(place, Path) else STANDARD_OUTPUT
        self._form, self._platform = form, platform
        self._writer = TarWriter(place, compression)
        self._contents = ArchiveContents()
        self._streams = Streams()
        self._lock = threading.Lock()
        self._broken = False
        self._begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and not self._broken and self._contents.names:
                self._finish()
        finally:
            self._writer.close()

    def _finish(self) -> None:
        index = self._contents.index()
        if self._form is ArchiveForm.DOCKER:
            images = self._contents.docker_images(self._platform)
            self._writer.add(DOCKER_MANIFEST_FILE, write_docker_manifest(images))
            self._writer.add(DOCKER_REPOSITORIES_FILE, write_docker_repositories(images))
        self._writer.add(INDEX_FILE, index.raw)
        self._writer.finish()

    # ── Target

    def has(self, descriptor: Descriptor) -> bool:
        with self._lock:
            return self._contents.holds(descriptor.digest)

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        """Raises ArchiveBroken, DigestMismatch, ContentTooShort, ContentTooLong, ManifestInvalid, DiskFull,
        StorageUnusable, Cancelled, and what the content's reader raises."""
        with self._lock:
            cancel.check()
            if self._contents.holds(descriptor.digest):
                track(State.EXISTS, descriptor.size)
                return Outcome.EXISTS
            if self._broken:
                raise ArchiveBroken(self.name)
            self._begin()
            if is_document(descriptor.media_type):
                self._add_manifest(descriptor, content)
            else:
                self._stream(descriptor, content, track, cancel)
        track(State.DONE, descriptor.size)
        return Outcome.SENT

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._writer.add(LAYOUT_FILE, LAYOUT_TEXT)

    def _add_manifest(self, descriptor: Descriptor, content: Content) -> None:
        """Read and checked before a byte of it is written, so a bad one breaks nothing."""
        raw = read_checked(descriptor, content.open())
        manifest = parse_manifest(raw, descriptor.media_type)
        self._writer.add(blob_member(descriptor.digest), raw)
        self._contents.add(descriptor.digest, manifest)

    def _stream(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> None:
        self._broken = True  # until the member is whole
        self._writer.begin(blob_member(descriptor.digest), descriptor.size)
        receive(
            descriptor,
            content,
            self._writer.write,
            verifier=descriptor.digest.verifier(descriptor.size),
            streams=self._streams,
            track=track,
            cancel=cancel,
        )
        self._writer.end(descriptor.size)
        self._contents.add(descriptor.digest, None)
        self._broken = False

    # ── Tags: the names in index.json and manifest.json

    def resolve(self, name: str | Digest) -> Descriptor:
        """Raises TagUnknown, ContentUnknown."""
        with self._lock:
            if isinstance(name, str):
                if name not in self._contents.names:
                    raise TagUnknown(name, self.name)
                return self._contents.names[name]
            manifest = self._contents.manifest(name)
            if manifest is None:
                raise ContentUnknown(name, self.name)
            return _described(manifest, name)

    def tag(
        self, descriptor: Descriptor, content: Content, tags: Sequence[str], condition: Condition, cancel: Cancel
    ) -> Mapping[str, LadingError | None]:
        """Names go into the archive with its end. Raises what `push` raises."""
        self.push(descriptor, content, untold, cancel)
        with self._lock:
            return {tag: self._point(tag, descriptor, condition) for tag in tags}

    def _point(self, tag: str, descriptor: Descriptor, condition: Condition) -> LadingError | None:
        held = self._contents.names.get(tag)
        if not permits(condition, held.digest if held else None, descriptor.digest):
            return TagMoved(tag, self.name, held.digest if held else None)
        self._contents.names[tag] = bare(descriptor)
        return None

    def untag(self, tag: str) -> None:
        """Raises TagUnknown."""
        with self._lock:
            if self._contents.names.pop(tag, None) is None:
                raise TagUnknown(tag, self.name)

    def tags(self, after: str = "") -> Iterator[str]:
        """In order."""
        with self._lock:
            names = sorted(name for name in self._contents.names if name > after)
        yield from names


def _described(manifest: Manifest | Index, digest: Digest) -> Descriptor:
    return replace(manifest.descriptor(digest.algorithm), artifact_type=None)
