"""Making a backup while everybody goes on working.

    1 nobody collects garbage        for as long as 2 and 3 take, which is short
    2 the rows, as they stand        one snapshot of the database
    3 the content they reach         a second name for each blob: what is removed from now on stays for us
    4 files and content go to the destination; what is there already stays as it is
    5 backup.json says that all of it is there

What is pushed or recorded while the backup runs is in the next one. A backup that ends before 5 is none; in a folder
the one before it still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from lading.errors import Cancelled, ContentCorrupt, LadingError, PartlyDone
from lading.oci.digest import Digest
from lading.services.access import Actor
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.backups.index import BackupIndex, Piece
from lading.services.secrets import key_in_use
from lading.services.setting_records import SettingRecords
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Planned, Report, State
from lading.wire.progress import Piece as Shown

LAST_BACKUP = "last_backup"
"""The setting that tells when the last one was made, and where to: what `lading doctor` looks at."""


class BackupUnsound(PartlyDone):
    """It was made, without content that names need and that is not here any more as its name says."""

    why = "Content is missing or damaged here, so no backup can hold it; everything else is in this one."
    hint = "Check the content, and push or pull again the images that need it."
    command = "lading doctor --content, then push or pull again the images that need it; then the backup again"

    def __init__(self, place: str, missing: Sequence[Digest]) -> None:
        super().__init__(place, missing)
        self.place, self.missing = place, missing

    def __str__(self) -> str:
        return f"the backup {self.place} lacks {len(self.missing)} blobs, such as {self.missing[0]}"


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece, and where it can be read."""

    piece: Piece
    path: Path


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was held still: files by their names in a backup, and content. `missing` is named and not here. `keys` are
    the ids of the secret keys among the files."""

    schema: int
    files: Mapping[str, Placed]
    blobs: Sequence[Placed]
    referrers: Sequence[tuple[Digest, Digest]]
    missing: Sequence[Digest]
    keys: Collection[str] = ()


class Stills(Protocol):
    """The data folder and its rows. Raises StorageFailed leaves, Cancelled."""

    def still(self, cancel: Cancel, *, content: bool, keys: bool) -> AbstractContextManager[Snapshot]:
        """Held still while inside; whoever writes goes on meanwhile."""


class Destination(Protocol):
    """Where one backup goes. Every method raises StorageFailed leaves."""

    @property
    def name(self) -> str:
        """For people."""

    def begin(self, index: BackupIndex) -> None:
        """What is going to be put. Raises BackupInvalid where something else is there, Refused leaves."""

    def holds(self, piece: Piece) -> bool:
        """Whether it is there from an earlier time, and may stay."""

    def put(self, piece: Piece, path: Path, passed: Callable[[int], None], cancel: Cancel) -> None:
        """`passed` hears of bytes. Raises ContentCorrupt leaves, and then the next can be put; Cancelled."""

    def finish(self, index: BackupIndex) -> None:
        """From now on it is a backup, and lasts."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup holds and cost: `kept` bytes were there from an earlier one. `keyless` is the id of the secret key
    that its rows were sealed with, where it is not in it."""

    index: BackupIndex
    place: str
    kept: int
    missing: Sequence[Digest]
    keyless: str | None


class Backups:
    """`program` is our version, `clock` tells seconds since 1970."""

    def __init__(
        self, stills: Stills, trail: Trail, settings: SettingRecords, program: str, clock: Callable[[], float]
    ) -> None:
        self._stills, self._trail, self._settings = stills, trail, settings
        self._program, self._clock = program, clock

    def make(
        self, actor: Actor, destination: Destination, report: Report, cancel: Cancel, *, content: bool, keys: bool
    ) -> Made:
        """With the content and the secret keys, if they are wanted. Raises StorageFailed leaves, what the destination
        refuses, Cancelled."""
        deed = Deed("backup", "service", "", destination.name, details={"content": content, "keys": keys})
        self._trail.record(actor, deed, Result.STARTED)
        try:
            made = self._made(destination, report, cancel, content=content, keys=keys)
        except LadingError as error:
            self._trail.record(actor, deed, Result.CANCELLED if isinstance(error, Cancelled) else Result.FAILED)
            raise
        index, missing = made.index, len(made.missing)
        told = {**deed.details, "blobs": len(index.blobs), "bytes": index.size, "missing": missing}
        self._settings.put_setting(LAST_BACKUP, {"made": index.made, "place": made.place, "content": content})
        self._trail.record(actor, replace(deed, details=told), Result.DONE)
        return made

    def _made(self, destination: Destination, report: Report, cancel: Cancel, *, content: bool, keys: bool) -> Made:
        at = self._clock()
        with self._stills.still(cancel, content=content, keys=keys) as still:
            files = {name: placed.piece for name, placed in still.files.items()}
            blobs = [placed.piece for placed in still.blobs]
            index = BackupIndex(at, self._program, still.schema, content, files, blobs, still.referrers)
            destination.begin(index)
            progress = PieceProgress(destination.name, index.size, report)
            damaged = list(_put(destination, [*still.files.values(), *still.blobs], progress, cancel))
            destination.finish(index)
            progress.done()
        used = key_in_use(self._settings)
        keyless = None if used in still.keys else used
        return Made(index, destination.name, progress.kept, sorted({*still.missing, *damaged}), keyless)


def _put(
    destination: Destination, all_of_it: Iterable[Placed], progress: PieceProgress, cancel: Cancel
) -> Iterator[Digest]:
    """Each once; gives those that are not what their names say."""
    seen: set[Digest] = set()
    for placed in all_of_it:
        cancel.check()
        if placed.piece.digest in seen:
            continue
        seen.add(placed.piece.digest)
        if destination.holds(placed.piece):
            progress.keep(placed.piece.size)
            continue
        try:
            destination.put(placed.piece, placed.path, progress.passed, cancel)
        except ContentCorrupt:
            yield placed.piece.digest


class PieceProgress:
    """Tells of many pieces as of one: a backup has more of them than anybody reads lines."""

    def __init__(self, target: str, size: int, report: Report) -> None:
        self._target, self._size, self._report = target, size, report
        self.moved = self.kept = 0
        report(Planned(target, (Shown(CONTENT, size=size),)))

    def keep(self, count: int) -> None:
        """So many bytes were there."""
        self.kept += count
        self._tell(State.MOVING)

    def passed(self, count: int) -> None:
        """So many bytes have been written."""
        self.moved += count
        self._tell(State.MOVING)

    def done(self) -> None:
        """All of it."""
        self._tell(State.DONE)

    def _tell(self, state: State) -> None:
        current = self._size if state is State.DONE else min(self._size, self.moved + self.kept)
        self._report(Advanced(self._target, CONTENT, state, current, self._size, self.kept))


CONTENT = "content"
"""What the one piece is called that stands for all."""
