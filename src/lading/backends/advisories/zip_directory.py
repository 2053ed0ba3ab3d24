"""What is in a zip, one entry after the other, however many there are (APPNOTE.TXT, 4.3).

The standard library's reader first makes an object of every entry: half a gigabyte for a large dump, and all memory
there is for a hostile one. Names are only ever compared: nothing is written where they say.

    [local header + content]…  central directory  [zip64 end + locator]  end of central directory + comment
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_COMMENT_LIMIT = 0xFFFF
_ABSENT_16, _ABSENT_32 = 0xFFFF, 0xFFFFFFFF
_BUFFER = 1024 * 1024

STORED, DEFLATED = 0, 8


class ZipBroken(ValueError):
    """It is no zip, or breaks the form."""


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One file in it. Sizes are in bytes, `size` as the zip claims; `position` is that of its local header."""

    name: str
    method: int
    encrypted: bool
    packed: int
    size: int
    position: int


def zip_entries(file: BinaryIO, most: int) -> Iterator[ZipEntry]:
    """In the order of the central directory. Raises ZipBroken, where it lists more than `most` too; OSError."""
    length = file.seek(0, os.SEEK_END)
    count, position, size = _directory(file, length)
    if count > most:
        raise ZipBroken(f"it has more than {most} entries")
    with open(os.dup(file.fileno()), "rb", buffering=0) as own:
        reading = _Stretch(own, position, position + size)
        for _ in range(count):
            yield _entry(reading)


def content_position(file: BinaryIO, entry: ZipEntry) -> int:
    """Where its content begins. Raises ZipBroken, OSError."""
    if entry.position > os.fstat(file.fileno()).st_size:
        raise ZipBroken("an entry lies beyond its end")
    found = os.pread(file.fileno(), _LOCAL.size, entry.position)
    if len(found) < _LOCAL.size or found[:4] != b"PK\3\4":
        raise ZipBroken("an entry does not stand where it should")
    fields = _LOCAL.unpack(found)
    return entry.position + _LOCAL.size + int(fields[9]) + int(fields[10])


def _directory(file: BinaryIO, length: int) -> tuple[int, int, int]:
    """How many entries, and the position and size of what lists them."""
    tail = min(length, _END.size + _COMMENT_LIMIT)
    file.seek(length - tail)
    found = file.read(tail)
    at = _end(found)
    _, _, _, _, count, size, position, _ = _END.unpack_from(found, at)
    if count == _ABSENT_16 or _ABSENT_32 in {size, position}:
        count, position, size = _directory_64(file, length - tail + at)
    if position + size > length:
        raise ZipBroken("its directory lies beyond its end")
    return count, position, size


def _end(found: bytes) -> int:
    """Where the end of the directory begins: the last one whose comment reaches to the end of the file."""
    at = len(found)
    while (at := found.rfind(b"PK\5\6", 0, at)) >= 0:
        if len(found) - at >= _END.size and at + _END.size + _END.unpack_from(found, at)[-1] == len(found):
            return at
    raise ZipBroken("it has no directory")


def _directory_64(file: BinaryIO, end: int) -> tuple[int, int, int]:
    locator = os.pread(file.fileno(), _LOCATOR.size, max(0, end - _LOCATOR.size))
    if len(locator) < _LOCATOR.size or locator[:4] != b"PK\6\7":
        raise ZipBroken("its directory is nowhere")
    found = os.pread(file.fileno(), _END_64.size, min(_LOCATOR.unpack(locator)[2], end))
    if len(found) < _END_64.size or found[:4] != b"PK\6\6":
        raise ZipBroken("its directory is nowhere")
    fields = _END_64.unpack(found)
    return fields[7], fields[9], fields[8]


class _Stretch:
    """A part of a file, read in large pieces."""

    def __init__(self, file: BinaryIO, position: int, end: int) -> None:
        self._file, self._position, self._end = file, position, end
        self._held = memoryview(b"")

    def read(self, count: int) -> bytes:
        """Exactly so many bytes. Raises ZipBroken."""
        if count > len(self._held):
            wanted = min(max(count - len(self._held), _BUFFER), self._end - self._position)
            more = os.pread(self._file.fileno(), wanted, self._position)
            self._position += len(more)
            self._held = memoryview(bytes(self._held) + more)
        if count > len(self._held):
            raise ZipBroken("its directory is cut off")
        taken, self._held = bytes(self._held[:count]), self._held[count:]
        return taken


def _entry(reading: _Stretch) -> ZipEntry:
    head = reading.read(_CENTRAL.size)
    if head[:4] != b"PK\1\2":
        raise ZipBroken("its directory has fewer entries than it says")
    fields = _CENTRAL.unpack(head)
    flags, method, packed, size = fields[3], fields[4], fields[8], fields[9]
    name, extra, _ = reading.read(fields[10]), reading.read(fields[11]), reading.read(fields[12])
    position = fields[16]
    if _ABSENT_32 in {packed, size, position}:
        size, packed, position = _wide(extra, size, packed, position)
    return ZipEntry(name.decode("utf-8", "replace"), method, bool(flags & 0x41), packed, size, position)


def _wide(extra: bytes, *narrow: int) -> tuple[int, int, int]:
    """The numbers that did not fit, from the zip64 field (4.5.3): size, packed size, position."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            numbers = iter(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            size, packed, position = (next(numbers, each) if each == _ABSENT_32 else each for each in narrow)
            return size, packed, position
        at += 4 + length
    raise ZipBroken("a size is missing")
