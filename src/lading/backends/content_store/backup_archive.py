"""A backup in one file: a tar whose first member is backup.json, compressed with zstd where its name ends so.

It is written front to back and read so, and gets its name when it is whole.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from lading.backends.content_store.storage import PRIVATE_FILE, storing
from lading.backends.content_store.tar_writer import TarWriter
from lading.oci.archive import BLOBS, blob_member
from lading.oci.digest import Digest
from lading.oci.tar import Member, MemberKind, TarInvalid, read_members
from lading.services.backups.index import INDEX, LARGEST, BackupIndex, BackupInvalid, Piece, read_index
from lading.services.content.stores import Compression
from lading.wire.message import Cancel

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BUFFER = 1024 * 1024
ENDINGS = (".tar", ".tar.zst")
"""How the name of a backup in one file ends."""


@contextmanager
def written_archive(path: Path) -> Iterator[WrittenArchive]:
    """Removed unless it was finished. Raises StorageUnusable, DiskFull."""
    compression = Compression.ZSTD if path.name.endswith(".zst") else Compression.NONE
    with closing(TarWriter(path, compression, PRIVATE_FILE)) as writer:
        yield WrittenArchive(str(path), writer)


class WrittenArchive:
    """Fulfils services.backups.backups.Destination."""

    def __init__(self, name: str, writer: TarWriter) -> None:
        self.name, self._writer = name, writer

    def begin(self, index: BackupIndex) -> None:
        self._writer.add(INDEX, index.text())

    def holds(self, piece: Piece) -> bool:  # noqa: ARG002  it is always a new one
        return False

    def put(self, piece: Piece, path: Path, passed: Callable[[int], None], cancel: Cancel) -> None:
        """What is found wrong at its end is in the archive, and found wrong again by whoever restores it."""
        verifier = piece.digest.verifier(piece.size)
        left = piece.size
        self._writer.begin(blob_member(piece.digest), piece.size)
        with storing(path), path.open("rb", buffering=0) as source:
            while left and (part := source.read(min(left, BUFFER))):
                cancel.check()
                verifier.update(part)
                self._writer.write(memoryview(part))
                left -= len(part)
                passed(len(part))
        while left:
            filled = bytes(min(left, BUFFER))
            self._writer.write(memoryview(filled))
            left -= len(filled)
        self._writer.end(piece.size)
        verifier.finish()

    def finish(self, index: BackupIndex) -> None:  # noqa: ARG002  it was said at the beginning
        self._writer.finish()


@contextmanager
def read_archive(path: Path, cancel: Cancel) -> Iterator[ReadArchive]:
    """Raises BackupInvalid, StorageUnusable."""
    with storing(path):
        file = path.open("rb")
    with file:
        packed = file.read(4) == b"\x28\xb5\x2f\xfd"
        file.seek(0)
        source: IO[bytes] | zstd.ZstdFile = zstd.ZstdFile(file) if packed else file
        yield ReadArchive(str(path), _Passing(source, cancel))


class ReadArchive:
    """Fulfils services.backups.restoring.Origin: `index` first, then `pieces` once."""

    def __init__(self, name: str, passing: _Passing) -> None:
        self.name, self._passing = name, passing

    def index(self) -> BackupIndex:
        """Raises BackupInvalid."""
        try:
            first = self._passing.member()
        except TarInvalid as error:
            raise BackupInvalid(self.name, f"It cannot be read: {error}.") from error
        if first is None or first.name != INDEX or first.kind is not MemberKind.FILE or first.size > LARGEST:
            raise BackupInvalid(self.name, f"It does not begin with {INDEX}.")
        return read_index(self.name, self._passing.read(first.size))

    def pieces(self) -> Iterator[tuple[Digest, _Piece]]:
        """What is there, in its order; where the archive was cut off, or is damaged, the rest is not."""
        while (member := self._member()) is not None:
            digest = _digest(member.name) if member.kind is MemberKind.FILE else None
            if digest is not None:
                yield digest, _Piece(self._passing, member.size)

    def _member(self) -> Member | None:
        try:
            return self._passing.member()
        except TarInvalid:
            return None


class _Passing:
    """A tar that passes once: its members in their order, and their bytes. What is damaged ends there."""

    def __init__(self, source: IO[bytes] | zstd.ZstdFile, cancel: Cancel) -> None:
        self._source, self._cancel = source, cancel
        self._position = 0
        self._found: deque[Member] = deque()
        self._reading = read_members(self._found.append)
        self._wanted = next(self._reading)

    def member(self) -> Member | None:
        """The next one; its bytes are read next. None after the last. Raises TarInvalid, Cancelled."""
        while not self._found:
            position, length = self._wanted
            self._pass_to(position)
            try:
                self._wanted = self._reading.send(self.read(length))
            except StopIteration:
                return None
        return self._found.popleft()

    def read(self, size: int) -> bytes:
        """The next bytes: fewer where it ends. Raises Cancelled."""
        parts = []
        while size and (part := self._part(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _pass_to(self, position: int) -> None:
        while self._position < position and self._part(position - self._position):
            pass

    def _part(self, most: int) -> bytes:
        self._cancel.check()
        try:
            part = self._source.read(min(most, BUFFER))
        except (EOFError, zstd.ZstdError):
            part = b""
        self._position += len(part)
        return part


class _Piece:
    """The bytes of one piece, as far as they are there: what is missing shows when they are compared with its name."""

    def __init__(self, passing: _Passing, size: int) -> None:
        self._passing, self._left = passing, size

    def read(self, size: int, /) -> bytes:
        part = self._passing.read(min(size, self._left))
        self._left -= len(part)
        return part


def _digest(name: str) -> Digest | None:
    """Whose piece stands under this name."""
    folder, _, rest = name.partition("/")
    return Digest.if_valid(rest.replace("/", ":", 1)) if folder == BLOBS else None
