"""Blobs on their way into a repository: upload sessions over records, files and `wire.upload_session`'s table.

A session's row says whose it is; its file says how far it is. Whatever breaks a request off, the bytes that came are
kept, and the client goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from lading.errors import StorageFailed
from lading.oci.digest import Digest
from lading.services.repositories.content import UploadFiles
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.rows import UploadSession
from lading.wire.message import Cancel, Reader
from lading.wire.upload_session import UploadBusy, UploadUnknown, check_chunk

PATIENCE_SECONDS = 5.0
"""How long a request waits for the connection before it, which may still be draining, to let go of the session."""


class RepositoryUploads:
    """`clock` gives seconds since 1970, `new_session` an id that nobody can guess, safe in a path."""

    def __init__(
        self,
        repositories: Repositories,
        records: RepositoryRecords,
        files: UploadFiles,
        *,
        clock: Callable[[], float],
        new_session: Callable[[], str],
    ) -> None:
        self._repositories, self._records, self._files = repositories, records, files
        self._clock, self._new_session = clock, new_session

    def begin(self, repository: str) -> str:
        """A new session's id. Raises NoRoom, StorageFailed."""
        session = self._new_session()
        self._records.begin_upload(UploadSession(session, repository, self._clock()))
        try:
            self._files.create(session)
        except StorageFailed:
            with suppress(StorageFailed):  # what is left of it is forgotten with those that have ended
                self._records.end_upload(session)
            raise
        return session

    def offset(self, repository: str, session: str) -> int:
        """How many bytes are kept. Raises UploadUnknown."""
        self._check(repository, session)
        return self._files.offset(session)

    def append(
        self,
        repository: str,
        session: str,
        body: Reader,
        cancel: Cancel,
        *,
        length: int | None = None,
        content_range: str | None = None,
    ) -> int:
        """Take a chunk of `length` bytes (None: not said); returns the new offset.

        Raises UploadUnknown, UploadBusy, ChunkOutOfOrder, ChunkInvalid, and what the body raises.
        """
        self._check(repository, session)
        with self._files.writing(session, cancel, PATIENCE_SECONDS) as upload:
            check_chunk(upload.offset, content_range, length)
            return upload.append(body, cancel, length or 0)

    def finish(
        self,
        repository: str,
        session: str,
        digest: Digest,
        body: Reader,
        cancel: Cancel,
        *,
        length: int | None = None,
        content_range: str | None = None,
    ) -> int:
        """Take the last chunk, if there is one, and make it all this blob, which the repository then holds.

        Returns its size in bytes. Raises what `append` raises, and DigestMismatch: the session then stays.
        """
        self._check(repository, session)
        with self._files.writing(session, cancel, PATIENCE_SECONDS) as upload:
            check_chunk(upload.offset, content_range, length)
            if length != 0:
                upload.append(body, cancel, length or 0)
            size = upload.finish(digest, cancel)
        self._repositories.hold_blob(repository, digest, size, session)
        return size

    def cancel(self, repository: str, session: str) -> None:
        """The session and its bytes go. Raises UploadUnknown."""
        self._check(repository, session)
        self._files.cancel(session)
        self._records.end_upload(session)

    def forget_collected(self) -> None:
        """At the start, while nobody begins one."""
        forget_ended(self._records, self._files, self._clock())

    def _check(self, repository: str, session: str) -> None:
        known = self._records.upload(session)
        if known is None or known.repository != repository:
            raise UploadUnknown(session)


def give_up_empty(records: RepositoryRecords, files: UploadFiles, begun_before: float, cancel: Cancel) -> None:
    """Drop sessions that were begun before then, in seconds since 1970, and to which nothing ever came. Raises
    StorageFailed, Cancelled."""
    for session in records.uploads(begun_before=begun_before):
        with suppress(UploadUnknown, UploadBusy), files.writing(session.id, cancel) as upload:
            if not upload.offset:
                files.cancel(session.id)


def forget_ended(records: RepositoryRecords, files: UploadFiles, begun_before: float) -> None:
    """Drop the rows of sessions whose files are gone: given up by their clients and collected, or never made.

    `begun_before` is in seconds since 1970: a row that was begun just now may not have its file yet.
    """
    for session in records.uploads(begun_before=begun_before):
        try:
            files.offset(session.id)
        except UploadUnknown:
            records.end_upload(session.id)
