"""Uploads to our registry: one file a session, whose size is the offset (see tree.py).

A session's bytes stay whatever ends the connection; only `finish` with the right digest or `cancel` ends the session,
and a disk that lost some of them.
The running digest of the bytes 0…offset is kept in this process, so that a commit here reads nothing again; another
process reads the file once.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from lading.backends.content_store.background_sync import BackgroundSync
from lading.backends.content_store.hashing import BUFFER, Streams
from lading.backends.content_store.locks import claim, stands_at
from lading.backends.content_store.storage import (
    PRIVATE_FILE,
    BytesLost,
    Reserve,
    StorageUnusable,
    storing,
    sync_file,
    syncing,
    write_all,
)
from lading.backends.content_store.tree import Tree
from lading.oci.digest import Algorithm, Digest, DigestMismatch
from lading.wire.message import Cancel, Reader
from lading.wire.upload_session import UploadBusy, UploadUnknown

_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGESTS_KEPT = 1024
_LOOK_AGAIN_SECONDS = 0.02
_LOOK_EVERY = 16 * 1024 * 1024
"""Bytes after which a running upload looks again how much room there is, as others write too, and whether it is still
wanted."""


class Running(Protocol):
    """A digest of what has passed so far."""

    def update(self, filled: memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...


Keep = Callable[[Digest, Path, int], None]
"""Takes a finished file, by path and by its open number, into the store."""


class Uploads:
    """All sessions below one content folder, for all threads and processes that use it."""

    def __init__(self, tree: Tree, keep: Keep, streams: Streams, reserve: Reserve) -> None:
        """`reserve` is what stays free: below it no session begins."""
        self._tree, self._keep, self._streams, self._reserve = tree, keep, streams, reserve
        self._digests = RunningDigests()

    def create(self, session: str) -> None:
        """Begins an empty session under a name the caller made up. Raises SpaceLow, StorageUnusable, also where it
        exists."""
        path = self._path(session)
        self._reserve.check(self._tree.uploads)
        with storing(path):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))

    def offset(self, session: str) -> int:
        """How many bytes are kept, also while somebody writes. Raises UploadUnknown."""
        try:
            return self._path(session).stat().st_size
        except FileNotFoundError:
            raise UploadUnknown(session) from None

    @contextmanager
    def writing(self, session: str, cancel: Cancel, patience_seconds: float = 0.0) -> Iterator[Upload]:
        """Alone with the session while inside; an old connection may drain for `patience_seconds`.

        Raises UploadUnknown, UploadBusy.
        """
        path = self._path(session)
        file = self._claim(session, path, cancel, patience_seconds)
        try:
            yield Upload(
                path, file, keep=self._keep, streams=self._streams, digests=self._digests, reserve=self._reserve
            )
        finally:
            os.close(file)

    def cancel(self, session: str) -> None:
        """The session and its bytes go, also under a writer: what it still writes goes with them.

        Raises UploadUnknown.
        """
        path = self._path(session)
        with storing(path):
            try:
                path.unlink()
            except FileNotFoundError:
                raise UploadUnknown(session) from None
        self._digests.forget(session)

    def _path(self, session: str) -> Path:
        if not _SESSION.fullmatch(session):
            raise UploadUnknown(session)
        return self._tree.upload(session)

    def _claim(self, session: str, path: Path, cancel: Cancel, patience_seconds: float) -> int:
        waited = 0.0
        while True:
            with storing(path):
                try:
                    file = claim(path, create=False)
                except FileNotFoundError:
                    raise UploadUnknown(session) from None
            if file is not None:
                return file
            if waited >= patience_seconds:
                raise UploadBusy(session)
            cancel.wait(_LOOK_AGAIN_SECONDS)
            waited += _LOOK_AGAIN_SECONDS


class Upload:
    """One session while it is ours to write."""

    def __init__(
        self, path: Path, file: int, *, keep: Keep, streams: Streams, digests: RunningDigests, reserve: Reserve
    ) -> None:
        self._path, self._file = path, file
        self._keep, self._streams, self._digests, self._reserve = keep, streams, digests, reserve
        self._looked = 0
        self._syncing = BackgroundSync(self._sync)

    @property
    def offset(self) -> int:
        """How many bytes are kept: the size of the file, nothing else."""
        return os.fstat(self._file).st_size

    def append(self, reader: Reader, cancel: Cancel, expected: int = 0) -> int:
        """Takes all the reader gives, about `expected` bytes; answers the new offset.

        What had arrived before an error is kept. Raises what the reader raises, SpaceLow, before anything is read where
        there is no room for what is expected, UploadUnknown where the session was cancelled meanwhile, DiskFull,
        StorageUnusable, Cancelled; and BytesLost, which ends the session.
        """
        offset = self._looked = self.offset
        self._reserve.check_running(self._path.parent, expected)
        running = self._digests.take(self._path.name, offset) or self._reread(Algorithm.SHA256, cancel)
        with self._streams.hashing(running.update, expected or BUFFER) as hashing:
            try:
                while filled := self._receive(reader, hashing.buffer(), offset, cancel):
                    offset += len(filled)
                    hashing.update(filled)
            finally:
                hashing.finish()
                self._settle()
                if offset == self.offset and stands_at(self._path, self._file):
                    self._digests.put(self._path.name, offset, running)
        self._check_there()
        return offset

    def finish(self, digest: Digest, cancel: Cancel) -> int:
        """The session becomes this blob, on disk and leased when this returns; answers its size in bytes.

        Success where the blob is there already. Raises DigestMismatch, which leaves the session as it was,
        UploadUnknown where it was cancelled meanwhile, StorageUnusable, Cancelled; and BytesLost, which ends it.
        """
        size = self.offset
        kept = self._digests.take(self._path.name, size) if digest.algorithm is Algorithm.SHA256 else None
        running = kept or self._reread(digest.algorithm, cancel)
        received = Digest(digest.algorithm, running.hexdigest())
        if received != digest:
            if digest.algorithm is Algorithm.SHA256:
                self._digests.put(self._path.name, size, running)
            raise DigestMismatch(digest, received)
        self._check_there()
        try:
            self._keep(digest, self._path, self._file)
        except BytesLost:
            self._end()
            raise
        except StorageUnusable as error:
            if isinstance(error.__cause__, FileNotFoundError):  # cancelled while it reached the disk
                raise UploadUnknown(self._path.name) from None
            raise
        return size

    def _receive(self, reader: Reader, buffer: memoryview, offset: int, cancel: Cancel) -> memoryview:
        """Reads once and writes what came; nothing at the end."""
        cancel.check()
        if offset - self._looked >= _LOOK_EVERY:
            self._check_there()
            self._reserve.check_running(self._path.parent)
            self._looked = offset
        count = reader.readinto(buffer)
        with storing(self._path, count):
            write_all(self._file, buffer[:count], offset)
        self._syncing.wrote(count)
        return buffer[:count]

    def _check_there(self) -> None:
        """Raises UploadUnknown where the session was cancelled under us: what is written goes with its file."""
        if not stands_at(self._path, self._file):
            raise UploadUnknown(self._path.name)

    def _settle(self) -> None:
        """Once nothing is being synced. What a sync lost could still be read, and would be taken for whole."""
        try:
            self._syncing.settle()
        except BytesLost:
            self._end()
            raise

    def _end(self) -> None:
        self._digests.forget(self._path.name)
        if stands_at(self._path, self._file):
            with storing(self._path):
                self._path.unlink(missing_ok=True)

    def _sync(self) -> None:
        with syncing(self._path):
            sync_file(self._file)

    def _reread(self, algorithm: Algorithm, cancel: Cancel) -> Running:
        running = hashlib.new(algorithm)
        offset = 0
        buffer = memoryview(bytearray(min(BUFFER, max(self.offset, 1))))
        with storing(self._path):
            while count := os.preadv(self._file, [buffer], offset):
                cancel.check()
                running.update(buffer[:count])
                offset += count
        return running


class RunningDigests:
    """The sha256 of what each session holds that this process has written to lately; `state` tells what that is: of a
    file, how long it is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Hashable, Running]] = OrderedDict()

    def take(self, session: str, state: Hashable) -> Running | None:
        """The one for exactly these bytes, which the caller then owns; None where it is not known."""
        with self._lock:
            known, running = self._kept.pop(session, (state, None))
            return running if known == state else None

    def put(self, session: str, state: Hashable, running: Running) -> None:
        """The oldest is forgotten when there are too many."""
        with self._lock:
            self._kept[session] = (state, running)
            while len(self._kept) > _DIGESTS_KEPT:
                self._kept.popitem(last=False)

    def forget(self, session: str) -> None:
        """It has ended."""
        with self._lock:
            self._kept.pop(session, None)
