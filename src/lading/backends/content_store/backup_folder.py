"""A backup in a folder: made, added to, and read again. See services.backups.index for what lies there.

DIR/blobs/<alg>/<hex>      one file for each piece; a second name of ours where DIR is on our own file system
DIR/blobs/<alg>/<hex>.new  a piece on its way
DIR/backup.json            replaced when all that it names is there; what no longer is named goes afterwards
DIR/lock                   held by whoever writes here, or reads
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lading.backends.content_store.storage import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    replace_file,
    storing,
    sync_file,
    sync_folder,
    write_all,
)
from lading.errors import Refused
from lading.oci.archive import BLOBS, blob_member
from lading.oci.digest import HEX_LENGTH, Algorithm, Digest
from lading.services.backups.index import INDEX, LARGEST, BackupIndex, BackupInvalid, Piece, read_index
from lading.wire.message import Cancel

BUFFER = 1024 * 1024
_LOCK, _NEW = "lock", ".new"


class BackupBusy(Refused):
    """Another process writes or reads the same backup."""

    hint = "Wait until it has ended, or name another folder."

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place

    def __str__(self) -> str:
        return f"the backup {self.place} is in use"


class ContentWouldGo(Refused):
    """A backup without content would take the place of one that has it."""

    hint = "Name another folder for a backup without content."

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place

    def __str__(self) -> str:
        return f"the backup {self.place} has content, which one without content would remove"


@contextmanager
def opened_folder(path: Path, *, making: bool) -> Iterator[BackupFolder]:
    """Nobody else uses it while inside. Raises BackupBusy, BackupInvalid, StorageUnusable."""
    with storing(path):
        if making:
            path.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        if not path.is_dir():
            raise BackupInvalid(str(path), "There is no such folder." if not path.exists() else "It is no folder.")
        _refuse_other(path)
        try:
            file = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        except OSError:
            if making:
                raise
            file = os.open(path, os.O_RDONLY)  # on a disk that nobody writes
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield BackupFolder(path)
    except BlockingIOError:
        raise BackupBusy(str(path)) from None
    finally:
        os.close(file)


def _refuse_other(path: Path) -> None:
    """A folder of somebody's is not one for a backup, nor one that leads to somebody's: what is not named goes."""
    if any((path / BLOBS / each).is_symlink() for each in ("", *Algorithm)):
        raise BackupInvalid(str(path), f"Its {BLOBS} lie in another folder.")
    if not (path / INDEX).exists() and {each.name for each in path.iterdir()} - {BLOBS, _LOCK, f".{INDEX}.new"}:
        raise BackupInvalid(str(path), "It holds other things.")


class BackupFolder:
    """Fulfils services.backups.backups.Destination and services.backups.restoring.Origin."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return str(self._path)

    # ── written

    def begin(self, index: BackupIndex) -> None:
        if (self._path / INDEX).exists() and self.index().complete and not index.complete:
            raise ContentWouldGo(self.name)
        with storing(self._path):
            for algorithm in Algorithm:
                (self._path / BLOBS / algorithm).mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)

    def holds(self, piece: Piece) -> bool:
        with storing(self._path):
            try:
                return self._blob(piece.digest).stat().st_size == piece.size
            except FileNotFoundError:
                return False

    def put(self, piece: Piece, path: Path, passed: Callable[[int], None], cancel: Cancel) -> None:
        blob = self._blob(piece.digest)
        fresh = blob.with_name(blob.name + _NEW)
        with storing(blob, piece.size):
            fresh.unlink(missing_ok=True)
            if _shared(path, fresh):
                passed(piece.size)
            else:
                _copy(piece, path, fresh, passed, cancel)
            fresh.rename(blob)

    def finish(self, index: BackupIndex) -> None:
        with storing(self._path):
            for algorithm in Algorithm:
                sync_folder(self._path / BLOBS / algorithm)
            replace_file(self._path / INDEX, index.text())
            self._forget(index.pieces.keys())

    def _forget(self, kept: Collection[Digest]) -> None:
        """What is not among these, or was on its way when somebody was killed."""
        for algorithm in Algorithm:
            for path in (self._path / BLOBS / algorithm).iterdir():
                whole = len(path.name) == HEX_LENGTH[algorithm]
                if not whole or Digest(algorithm, path.name) not in kept:
                    path.unlink()

    # ── read

    def index(self) -> BackupIndex:
        """Raises BackupInvalid, StorageUnusable."""
        with storing(self._path):
            file = _opened(self._path / INDEX)
            if file is None:
                raise BackupInvalid(self.name, f"It has no {INDEX}: no backup ended here.")
            with file:
                raw = file.read(LARGEST)
        return read_index(self.name, raw)

    def pieces(self) -> Iterator[tuple[Digest, _Readable]]:
        """Every piece that is there, open to be read. Raises BackupInvalid, StorageUnusable."""
        for digest in self.index().pieces:
            with storing(self._path):
                file = _opened(self._blob(digest))
            if file is not None:
                with file:
                    yield digest, _Readable(file)

    def _blob(self, digest: Digest) -> Path:
        return self._path / blob_member(digest)


def _opened(path: Path) -> BinaryIO | None:
    """A plain file that is there, to be read; others, such as a pipe that nobody writes to, are never waited for."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        return None
    return os.fdopen(file, "rb")


class _Readable:
    """The bytes of one piece, as far as the disk gives them: what is missing shows when they are compared with its
    name."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        try:
            return self._file.read(size)
        except OSError:
            return b""


def _shared(path: Path, fresh: Path) -> bool:
    """Whether the file has a second name now: only one that nobody will ever write to may have it."""
    if path.stat().st_mode & 0o222:
        return False
    try:
        os.link(path, fresh)
    except OSError:  # another file system, or one where files have one name
        return False
    return True


def _copy(piece: Piece, path: Path, fresh: Path, passed: Callable[[int], None], cancel: Cancel) -> None:
    """Whole and on disk under the fresh name, or not there. Raises ContentCorrupt leaves, Cancelled."""
    verifier = piece.digest.verifier(piece.size)
    target = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with path.open("rb", buffering=0) as source:
            offset = 0
            while part := source.read(BUFFER):
                cancel.check()
                verifier.update(part)
                write_all(target, memoryview(part), offset)
                offset += len(part)
                passed(len(part))
        verifier.finish()
        sync_file(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    finally:
        os.close(target)
