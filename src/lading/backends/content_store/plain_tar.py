"""The tar of an image archive, readable anywhere: the file itself, or what it unpacks to.

A plain tar is read where it lies, so the kernel can send its members. A packed one, or one that comes through a pipe,
is first written to a nameless file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from lading.backends.content_store.arriving import arriving, name_of, plain_file
from lading.backends.content_store.compression import HEAD, Packing, recognise
from lading.backends.content_store.file_reader import PlainFileReader
from lading.backends.content_store.pieces import fill
from lading.backends.content_store.scratch import nameless
from lading.oci.archive import ArchiveInvalid, shown_member
from lading.oci.document import DOCUMENT_LIMIT
from lading.oci.members import Members
from lading.oci.tar import Member, read_members
from lading.wire.message import Cancel, ReadFailed

_BUFFER = 1024 * 1024


class PlainTar:
    """An open tar and its members. Readers it gave out stay good when it is closed."""

    def __init__(self, file: int, name: str) -> None:
        self._file, self.name = file, name
        self.members = Members()

    def scan(self, cancel: Cancel) -> None:
        """Finds all members. Raises TarInvalid, ArchiveInvalid, ReadFailed, Cancelled."""
        reading = read_members(self.members.add)
        wanted = next(reading)
        while True:
            cancel.check()
            try:
                wanted = reading.send(self._read(*wanted))
            except StopIteration:
                return

    def reader(self, member: Member, offset: int = 0, length: int | None = None) -> PlainFileReader:
        """Part of a member."""
        left = max(0, member.size - offset)
        count = left if length is None else min(left, length)
        return PlainFileReader(Path(self.name), member.position + offset, count, os.dup(self._file))

    def packing(self, member: Member) -> Packing:
        """How a member is compressed."""
        return recognise(self._read(member.position, min(HEAD, member.size)))

    def document(self, member: Member) -> bytes:
        """All of a small member. Raises ArchiveInvalid where it is longer than any document may be, ReadFailed."""
        if member.size > DOCUMENT_LIMIT:
            rule = f"has {member.size} bytes; {DOCUMENT_LIMIT} are allowed"
            raise ArchiveInvalid(shown_member(member.name), rule)
        return self._read(member.position, member.size)

    def close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _read(self, position: int, length: int) -> bytes:
        try:
            return os.pread(self._file, length, position)
        except OSError as error:
            raise ReadFailed(self.name, os.strerror(error.errno or 0)) from error


def open_tar(place: Path | BinaryIO, scratch: Path, cancel: Cancel) -> PlainTar:
    """The scanned tar at a path or in a stream.

    Raises ArchiveMissing, TarInvalid, ArchiveInvalid, CompressionInvalid, ArchiveBomb, DiskFull, StorageUnusable,
    ReadFailed, Cancelled.
    """
    file = plain_file(place)
    tar = PlainTar(_spooled(place, scratch, cancel) if file is None else file, name_of(place))
    try:
        tar.scan(cancel)
    except BaseException:
        tar.close()
        raise
    return tar


def _spooled(place: Path | BinaryIO, scratch: Path, cancel: Cancel) -> int:
    """The number of a nameless file that holds what the tar unpacks to."""
    buffer = memoryview(bytearray(_BUFFER))
    with arriving(place, cancel) as reader, nameless(scratch) as spool:
        while count := fill(reader, buffer):
            cancel.check()
            spool.write(buffer[:count])
        return spool.kept()
