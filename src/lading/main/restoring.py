"""A data folder that is filled from a backup: services.backups.restoring, wired.

    DATA/restoring/          what has come; while it is here, nobody else may use the folder
                  content/   in its places
                  files/     the rest
    DATA/content  …          moved there when all has come, the rows last

A restore that was killed leaves `restoring`: the next one begins anew, and takes away what the first had moved.
"""
# ruff: noqa: PLC0415  archives are imported where one is read

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from lading.backends.content_store.listing import OciListing
from lading.backends.content_store.storage import (
    OPEN_FILE,
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    free_bytes,
    storing,
    sync_file,
    sync_folder,
    write_all,
)
from lading.backends.content_store.tree import Tree
from lading.backends.database.prepare import prepare
from lading.backends.database.schema import VERSION
from lading.backends.database.service_database import open_service_database
from lading.backends.database.snapshots import (
    alone_in_file,
    put_into_postgres,
    refuse_filled,
    with_names_of,
    without_passing,
)
from lading.errors import NoRoom, Refused
from lading.main.data_folder import RESTORING, SERVE_LOCK, DataFolderUnusable, served_alone
from lading.services.access import LADING
from lading.services.audit.audit import Deed, Result
from lading.services.audit.trail import AuditTrail
from lading.services.backups.index import FILES, LOCAL_ROWS, ROWS, TRUST, BackupIndex, Piece, is_trust_file
from lading.services.backups.restoring import Origin, Readable, Restored, Site, restore
from lading.settings import Settings
from lading.wire.message import Cancel
from lading.wire.progress import Report

_CONTENT = "content"


class DataFolderFilled(Refused):
    """A backup is restored into an empty folder, and this one is not."""

    hint = "Name an empty folder, or one that is not there yet."
    command = "lading --data EMPTY-FOLDER restore …   (or move this one away first)"

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(path, found)
        self.path = path
        self.why = f"It holds {found}: a restore overwrites nothing."

    def __str__(self) -> str:
        return f"the data folder {self.path} is not empty"


class NoRoomToRestore(NoRoom):
    """The disk cannot hold what the backup holds; `need` and `free` are in bytes."""

    hint = "Restore into a folder on a larger disk."
    command = "lading --data FOLDER-ON-A-LARGER-DISK restore …"

    def __init__(self, path: Path, need: int, free: int) -> None:
        super().__init__(path, need, free)
        self.path, self.need, self.free = path, need, free

    def __str__(self) -> str:
        return f"{self.path} has no room for the backup: it has {self.need} bytes, and {self.free} are free"


def restored(settings: Settings, place: str, report: Report, cancel: Cancel, *, keep_going: bool) -> Restored:
    """Raises as services.backups.restoring.restore does."""
    filling = partial(_filling, settings.data, settings.database)
    with _opened(place, cancel) as origin:
        given = settings.secret_key is not None
        return restore(origin, filling, VERSION, report, cancel, keep_going=keep_going, key_given=given)


@contextmanager
def _opened(place: str, cancel: Cancel) -> Iterator[Origin]:
    from lading.backends.content_store.backup_archive import read_archive
    from lading.backends.content_store.backup_folder import opened_folder

    path = Path(place).absolute()
    opened: AbstractContextManager[Origin]
    opened = read_archive(path, cancel) if path.is_file() else opened_folder(path, making=False)
    with opened as origin:
        yield origin


@contextmanager
def _filling(data: Path, url: str | None, index: BackupIndex) -> Iterator[Site]:
    made = not data.exists()
    try:
        data.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderUnusable(data, os.strerror(error.errno or 0)) from error
    try:
        with _alone(data):
            if url is not None:
                refuse_filled(url)
            _refuse_small(data, index.size)
            try:
                yield _Site(data, url, index)
            finally:
                _clear(data)
    finally:
        with suppress(OSError):
            if made and not [each for each in data.iterdir() if each.name != SERVE_LOCK]:
                shutil.rmtree(data)


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """An empty folder, and nobody else in it. Raises DataFolderFilled, FolderServed."""
    _refuse_filled(data)
    with served_alone(data):
        _refuse_filled(data)
        _clear(data)
        yield


def _refuse_filled(data: Path) -> None:
    with storing(data):
        names = {each.name for each in data.iterdir()} - {SERVE_LOCK, "lost+found"}
    if names and RESTORING not in names:
        raise DataFolderFilled(data, min(names))


