"""The blobs of an OCI layout: each gets its name when it is whole, checked and on disk (see layout_folder.py)."""

from __future__ import annotations

import os
from pathlib import Path

from lading.backends.content_store.file_reader import PlainFileReader
from lading.backends.content_store.hashing import Streams
from lading.backends.content_store.layout_folder import LayoutFolder
from lading.backends.content_store.locks import claim
from lading.backends.content_store.receive import receive
from lading.backends.content_store.storage import DiskFull, storing, sync_file, sync_folder, write_all
from lading.engine.stores import ContentUnknown, Outcome, Track
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, Digest, DigestMismatch, Verifier
from lading.wire.message import Cancel, Content
from lading.wire.progress import State

_MODE = 0o644
_LOOK_SECONDS = 0.1
_REREAD = 1024 * 1024


class LayoutBlobs:
    """Any number of threads and processes; one of them writes a blob, the others wait and find it."""

    def __init__(self, folder: LayoutFolder) -> None:
        self._folder = folder
        self._streams = Streams()

    def reader(self, digest: Digest, offset: int = 0, length: int | None = None) -> PlainFileReader:
        """Raises ContentUnknown, ArchiveInvalid, ReadFailed."""
        file = self._folder.open_blob(digest)
        return PlainFileReader(self._folder.blob(digest), offset, length, file)

    def size(self, digest: Digest) -> int | None:
        """In bytes; None where it is not held. Raises ArchiveInvalid, ReadFailed."""
        try:
            file = self._folder.open_blob(digest)
        except ContentUnknown:
            return None
        try:
            return os.fstat(file).st_size
        finally:
            os.close(file)

    def has(self, descriptor: Descriptor) -> bool:
        """A file of another size is damaged, and would be written again."""
        return self.size(descriptor.digest) == descriptor.size

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        """Bytes that came before an attempt was cut off stay, and are hashed again rather than fetched again.

        Raises DigestMismatch, ContentTooShort, ContentTooLong, ArchiveInvalid, DiskFull, StorageUnusable, Cancelled,
        and what the content's reader raises.
        """
        file = None if self.has(descriptor) else self._claim(descriptor, track, cancel)
        if file is None:
            track(State.EXISTS, descriptor.size)
            return Outcome.EXISTS
        try:
            kept = self._fill(file, descriptor, content, track, cancel)
            track(State.COMMITTING, descriptor.size, kept=kept)
            self._keep(file, descriptor.digest)
        finally:
            os.close(file)
        track(State.DONE, descriptor.size, kept=kept)
        return Outcome.SENT

    def _claim(self, descriptor: Descriptor, track: Track, cancel: Cancel) -> int | None:
        """The partial file, ours alone; None once somebody else has written the blob."""
        path = self._folder.partial(descriptor.digest)
        while True:
            with storing(path):
                file = claim(path, create=True)
            if file is not None and not self.has(descriptor):
                return file
            if file is not None:
                path.unlink(missing_ok=True)
                os.close(file)
                return None
            track(State.WAITING, detail="it is being written already")
            cancel.wait(_LOOK_SECONDS)

    def _fill(self, file: int, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> int:
        """All of it, checked; answers how many bytes an earlier attempt had left.

        Wrong bytes are dropped at once. If some of them were an earlier attempt's, this one starts again without them.
        """
        path = self._folder.partial(descriptor.digest)
        while True:
            verifier = self._verifier_of_held(file, descriptor, cancel)
            kept = verifier.received
            self._reserve(descriptor.size - kept)
            writing = _Appending(path, file, kept)
            try:
                receive(
                    descriptor,
                    content,
                    writing.write,
                    verifier=verifier,
                    streams=self._streams,
                    track=track,
                    cancel=cancel,
                )
            except (DigestMismatch, ContentTooLong):
                with storing(path):
                    os.ftruncate(file, 0)
                if not kept:
                    path.unlink(missing_ok=True)
                    raise
            else:
                return kept

    def _verifier_of_held(self, file: int, descriptor: Descriptor, cancel: Cancel) -> Verifier:
        """The state of a hash cannot be saved, so what is there is read again."""
        verifier = descriptor.digest.verifier(descriptor.size)
        path = self._folder.partial(descriptor.digest)
        with storing(path):
            if os.fstat(file).st_size > descriptor.size:
                os.ftruncate(file, 0)
            buffer = memoryview(bytearray(min(_REREAD, max(1, os.fstat(file).st_size))))
            while count := os.preadv(file, [buffer], verifier.received):
                cancel.check()
                verifier.update(buffer[:count])
        return verifier

    def _reserve(self, need: int) -> None:
        free = self._folder.free()
        if need > free:
            raise DiskFull(self._folder.root, need, free, "the file system is nearly full")

    def _keep(self, file: int, digest: Digest) -> None:
        """On disk, then under its name."""
        path, blob = self._folder.partial(digest), self._folder.blob(digest)
        with storing(path):
            os.fchmod(file, _MODE)
            sync_file(file)
            path.replace(blob)
            sync_folder(blob.parent)


class _Appending:
    """Writes one piece after the other to an open file."""

    def __init__(self, path: Path, file: int, position: int) -> None:
        self._path, self._file, self._position = path, file, position

    def write(self, piece: memoryview) -> None:
        with storing(self._path, len(piece)):
            write_all(self._file, piece, self._position)
        self._position += len(piece)
