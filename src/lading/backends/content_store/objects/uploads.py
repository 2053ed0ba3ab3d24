"""Uploads to our registry, kept in the bucket: any process goes on with any session (see segments.py).

A session is a lock (see turns.py) whose note tells its segments, so the object store is asked for nothing but to take
and to copy bytes, and to remove what was copied:

    begun       a lock with the note of no segments
    a request   claims it, puts a segment, and leaves it with the new note before its client is told. A long one notes
                each whole segment
    finished    claims it, copies the segments to the blob, ends it, removes them
    cancelled   the lock goes: who has it then finds so before its client is told anything

The digest of the bytes 0…offset is in the note as well, so that whoever finishes the session reads nothing again. What
it takes to go on with it is kept in the process that wrote them; another one that appends reads them once.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from lading.backends.content_store.hashing import BUFFER, Streams
from lading.backends.content_store.incoming import Running, RunningDigests
from lading.backends.content_store.objects.bucket import Bucket
from lading.backends.content_store.objects.keys import upload
from lading.backends.content_store.objects.segments import SEGMENT, Segments
from lading.backends.content_store.objects.session_note import SessionNote
from lading.backends.content_store.objects.turns import Lock, Turns, claimed_soon
from lading.errors import StorageFailed
from lading.oci.digest import Algorithm, Digest, DigestMismatch
from lading.wire.message import Cancel, Reader, ReadFailed
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
    """Fulfils services.repositories.content.UploadFiles. Every method raises StorageFailed: what the bucket does, and
    the turns."""

    def __init__(self, bucket: Bucket, turns: Turns, keep: Keep, streams: Streams, *, segment: int = SEGMENT) -> None:
        """`segment` is how many bytes a segment has at most, about."""
        self._bucket, self._turns, self._keep, self._streams = bucket, turns, keep, streams
        self._segment = segment
        self._digests = RunningDigests()

    def create(self, session: str) -> None:
        """Begins an empty session under a name the caller made up. Raises SessionTaken."""
        self._check(session)
        if not self._turns.begin(upload(session), str(SessionNote())):
            raise SessionTaken(session)

    def offset(self, session: str) -> int:
        """How many bytes are kept: as the last writer who let go of it left it. Raises UploadUnknown."""
        self._check(session)
        return sum(entry.size for entry in _parsed(session, self._turns.note(upload(session))).row)

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
            note = _parsed(session, lock.note)
            found = ObjectUpload(
                session,
                note,
                Segments(self._bucket, upload(session), secrets.token_hex(4), note.row),
                lock,
                there=lambda: self._turns.note(upload(session)) is not None,
                segment=self._segment,
                keep=self._keep,
                streams=self._streams,
                digests=self._digests,
            )
            with self._left(found):
                yield found
        finally:
            lock.release()

    @contextmanager
    def _left(self, written: ObjectUpload) -> Iterator[None]:
        """What it keeps inside is the session's behind it, whatever came in between. Raises UploadUnknown and
        UploadBusy where the session is not ours any more, unless an error is on its way already."""
        try:
            yield
        except BaseException:
            with suppress(StorageFailed):
                written.leave()
            raise
        if not written.leave():
            written.lost()

    def cancel(self, session: str) -> None:
        """The session and its bytes go, also under a writer: what it still writes is nobody's, and goes with the next
        collection. Raises UploadUnknown."""
        self._check(session)
        if not self._turns.drop(upload(session)):
            raise UploadUnknown(session)
        self._bucket.remove([entry.key for entry in self._bucket.entries(upload(session))])
        self._digests.forget(session)

    @staticmethod
    def _check(session: str) -> None:
        if not _SESSION.fullmatch(session):
            raise UploadUnknown(session)


def _parsed(session: str, text: str | None) -> SessionNote:
    """Raises UploadUnknown."""
    note = None if text is None else SessionNote.parse(upload(session), text)
    if note is None:
        raise UploadUnknown(session)
    return note


class ObjectUpload:
    """One session while it is ours to write."""

    def __init__(
        self,
        session: str,
        note: SessionNote,
        segments: Segments,
        lock: Lock,
        *,
        there: Callable[[], bool],
        segment: int,
        keep: Keep,
        streams: Streams,
        digests: RunningDigests,
    ) -> None:
        self._session, self._note, self._segments, self._lock, self._there = session, note, segments, lock, there
        self._segment, self._keep, self._streams, self._digests = segment, keep, streams, digests
        self._sha256 = note.sha256
        self._told = False
        """Whether somebody was told that the session is not ours any more."""

    @property
    def offset(self) -> int:
        """How many bytes are kept."""
        return self._segments.end

    def append(self, reader: Reader, cancel: Cancel, expected: int = 0) -> int:
        """Takes all the reader gives, about `expected` bytes; answers the new offset.

        What had arrived before an error is kept. Raises what the reader raises, BucketFailed, Cancelled. As whoever
        lets go of it at the end: UploadUnknown where the session was cancelled meanwhile, UploadBusy where this process
        was silent so long that another has it.
        """
        running = self._digests.take(self._session, self._segments.names) or self._reread(Algorithm.SHA256, cancel)
        hashed = looked = self.offset
        with self._streams.hashing(running.update, expected or BUFFER) as hashing:

            def fill() -> memoryview:
                nonlocal hashed, looked
                cancel.check()
                if hashed - looked >= LOOK_EVERY:
                    self._check_ours()
                    looked = hashed
                buffer = hashing.buffer()
                count = reader.readinto(buffer)
                hashing.update(buffer[:count])
                hashed += count
                return buffer[:count]

            try:
                self._segments.append(fill, self._note_row, self._segment)
            finally:
                hashing.finish()
                self._sha256 = None
                if hashed == self.offset:
                    self._sha256 = running.hexdigest()
                    self._digests.put(self._session, self._segments.names, running)
        return self.offset

    def finish(self, digest: Digest, cancel: Cancel) -> int:
        """The session becomes this blob, whole and leased when this returns; answers its size in bytes.

        Success where the blob is there already. Raises DigestMismatch, which leaves the session as it was,
        UploadUnknown where it was cancelled meanwhile, StorageFailed, Cancelled.
        """
        self._check_ours()
        known = self._sha256 if digest.algorithm is Algorithm.SHA256 else None
        received = Digest(digest.algorithm, known or self._reread(digest.algorithm, cancel).hexdigest())
        if received != digest:
            raise DigestMismatch(digest, received)
        size = self.offset
        try:
            self._keep(digest, self._segments, cancel)
        except (ReadFailed, StorageFailed):
            self._check_ours()  # whoever cancels a session takes its segments away
            raise
        self._digests.forget(self._session)
        self._lock.end()
        self._segments.remove_row()
        self._note, self._sha256 = SessionNote(), None
        return size

    def _note_row(self) -> None:
        """So that a process that is killed in the middle of a request loses a segment at most."""
        note = SessionNote(self._segments.row)
        if not self._lock.keep(str(note)):
            self.lost()
        self._note = note

    def leave(self) -> bool:
        """Whoever comes next goes on from what is kept. False where the session is not ours any more, and something
        was. Raises StorageFailed."""
        note = SessionNote(self._segments.row, self._sha256)
        return self._told or note == self._note or self._lock.leave(str(note))

    def lost(self) -> NoReturn:
        """Somebody else has the session by now, or nobody: it was cancelled, or finished. What we wrote goes with the
        next collection."""
        self._told = True
        if self._there():
            raise UploadBusy(self._session)
        raise UploadUnknown(self._session)

    def _check_ours(self) -> None:
        if not self._lock.ours():
            self.lost()

    def _reread(self, algorithm: Algorithm, cancel: Cancel) -> Running:
        running = hashlib.new(algorithm)
        if self.offset:
            for piece in self._segments.read(cancel):
                running.update(piece)
        return running