def _refuse_small(data: Path, need: int) -> None:
    with storing(data):
        free = free_bytes(data)
    if free < need:
        raise NoRoomToRestore(data, need, free)


def _clear(data: Path) -> None:
    """What a restore left that has not settled; nobody has used the folder since."""
    with storing(data):
        if not (data / RESTORING).exists():
            return
        for name in (*FILES, _CONTENT, TRUST):
            path = data / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        shutil.rmtree(data / RESTORING)


class _Site:
    """Fulfils services.backups.restoring.Site."""

    def __init__(self, data: Path, url: str | None, index: BackupIndex) -> None:
        self._data, self._url, self._index = data, url, index
        self._blobs = frozenset(index.blobs)
        self._stage = data / RESTORING
        self._files = self._stage / "files"
        with storing(data):
            self._files.mkdir(0o700, parents=True)
        self._tree = Tree(self._stage / _CONTENT)
        self._tree.prepare()

    def put(self, piece: Piece, source: Readable, passed: Callable[[int], None], cancel: Cancel) -> None:
        places = self._places(piece)
        first = places[0][0]
        with storing(first, piece.size):
            for path, _ in places:
                self._make_folder(path.parent)
            _write(piece, source, first, passed, cancel)
            for path, mode in places:
                if path != first:
                    shutil.copyfile(first, path)
                path.chmod(mode)

    def _places(self, piece: Piece) -> Sequence[tuple[Path, int]]:
        """Where it belongs, and the mode of its file there."""
        names = [name for name, each in self._index.files.items() if each == piece]
        places = [(self._files / name, PRIVATE_FILE) for name in names]
        if piece in self._blobs:
            places.append((self._tree.blob(piece.digest), OPEN_FILE))
        return places

    def _make_folder(self, folder: Path) -> None:
        """Below the files, each folder on the way as private as the last."""
        if folder.is_relative_to(self._files) and not folder.exists():
            self._make_folder(folder.parent)
            folder.mkdir(PRIVATE_FOLDER)

    def settle(self) -> None:
        rows = self._files / ROWS
        without_passing(rows)
        local = self._files / LOCAL_ROWS
        if local.exists():
            prepare(local)
            if self._url is None:
                with_names_of(rows, local)
            alone_in_file(local)
        self._record(rows)
        alone_in_file(rows)
        with storing(self._data):
            self._refer()
            self._move(rows, local)

    def _record(self, rows: Path) -> None:
        """The trail goes on with it, and the layout's index names what is here."""
        index = self._index
        details = {"made": index.made, "program": index.program, "blobs": len(index.blobs), "bytes": index.size}
        with closing(open_service_database(rows, time.time)) as database:
            trail = AuditTrail(database.audit, time.time)
            trail.record(LADING, Deed("restore", "service", "", str(self._data), details=details), Result.DONE)
            OciListing(self._tree, database.catalogue.images).write()

    def _refer(self) -> None:
        for subject, referrer in self._index.referrers:
            path = self._tree.referrer(subject, referrer)
            path.parent.mkdir(0o700, parents=True, exist_ok=True)
            path.touch(PRIVATE_FILE)

    def _move(self, rows: Path, local: Path) -> None:
        """The rows last: without them nothing here is a data folder."""
        self._tree.root.rename(self._data / _CONTENT)
        for name in self._index.files:
            if name not in {ROWS, LOCAL_ROWS} and not is_trust_file(name):
                (self._files / name).rename(self._data / name)
        if (self._files / TRUST).exists():
            (self._files / TRUST).rename(self._data / TRUST)
        sync_folder(self._data)
        if self._url is None:
            rows.rename(self._data / ROWS)
        else:
            if local.exists():
                local.rename(self._data / ROWS)
            put_into_postgres(self._url, rows)
        shutil.rmtree(self._stage)
        sync_folder(self._data)


def _write(piece: Piece, source: Readable, path: Path, passed: Callable[[int], None], cancel: Cancel) -> None:
    """Whole and on disk, or not there. Raises ContentCorrupt leaves, Cancelled."""
    verifier = piece.digest.verifier(piece.size)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        offset = 0
        while part := source.read(1024 * 1024):
            cancel.check()
            verifier.update(part)
            write_all(file, memoryview(part), offset)
            offset += len(part)
            passed(len(part))
        verifier.finish()
        sync_file(file)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)
