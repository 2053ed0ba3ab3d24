"""What the embedded registry asks of the content store: RepositoryContent, which a folder of blobs fulfils.

One store serves every repository, so it says nothing of who may see what: that is `repositories`' own question.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Protocol

from lading.engine.stores import Outcome, Track
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import Cancel, Content, Reader


class Upload(Protocol):
    """One upload session while it is ours alone to write."""

    @property
    def offset(self) -> int:
        """How many bytes are kept."""

    def append(self, reader: Reader, cancel: Cancel, expected: int = 0) -> int:
        """Take all the reader gives, about `expected` bytes; returns the new offset.

        What had arrived before an error is kept. Raises what the reader raises, StorageFailed, Cancelled.
        """

    def finish(self, digest: Digest, cancel: Cancel) -> int:
        """The session becomes this blob, on disk and leased; returns its size in bytes.

        Success where the blob is there already. Raises DigestMismatch, which leaves the session as it was.
        """


class UploadFiles(Protocol):
    """Upload sessions as files, named by ids that the caller made; safe for many threads and processes."""

    def create(self, session: str) -> None:
        """An empty one."""

    def offset(self, session: str) -> int:
        """How many bytes are kept for sure, also while somebody writes. Raises UploadUnknown."""

    def writing(self, session: str, cancel: Cancel, patience_seconds: float = 0.0) -> AbstractContextManager[Upload]:
        """Alone with it while inside; an old connection may drain for `patience_seconds`. What was appended is kept
        when this ends.

        Raises UploadUnknown, UploadBusy, also at its end: it was cancelled meanwhile, or somebody else has it by now.
        """

    def cancel(self, session: str) -> None:
        """The session and its bytes go. Raises UploadUnknown."""


class RepositoryContent(Protocol):
    """The bytes of all repositories, by digest."""

    @property
    def uploads(self) -> UploadFiles:
        """Where pushed blobs arrive."""

    def keep(self, digests: Collection[Digest]) -> Collection[Digest]:
        """Lease those that are here, so that no collection removes them; returns those that are not."""

    def holding(self, digests: Collection[Digest]) -> AbstractContextManager[Collection[Digest]]:
        """Inside, which is short, no collection removes any of these; gives those that are not here."""

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """A FileReader where it is a file. Raises ContentUnknown."""

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        """Hashed, on disk and leased when this returns."""
