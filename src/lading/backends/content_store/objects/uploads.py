"""Uploads to our registry, kept in the bucket: any process goes on with any session (see segments.py).

The running digest of the bytes 0…offset is kept in the process that wrote them, so that a commit there reads nothing
again; another process reads them once.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lading.backends.content_store.hashing import BUFFER, Streams
from lading.backends.content_store.incoming import Running, RunningDigests
from lading.backends.content_store.objects.bucket import Bucket, Entry
from lading.backends.content_store.objects.keys import begun, upload
from lading.backends.content_store.objects.segments import Segments, row_of
from lading.backends.content_store.objects.turns import Lock, Turns, claimed_soon
from lading.errors import StorageFailed
from lading.oci.digest import Algorithm, Digest, DigestMismatch
from lading.wire.message import Cancel, Reader
from lading.wire.upload_session import UploadBusy, UploadUnknown

_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")

LOOK_EVERY = 16 * 1024 * 1024
"""Bytes after which a running upload looks whether it is still wanted."""

Keep = Callable[[Digest, Segments, Cancel], None]
"""Makes segments that were checked a blob, leased."""


class SessionTaken(StorageFailed):
    """A session of this name exists; names are made so that this does not happen."""

    def __init__(self, session: str) -> None:
        super().__init__(session)
        self.session = session

    def __str__(self) -> str:
        return f"there is an upload {self.session} already"


class ObjectUploads:
    """Fulfils services.repositories.content.UploadFiles. Every method raises BucketFailed."""

    def __init__(self, bucket: Bucket, turns: Turns, keep: Keep, streams: Streams) -> None:
        self._bucket, self._turns, self._keep, self._streams = bucket, turns, keep, streams
        self._digests = RunningDigests()

    def create(self, session: str) -> None:
        """Begins an empty session under a name the caller made up. Raises SessionTaken."""
        self._check(session)
        if not self._bucket.put_new(begun(session)):
            raise SessionTaken(session)

    def offset(self, session: str) -> int:
        """How many bytes are kept. Raises UploadUnknown."""
        self._check(session)
        return sum(entry.size for entry in self._row(session))

    @contextmanager
    def writing(self, session: str, cancel: Cancel, patience_seconds: float = 0.0) -> Iterator[ObjectUpload]:
        """Alone with the session while inside; an old connection may drain for `patience_seconds`.

        Raises UploadUnknown, UploadBusy.
        """
        self._check(session)
        lock = claimed_soon(self._turns, upload(session), cancel, patience_seconds)
        if lock is None:
            raise UploadBusy(session)
        try:
            segments = Segments(self._bucket, upload(session), secrets.token_hex(4), self._row(session))
            yield ObjectUpload(session, segments, lock, keep=self._keep, streams=self._streams, digests=self._digests)
        finally:
            lock.release()

    def cancel(self, session: str) -> None:
        """The session and its bytes go, also under a writer: what it still writes is nobody's, and goes with the next
        collection. Raises UploadUnknown."""
        self._check(session)
        if self._bucket.find(begun(session)) is None:
            raise UploadUnknown(session)
        self._bucket.remove([begun(session)])
        self._bucket.remove([entry.key for entry in self._bucket.entries(upload(session))])
        self._digests.forget(session)

    def _row(self, session: str) -> Sequence[Entry]:
        entries = tuple(self._bucket.entries(upload(session)))
        if begun(session) not in {entry.key for entry in entries}:
            raise UploadUnknown(session)
        return row_of(entries)

    @staticmethod
    def _check(session: str) -> None:
        if not _SESSION.fullmatch(session):
            raise UploadUnknown(session)


class ObjectUpload:
    """One session while it is ours to write."""

    def __init__(
        self,
        session: str,
        segments: Segments,
        lock: Lock,
        *,
        keep: Keep,
        streams: Streams,
        digests: RunningDigests,
    ) -> None:
        self._session, self._segments, self._lock = session, segments, lock
        self._keep, self._streams, self._digests = keep, streams, digests

    @property
    def offset(self) -> int:
        """How many bytes are kept."""
        return self._segments.end

    def append(self, reader: Reader, cancel: Cancel, expected: int = 0) -> int:
        """Takes all the reader gives, about `expected` bytes; answers the new offset.

        What had arrived before an error is kept. Raises what the reader raises, BucketFailed, Cancelled; UploadUnknown
        where the session was cancelled meanwhile, UploadBusy where this process was silent so long that another has it.
        """
        running = self._digests.take(self._session, self._segments.names) or self._reread(Algorithm.SHA256, cancel)
        hashed = looked = self.offset
        with self._streams.hashing(running.update, expected or BUFFER) as hashing:

            def fill() -> memoryview:
                nonlocal hashed, looked
                cancel.check()
                if hashed - looked >= LOOK_EVERY:
                    self._check_there()
                    looked = hashed
                buffer = hashing.buffer()
                count = reader.readinto(buffer)
                hashing.update(buffer[:count])
                hashed += count
                return buffer[:count]

            try:
                self._segments.append(fill)
            finally:
                hashing.finish()
                if hashed == self.offset:
                    self._digests.put(self._session, self._segments.names, running)
        self._check_there()
        return self.offset

    def finish(self, digest: Digest, cancel: Cancel) -> int:
        """The session becomes this blob, whole and leased when this returns; answers its size in bytes.

        Success where the blob is there already. Raises DigestMismatch, which leaves the session as it was,
        UploadUnknown where it was cancelled meanwhile, BucketFailed, Cancelled.
        """
        self._check_there()
        kept = self._digests.take(self._session, self._segments.names) if digest.algorithm is Algorithm.SHA256 else None
        running = kept or self._reread(digest.algorithm, cancel)
        received = Digest(digest.algorithm, running.hexdigest())
        if received != digest:
            if digest.algorithm is Algorithm.SHA256:
                self._digests.put(self._session, self._segments.names, running)
            raise DigestMismatch(digest, received)
        size = self.offset
        self._keep(digest, self._segments, cancel)
        self._digests.forget(self._session)
        self._segments.remove()
        return size

    def _check_there(self) -> None:
        if not self._lock.stands:
            raise UploadBusy(self._session)
        if self._segments.bucket.find(begun(self._session)) is None:
            self._segments.remove()
            raise UploadUnknown(self._session)

    def _reread(self, algorithm: Algorithm, cancel: Cancel) -> Running:
        running = hashlib.new(algorithm)
        if self.offset:
            for piece in self._segments.read(cancel):
                running.update(piece)
        return running
