"""What a backup holds: its backup.json as a value.

backup.json                 what this page says: written last into a folder, first into an archive
blobs/<alg>/<hex>           everything else, each file under the digest of its bytes:
                            the rows, an SQLite database whatever the service keeps its own in (`lading.db`); those of
                            the local command, where the service keeps its own elsewhere (`local.db`); other small files
                            of the data folder by their names there, with slashes below `trust`; and all content that
                            names reach

So a backup is proven by reading it, an image that was kept before is not kept again, and a folder is one backup or the
one before it, never half of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lading.errors import InputInvalid, LadingError, Refused
from lading.oci.digest import Digest
from lading.services.server.serving import KEPT_PORT

INDEX = "backup.json"
FORMAT = 1
ROWS, LOCAL_ROWS = "lading.db", "local.db"
LOGINS, KEY, PORT = "logins.json", "secret.key", KEPT_PORT
SEEN = "seen-signatures.json"
FILES = frozenset({ROWS, LOCAL_ROWS, LOGINS, KEY, PORT, SEEN})
"""What a backup may hold beside content, and the files below TRUST."""

TRUST = "trust"
"""The folder of content trust: signing keys, each under its own passphrase, and what was seen of trust servers. Without
the former nobody signs again what they sign, without the latter an old state would be believed."""

LONGEST_NAME = 1024
"""Characters of a file's name below TRUST."""


def is_trust_file(name: str) -> bool:
    """Whether it may be the name of a file below TRUST, and of nothing elsewhere."""
    folder, *parts = name.split("/")
    plain = all(part and not part.startswith(".") and part.isprintable() for part in parts)
    return folder == TRUST and bool(parts) and plain and len(name) <= LONGEST_NAME


LARGEST = 256 * 1024 * 1024
"""Bytes of a backup.json: a hundred a blob, for more blobs than anybody keeps."""


class BackupInvalid(InputInvalid):
    """What should be a backup is none, or says what no backup says."""

    hint = "Name the folder or file that a backup was written to."

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place, self.why = place, reason

    def __str__(self) -> str:
        return f"{self.place} is no backup of Lading's"


class BackupNewer(Refused):
    """A newer Lading made it: its tables mean more than this program knows."""

    hint = "Restore it with the Lading that made it, or a newer one."

    def __init__(self, place: str, found: int, known: int) -> None:
        super().__init__(place, found, known)
        self.place, self.found, self.known = place, found, known

    def __str__(self) -> str:
        return f"{self.place} has tables of version {self.found}; this Lading knows versions up to {self.known}"


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a backup: its name, as everything there is named, and its size in bytes."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class BackupIndex:
    """`made` in seconds since 1970, `program` the version that made it, `schema` that of its tables. `complete` says
    that the content is in it, and not the rows alone."""

    made: float
    program: str
    schema: int
    complete: bool
    files: Mapping[str, Piece]
    blobs: Sequence[Piece]
    referrers: Sequence[tuple[Digest, Digest]] = ()
    """Subjects, and what refers to them."""

    @property
    def pieces(self) -> Mapping[Digest, int]:
        """Every file of it, with its size in bytes."""
        return {piece.digest: piece.size for piece in (*self.files.values(), *self.blobs)}

    @property
    def size(self) -> int:
        """In bytes, each file counted once."""
        return sum(self.pieces.values())

    def text(self) -> bytes:
        """As backup.json holds it."""
        told = {
            "format": FORMAT,
            "made": self.made,
            "program": self.program,
            "schema": self.schema,
            "complete": self.complete,
            "files": {name: [str(piece.digest), piece.size] for name, piece in self.files.items()},
            "blobs": [[str(piece.digest), piece.size] for piece in self.blobs],
            "referrers": [[str(subject), str(referrer)] for subject, referrer in self.referrers],
        }
        return json.dumps(told, separators=(",", ":")).encode()


def read_index(place: str, raw: bytes) -> BackupIndex:
    """Of the backup at `place`. Raises BackupInvalid."""
    try:
        told = json.loads(raw)
        if told["format"] != FORMAT:
            raise BackupInvalid(place, f"its form is {told['format']!r}, and this Lading knows {FORMAT}")
        index = BackupIndex(
            made=float(_number(told["made"], LAST_INSTANT)),
            program=_text(told["program"]),
            schema=int(_number(told["schema"], LARGEST_NUMBER)),
            complete=bool(told["complete"]),
            files={_plain(place, name): _piece(each) for name, each in told["files"].items()},
            blobs=tuple(map(_piece, told["blobs"])),
            referrers=tuple((Digest.parse(subject), Digest.parse(referrer)) for subject, referrer in told["referrers"]),
        )
    except LadingError as error:
        raise error if isinstance(error, BackupInvalid) else BackupInvalid(place, str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BackupInvalid(place, f"its {INDEX} cannot be understood") from error
    if len(index.pieces) != len({*index.files.values(), *index.blobs}):
        raise BackupInvalid(place, f"its {INDEX} gives one file two sizes")
    return index


LARGEST_NUMBER = 2**63 - 1
"""Of a size, or of a version of tables: no disk and no program has more."""

LAST_INSTANT = 253_402_300_799
"""The last second of the year 9999: later ones cannot be written down."""


def _number(told: object, most: int) -> int | float:
    """From zero; `NaN` is none, which JSON as Python reads it may have."""
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= most:
        raise ValueError
    return told


def _text(told: object) -> str:
    if not isinstance(told, str):
        raise TypeError
    return told


def _piece(told: Sequence[object]) -> Piece:
    digest, size = told
    return Piece(Digest.parse(_text(digest)), int(_number(size, LARGEST_NUMBER)))


def _plain(place: str, name: str) -> str:
    """A backup may come from anywhere: its names lead nowhere else."""
    if name not in FILES and not is_trust_file(name):
        raise BackupInvalid(place, f"it names a file {name!r}, which no data folder has")
    return name
