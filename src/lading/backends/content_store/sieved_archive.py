"""Archives of Docker hosts, without the layers that nobody needs to read again.

The archive comes as a stream and is kept in a nameless file, where it can be read anywhere. A blob that is not wanted
leaves a hole there, which takes no room: everything else lies where its headers say.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lading.backends.content_store.archive import ArchiveSource
from lading.backends.content_store.pieces import PIECE, fill
from lading.backends.content_store.plain_tar import PlainTar
from lading.backends.content_store.scratch import RESERVE
from lading.backends.content_store.storage import DiskFull, free_bytes, storing, write_all
from lading.oci.archive import blob_member
from lading.oci.digest import Digest
from lading.oci.tar import Member, read_members
from lading.wire.message import Cancel, Reader


@contextmanager
def sieved_archive(
    archive: Reader, unread: Collection[Digest], cancel: Cancel, *, scratch: Path, name: str
) -> Iterator[ArchiveSource]:
    """`name` is what people read in messages. Raises as `open_archive` does."""
    with ExitStack() as stack:
        with storing(scratch):
            scratch.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(tempfile.TemporaryFile(dir=scratch)).fileno()
        _Sieve(archive, file, scratch, unread, cancel).pour()
        tar = PlainTar(os.dup(file), name)
        stack.callback(tar.close)
        tar.scan(cancel)
        yield ArchiveSource(tar)


class _Sieve:
    """Copies a tar from a stream to a file, by its members."""

    def __init__(self, archive: Reader, file: int, scratch: Path, unread: Collection[Digest], cancel: Cancel) -> None:
        self._archive, self._file, self._scratch, self._cancel = archive, file, scratch, cancel
        self._unread = frozenset(map(blob_member, unread))
        self._buffer = memoryview(bytearray(PIECE))
        self._position = 0

    def pour(self) -> None:
        """Raises TarInvalid, DiskFull, StorageUnusable, Cancelled, and what the stream raises."""
        reading = read_members(self._found)
        wanted = next(reading)
        while True:
            try:
                wanted = reading.send(self._taken(*wanted))
            except StopIteration:
                break
        with storing(self._scratch):
            os.ftruncate(self._file, self._position)
        while fill(self._archive, self._buffer):  # blocks that pad the end; who writes wants them read
            self._cancel.check()

    def _found(self, member: Member) -> None:
        """Its content begins where the stream stands now."""
        self._advance(member.position)
        if member.name in self._unread:
            self._pass(member.size)

    def _taken(self, position: int, length: int) -> bytes:
        self._advance(position)
        found = bytearray(length)
        count = fill(self._archive, memoryview(found))
        self._write(memoryview(found)[:count])
        return bytes(found[:count])

    def _advance(self, position: int) -> None:
        while self._position < position:
            self._cancel.check()
            count = fill(self._archive, self._buffer[: min(PIECE, position - self._position)])
            if count == 0:
                return  # cut off: the next header is missing
            self._write(self._buffer[:count])

    def _pass(self, size: int) -> None:
        end = self._position + size
        while self._position < end:
            self._cancel.check()
            count = fill(self._archive, self._buffer[: min(PIECE, end - self._position)])
            if count == 0:
                return
            self._position += count

    def _write(self, piece: memoryview) -> None:
        with storing(self._scratch, len(piece)):
            free = free_bytes(self._scratch)
            if free < len(piece) + RESERVE:
                raise DiskFull(self._scratch, len(piece), free, f"unpacking leaves {RESERVE} bytes free")
            write_all(self._file, piece, self._position)
        self._position += len(piece)
