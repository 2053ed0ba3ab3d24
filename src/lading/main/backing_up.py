"""Backups of a data folder and its rows, beside a server that may be at work there: services.backups.backups, wired."""
# ruff: noqa: PLC0415  archives are imported where one is written

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lading import __version__
from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.locks import exclusive_at_once
from lading.backends.content_store.pinned import PinnedContent
from lading.backends.content_store.storage import storing
from lading.backends.credentials.box import KeyFile
from lading.backends.database.catalogue import open_catalogue
from lading.backends.database.repositories import open_records
from lading.backends.database.schema import VERSION
from lading.backends.database.service_database import ServiceDatabase
from lading.backends.database.snapshots import alone_in_file, copy_file
from lading.errors import LadingError, Refused
from lading.main.content_place import OwnContent
from lading.main.data_folder import private_folder
from lading.main.own_engine import LOCAL_DATABASE
from lading.oci.digest import Algorithm, Digest
from lading.services.audit.audit import Trail
from lading.services.backups.backups import Backups, Destination, Placed, Snapshot
from lading.services.backups.index import KEY, LOCAL_ROWS, LOGINS, PORT, ROWS, SEEN, TRUST, Piece, is_trust_file
from lading.wire.message import Cancel

_LOCK = "backup.lock"
_ROOM = "backup-"
"""How a folder in the scratch folder begins that a backup works in."""


class BackupRuns(Refused):
    """Another backup of the same data folder is being made."""

    hint = "Wait until it has ended."

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.data = data

    def __str__(self) -> str:
        return f"a backup of {self.data} is being made already"


class ContentInBucket(Refused):
    """Content in an object store is kept, versioned and copied by the store's own means."""

    hint = "Leave the content out of the backup, and have the object store keep or copy its bucket."
    command = "lading backup PLACE --no-content, and have the object store keep or copy its bucket."

    def __init__(self, bucket: str) -> None:
        super().__init__(bucket)
        self.bucket = bucket

    def __str__(self) -> str:
        return f"the content is in {self.bucket}, and is not put into a backup"


def backups_of(data: Path, content: OwnContent, database: ServiceDatabase, trail: Trail) -> Backups:
    """Those of this data folder."""
    return Backups(_Stills(data, content, database), trail, database.settings, __version__, time.time)


@contextmanager
def opened_destination(place: str) -> Iterator[Destination]:
    """A file, where the name ends as an archive's does; else a folder. Raises Refused leaves, BackupInvalid,
    StorageFailed leaves."""
    from lading.backends.content_store.backup_archive import ENDINGS, written_archive
    from lading.backends.content_store.backup_folder import opened_folder

    path = Path(place).absolute()
    opened: AbstractContextManager[Destination]
    if place.endswith(ENDINGS) and not path.is_dir():
        opened = written_archive(path)
    else:
        opened = opened_folder(path, making=True)
    with opened as destination:
        yield destination


class _Stills:
    """Fulfils services.backups.backups.Stills."""

    def __init__(self, data: Path, content: OwnContent, database: ServiceDatabase) -> None:
        self._data, self._content, self._database = data, content, database

    @contextmanager
    def still(self, cancel: Cancel, *, content: bool, keys: bool) -> Iterator[Snapshot]:
        with ExitStack() as stack:
            room = self._room(stack)
            if not isinstance(self._content, ContentFolder):
                yield self._rows_alone(room, cancel, content=content, keys=keys)
                return
            pins = private_folder(room / "pins")
            pinned = PinnedContent(self._content, pins)
            with pinned.unchanged(cancel):
                rows = self._rows(room)
                if content:
                    pinned.pin({digest for path in rows.values() for digest in _named(path)}, cancel)
            placed = self._placed(room, rows, cancel, keys=keys)
            yield Snapshot(VERSION, placed, pinned.blobs, pinned.referrers, pinned.missing, _keys(placed))

    def _rows_alone(self, room: Path, cancel: Cancel, *, content: bool, keys: bool) -> Snapshot:
        """Raises ContentInBucket where content is wanted too."""
        if content:
            raise ContentInBucket(self._content.name)
        placed = self._placed(room, self._rows(room), cancel, keys=keys)
        return Snapshot(VERSION, placed, (), (), (), _keys(placed))

    def _placed(self, room: Path, rows: Mapping[str, Path], cancel: Cancel, *, keys: bool) -> Mapping[str, Placed]:
        for path in rows.values():
            alone_in_file(path)
        files = {**rows, **self._small(room, keys=keys)}
        return {name: Placed(_piece(path, cancel), path) for name, path in files.items()}

    def _room(self, stack: ExitStack) -> Path:
        """A folder that goes with the stack; one that a killed backup left goes now."""
        with storing(self._data):
            if not stack.enter_context(exclusive_at_once(self._data / _LOCK)):
                raise BackupRuns(self._data)
            scratch = private_folder(self._data / "scratch")
            for left in scratch.glob(f"{_ROOM}*"):
                shutil.rmtree(left)
            return Path(stack.enter_context(TemporaryDirectory(prefix=_ROOM, dir=scratch)))

    def _rows(self, room: Path) -> Mapping[str, Path]:
        """Those of the service, and where they are not in the data folder, the local command's."""
        rows = {ROWS: room / ROWS}
        self._database.snapshot(rows[ROWS])
        local = self._data / LOCAL_DATABASE
        if self._database.shared and local.exists():
            rows[LOCAL_ROWS] = room / LOCAL_ROWS
            copy_file(local, rows[LOCAL_ROWS])
        return rows

    def _small(self, room: Path, *, keys: bool) -> Mapping[str, Path]:
        """Copies of the other files that there are: they may be replaced meanwhile."""
        names = [LOGINS, PORT, SEEN, *self._trust(), *([KEY] if keys else [])]
        found = {name: room / name for name in names if (self._data / name).exists()}
        with storing(self._data):
            for name, path in found.items():
                path.parent.mkdir(0o700, parents=True, exist_ok=True)
                shutil.copyfile(self._data / name, path)
        return found

    def _trust(self) -> Sequence[str]:
        """Keys and memories of content trust; what locks them, or is being written beside them, is none."""
        with storing(self._data):
            found = [path for path in (self._data / TRUST).rglob("*") if path.is_file() and path.suffix != ".lock"]
        names = [str(path.relative_to(self._data)) for path in found]
        return sorted(filter(is_trust_file, names))


def _keys(placed: Mapping[str, Placed]) -> Sequence[str]:
    """Ids of what is in the key file; a file that nobody can read holds no key."""
    try:
        return KeyFile(placed[KEY].path).ids() if KEY in placed else ()
    except LadingError:
        return ()


def _named(rows: Path) -> Sequence[Digest]:
    """What the names in these rows stand for."""
    with closing(open_catalogue(rows, time.time)) as catalogue, closing(open_records(rows)) as records:
        return [*(image.root.digest for image in catalogue.images.all()), *records.reached()]


def _piece(path: Path, cancel: Cancel) -> Piece:
    running = hashlib.sha256()
    with storing(path), path.open("rb") as file:
        while part := file.read(1024 * 1024):
            cancel.check()
            running.update(part)
    return Piece(Digest(Algorithm.SHA256, running.hexdigest()), path.stat().st_size)
