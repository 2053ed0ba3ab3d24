"""Filling an empty data folder from a backup: all of it, proven byte by byte, or nothing.

1 what the backup says is read, and refused where a newer Lading made it
2 every piece goes to a place beside, held against its digest on the way
3 what lacks is told; with anything lacking nothing is restored, unless that is accepted
4 rows are brought to our version, content gets its places, and all of it becomes the data folder
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from lading.errors import ContentCorrupt, PartlyDone
from lading.oci.digest import Digest
from lading.services.backups.backups import PieceProgress
from lading.services.backups.index import KEY, ROWS, BackupIndex, BackupInvalid, BackupNewer, Piece
from lading.wire.message import Cancel
from lading.wire.progress import Report


class BackupDamaged(ContentCorrupt):
    """Pieces of a backup are not there, or are not what their names say; nothing was restored."""

    hint = "Take another copy of the backup, or an earlier one."
    command = (
        "Take another copy of the backup, or an earlier one; --keep-going restores what is sound, if the rows are."
    )

    def __init__(self, place: str, lacking: Sequence[Digest]) -> None:
        super().__init__(place, lacking)
        self.place, self.lacking = place, lacking

    def __str__(self) -> str:
        return (
            f"{len(self.lacking)} pieces of the backup {self.place} are missing or damaged, such as {self.lacking[0]}"
        )


class RestoredInPart(PartlyDone):
    """It was restored without content that the backup does not have, or not as its names say."""

    why = "What lacks was missing or damaged in the backup; everything else is here."
    hint = "Push or pull again the images that need it."
    command = "lading doctor --content names it; push or pull again the images that need it"

    def __init__(self, place: str, lacking: Sequence[Digest]) -> None:
        super().__init__(place, lacking)
        self.place, self.lacking = place, lacking

    def __str__(self) -> str:
        return f"{len(self.lacking)} blobs could not be restored from {self.place}, such as {self.lacking[0]}"


class Readable(Protocol):
    """The bytes of one piece."""

    def read(self, size: int, /) -> bytes:
        """At most so many; none at the end."""


class Origin(Protocol):
    """A backup that is read. Every method raises BackupInvalid, StorageFailed leaves."""

    @property
    def name(self) -> str:
        """For people."""

    def index(self) -> BackupIndex:
        """What it says that it holds; asked for first, and once."""

    def pieces(self) -> Iterator[tuple[Digest, Readable]]:
        """Those that are there; each is read before the next is asked for."""


class Site(Protocol):
    """What is to become the data folder. Every method raises StorageFailed leaves."""

    def put(self, piece: Piece, source: Readable, passed: Callable[[int], None], cancel: Cancel) -> None:
        """Raises ContentCorrupt leaves, and then the next can be put; Cancelled."""

    def settle(self) -> None:
        """All is here that will be: it becomes the data folder. Raises Refused leaves where the database is in use."""


Filling = Callable[[BackupIndex], AbstractContextManager[Site]]
"""Begins one for this backup; unless it is settled, nothing of it stays. Raises Refused leaves where something is there
already, StorageFailed leaves."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, and what could not. `keyless`: secrets need a key that neither the backup holds nor anybody has
    given."""

    index: BackupIndex
    place: str
    lacking: Sequence[Digest]
    keyless: bool


def restore(
    origin: Origin,
    filling: Filling,
    known: int,
    report: Report,
    cancel: Cancel,
    *,
    keep_going: bool,
    key_given: bool,
) -> Restored:
    """`known` is the version of our tables. Raises BackupInvalid, BackupNewer, BackupDamaged, Refused and StorageFailed
    leaves, Cancelled: and nothing was restored."""
    index = origin.index()
    if index.schema > known:
        raise BackupNewer(origin.name, index.schema, known)
    if ROWS not in index.files:
        raise BackupInvalid(origin.name, "It holds no rows.")
    with filling(index) as site:
        progress = PieceProgress(origin.name, index.size, report)
        came = _fill(origin, index, site, progress, cancel)
        lacking = sorted(index.pieces.keys() - came)
        small = {piece.digest for piece in index.files.values()}
        if lacking and (not keep_going or small.intersection(lacking)):
            raise BackupDamaged(origin.name, lacking)
        cancel.check()
        site.settle()
        progress.done()
    return Restored(index, origin.name, lacking, keyless=not key_given and KEY not in index.files)


def _fill(origin: Origin, index: BackupIndex, site: Site, progress: PieceProgress, cancel: Cancel) -> set[Digest]:
    """Those that came, and were sound."""
    came: set[Digest] = set()
    wanted = index.pieces
    for digest, source in origin.pieces():
        cancel.check()
        if digest not in wanted or digest in came:
            continue
        try:
            site.put(Piece(digest, wanted[digest]), source, progress.passed, cancel)
        except ContentCorrupt:
            continue
        came.add(digest)
    return came
