"""Zip archives in memory: their list of entries, and single entries on demand (PKWARE APPNOTE 6.3.10).

The standard library's reader keeps an object for every entry, some hundred bytes for 47 of the archive; here the list
is walked without keeping it, and nothing is uncompressed beyond what the caller allows.

    entries' bytes … | the list: a record for every entry | [end, 64 bits] [its place] | end, comment
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lading.inventory.evidence_invalid import EvidenceInvalid


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive. `position` is that of its own header; `size` is compressed, and both as the list says."""

    name: bytes
    position: int
    size: int
    method: int


class ZipArchive:
    """An archive's entries. What stands before the archive, as a shell script that starts it, is passed over."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._list, self._list_size, self._before = _find_list(content)
        self.seen = 0

    def entries(self, ends: tuple[bytes, ...], most: int) -> Iterator[Entry]:
        """The entries whose names end so, in the order of the list, without encrypted ones; `seen` counts all.

        Raises EvidenceInvalid where the list breaks off, or has more than `most`.
        """
        position, end = self._list, self._list + self._list_size
        while position < end:
            self.seen += 1
            if self.seen > most:
                raise EvidenceInvalid("it has too many entries")
            flags, method, size, long_size, name_size, extra_size, comment_size, start = self._record(position)
            after = position + _RECORD.size
            name = self._content[after : after + name_size]
            if name.endswith(ends) and not flags & _ENCRYPTED:
                if _SENT_ON in {size, long_size, start}:
                    extra = self._content[after + name_size : after + name_size + extra_size]
                    size, start = _long_numbers(extra, size, long_size, start)
                yield Entry(name, self._before + start, size, method)
            position = after + name_size + extra_size + comment_size

    def read(self, entry: Entry, longest: int) -> bytes:
        """The first `longest` bytes of an entry, uncompressed; as many as there are where it is damaged. Empty where it
        is compressed in a way that nobody uses for programs."""
        header = self._content[entry.position : entry.position + _LOCAL.size]
        if len(header) < _LOCAL.size or header[:4] != _LOCAL_MARK:
            return b""
        name_size, extra_size = _LOCAL.unpack(header)
        start = entry.position + _LOCAL.size + name_size + extra_size
        if entry.method == _STORED:
            return self._content[start : start + min(entry.size, longest)]
        if entry.method != _DEFLATED:
            return b""
        return _inflated(memoryview(self._content)[start : start + entry.size], longest)

    def _record(self, position: int) -> tuple[int, ...]:
        if self._content[position : position + 4] != _RECORD_MARK or position + _RECORD.size > len(self._content):
            raise EvidenceInvalid("its list of entries is damaged")
        return _RECORD.unpack_from(self._content, position)


_RECORD = struct.Struct("<8xHH8xIIHHH8xI")
_RECORD_MARK = b"PK\x01\x02"
_LOCAL = struct.Struct("<26xHH")
_LOCAL_MARK = b"PK\x03\x04"
_END = struct.Struct("<12xIIH")
_ENDS = re.compile(rb"PK\x05\x06")
_LONG_PLACE = struct.Struct("<4s4xQ4x")
_LONG_PLACE_MARK = b"PK\x06\x07"
_LONG_END = struct.Struct("<4s36xQQ")
_LONG_END_MARK = b"PK\x06\x06"
_COMMENT_LIMIT = 0xFFFF
_SENT_ON = 0xFFFFFFFF
"""A number too large for its field: the entry's extra field, or the 64-bit end, has it."""
_ENCRYPTED = 1
_STORED = 0
_DEFLATED = 8
_PIECE = 256 * 1024
_CUT_OFF = "it is no whole zip archive"


def _find_list(content: bytes) -> tuple[int, int, int]:
    """Where the list of entries begins, how long it is, and how many bytes stand before the archive."""
    end = _find_end(content)
    size, start, _ = _END.unpack_from(content, end)
    after = end
    place = end - _LONG_PLACE.size
    if _SENT_ON in {size, start} and place >= 0 and content[place : place + 4] == _LONG_PLACE_MARK:
        after, size, start = _long_end(content, place)
    before = after - size - start
    if before < 0 or size > after:
        raise EvidenceInvalid(_CUT_OFF)
    return after - size, size, before


def _find_end(content: bytes) -> int:
    """The last end whose comment goes to where the file ends, as Java takes it: another one in the comment of the real
    one would show another archive here than is run. Where none does, something hangs on behind: the last there is."""
    first = max(0, len(content) - _END.size - _COMMENT_LIMIT)
    ends = [found.start() for found in _ENDS.finditer(content, first) if found.start() + _END.size <= len(content)]
    if not ends:
        raise EvidenceInvalid(_CUT_OFF)
    whole = (end for end in reversed(ends) if end + _END.size + _END.unpack_from(content, end)[2] == len(content))
    return next(whole, ends[-1])


def _long_end(content: bytes, place: int) -> tuple[int, int, int]:
    """The 64-bit end stands right before its place is told, whatever stands before the archive."""
    at = content.rfind(_LONG_END_MARK, max(0, place - _COMMENT_LIMIT), place)
    if at < 0 or at + _LONG_END.size > len(content):
        raise EvidenceInvalid(_CUT_OFF)
    _, size, start = _LONG_END.unpack_from(content, at)
    return at, size, start


def _long_numbers(extra: bytes, size: int, long_size: int, start: int) -> tuple[int, int]:
    """Size and place, those sent on read from the extra field of kind 1, in the order: long size, size, place."""
    numbers = _long_field(extra)
    if long_size == _SENT_ON:
        next(numbers, 0)
    size = next(numbers, 0) if size == _SENT_ON else size
    return size, next(numbers, 0) if start == _SENT_ON else start


def _long_field(extra: bytes) -> Iterator[int]:
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        position += 4
        if kind == 1:
            field = extra[position : position + length]
            for number in range(0, len(field) - 7, 8):
                yield int.from_bytes(field[number : number + 8], "little")
            return
        position += length


def _inflated(compressed: memoryview, longest: int) -> bytes:
    """The first `longest` bytes; taken in pieces, so that a bomb costs no more than what is kept of it."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    found = bytearray()
    try:
        for start in range(0, len(compressed), _PIECE):
            waiting: bytes | memoryview = compressed[start : start + _PIECE]
            while waiting and len(found) < longest and not stream.eof:
                found += stream.decompress(waiting, longest - len(found))
                waiting = stream.unconsumed_tail
            if len(found) >= longest or stream.eof:
                break
    except zlib.error:
        return bytes(found)
    return bytes(found)
