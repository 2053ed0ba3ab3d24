"""A backup in one file: a tar whose first member is backup.json, compressed with zstd where its name ends so.

It is written front to back and read so, and gets its name when it is whole.
"""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from lading.backends.content_store.storage import PRIVATE_FILE, storing
from lading.backends.content_store.tar_writer import TarWriter
from lading.oci.archive import BLOBS, blob_member
from lading.oci.digest import Digest
from lading.services.backup_index import INDEX, LARGEST, BackupIndex, BackupInvalid, Piece, read_index
from lading.services.stores import Compression
from lading.wire.message import Cancel

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BUFFER = 1024 * 1024
ENDINGS = (".tar", ".tar.zst")
"""How the name of a backup in one file ends."""

_BROKEN = (tarfile.TarError, EOFError, zstd.ZstdError)
"""What an archive that was damaged or cut off raises."""


@contextmanager
def written_archive(path: Path) -> Iterator[WrittenArchive]:
    """Removed unless it was finished. Raises StorageUnusable, DiskFull."""
    compression = Compression.ZSTD if path.name.endswith(".zst") else Compression.NONE
    with closing(TarWriter(path, compression, PRIVATE_FILE)) as writer:
        yield WrittenArchive(str(path), writer)


class WrittenArchive:
    """Fulfils services.backups.Destination."""

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
def read_archive(path: Path) -> Iterator[ReadArchive]:
    """Raises BackupInvalid, StorageUnusable."""
    with storing(path):
        file = path.open("rb")
    with file:
        packed = file.read(4) == b"\x28\xb5\x2f\xfd"
        file.seek(0)
        source: IO[bytes] | zstd.ZstdFile = zstd.ZstdFile(file) if packed else file
        try:
            with tarfile.open(fileobj=source, mode="r|") as tar:
                yield ReadArchive(str(path), tar)
        except _BROKEN as error:
            raise BackupInvalid(str(path), "It cannot be read as a tar.") from error


class ReadArchive:
    """Fulfils services.restoring.Origin: `index` first, then `pieces` once."""

    def __init__(self, name: str, tar: tarfile.TarFile) -> None:
        self.name, self._tar = name, tar

    def index(self) -> BackupIndex:
        """Raises BackupInvalid."""
        with _reading(self.name):
            first = self._tar.next()
            file = self._tar.extractfile(first) if first is not None and first.name == INDEX else None
            if file is None:
                raise BackupInvalid(self.name, f"It does not begin with {INDEX}.")
            raw = file.read(LARGEST)
        return read_index(self.name, raw)

    def pieces(self) -> Iterator[tuple[Digest, _Member]]:
        """What is there, in its order; where the archive was cut off, the rest is not."""
        while (member := self._next()) is not None:
            digest, file = _digest(member.name), self._tar.extractfile(member)
            if digest is not None and file is not None:
                yield digest, _Member(file)

    def _next(self) -> tarfile.TarInfo | None:
        try:
            return self._tar.next()
        except _BROKEN:
            return None


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise BackupInvalid(name, "It is damaged, or was cut off.") from error


class _Member:
    """The bytes of one piece, as far as they are there: what is missing shows when they are compared with its name."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        try:
            return self._file.read(size)
        except _BROKEN:
            return b""


def _digest(name: str) -> Digest | None:
    """Whose piece stands under this name."""
    folder, _, rest = name.partition("/")
    return Digest.if_valid(rest.replace("/", ":", 1)) if folder == BLOBS else None
