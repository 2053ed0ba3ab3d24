"""Packages, rpm's database before 2020: a hash of Berkeley DB (libdb, src/dbinc/db_page.h), in either byte order.

    page 0        …12 magic u32, 16 version u32, 20 size of a page u32, 24 encryption u8, 25 type u8, 32 last page u32
    other pages   …16 next page u32, 20 entries u16, 22 free area u16, 25 type u8, 26 content
    hash page     its content begins with the entries' offsets u16, a key and its value by turns, each its kind u8 and
                  then its bytes, or with kind 3: 4 first page u32, 8 length u32 of what overflow pages hold

The key 0 is rpm's own; its value is four bytes, and no header is so short.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from lading.inventory.rpm_invalid import RpmDatabaseInvalid

_MAGIC = 0x061561
_META, _HASH_UNSORTED, _HASH, _OVERFLOW = 8, 2, 13, 7
_KEY_DATA, _OFF_PAGE = 1, 3
_PAGE_HEADER = 26
_SHORTEST_HEADER = 8


def bdb_headers(content: bytes) -> Iterator[bytes]:
    """The header of every package. Raises RpmDatabaseInvalid."""
    database = _Database(content)
    left = len(content)
    for page in database.hash_pages():
        for header in database.values(page):
            left -= len(header)
            if left < 0:
                raise RpmDatabaseInvalid("has pages that stand for several packages")
            if len(header) >= _SHORTEST_HEADER:
                yield header


class _Database:
    def __init__(self, content: bytes) -> None:
        self._content = content
        if len(content) < 512:
            raise RpmDatabaseInvalid("has no first page")
        self._order = next((order for order in "<>" if self._number(order, 12) == _MAGIC), "")
        if not self._order or content[25] != _META:
            raise RpmDatabaseInvalid("is no hash of Berkeley DB")
        if content[24]:
            raise RpmDatabaseInvalid("is encrypted")
        self._size = self._number(self._order, 20)
        if not 512 <= self._size <= 65536 or self._size & (self._size - 1):
            raise RpmDatabaseInvalid("has pages of no possible size")
        self._short = struct.Struct(self._order + "H")
        self._off_page = struct.Struct(self._order + "II")

    def _number(self, order: str, position: int) -> int:
        return int(struct.unpack_from(order + "I", self._content, position)[0])

    def hash_pages(self) -> Iterator[int]:
        """Where each begins."""
        for start in range(self._size, len(self._content) - self._size + 1, self._size):
            if self._content[start + 25] in {_HASH, _HASH_UNSORTED}:
                yield start

    def values(self, page: int) -> Iterator[bytes]:
        """Every second entry of a hash page. An entry that lies on the page ends where the one before it begins."""
        (count,) = self._short.unpack_from(self._content, page + 20)
        if count % 2 or _PAGE_HEADER + 2 * count > self._size:
            raise RpmDatabaseInvalid("has a page whose entries are garbled")
        offsets = [each for (each,) in self._short.iter_unpack(self._content[page + _PAGE_HEADER :][: 2 * count])]
        for before, offset in zip(offsets[::2], offsets[1::2], strict=True):
            if not _PAGE_HEADER + 2 * count <= offset < self._size:
                raise RpmDatabaseInvalid("has an entry that leads out of its page")
            kind = self._content[page + offset]
            if kind == _OFF_PAGE and offset + 12 <= self._size:
                yield self._overflow(*self._off_page.unpack_from(self._content, page + offset + 4))
            elif kind == _KEY_DATA and before > offset:
                yield self._content[page + offset + 1 : page + before]

    def _overflow(self, number: int, length: int) -> bytes:
        """What a chain of pages holds. Pages that only lead on, in a circle, would never end: each must bring some."""
        if length > len(self._content):
            raise RpmDatabaseInvalid("has a package that is longer than the database")
        parts: list[bytes] = []
        left = length
        while left > 0:
            start = number * self._size
            if not number or start + self._size > len(self._content) or self._content[start + 25] != _OVERFLOW:
                raise RpmDatabaseInvalid("has a package that is cut off")
            part = self._content[start + _PAGE_HEADER : start + self._size][:left]
            parts.append(part)
            left -= len(part)
            number = self._number(self._order, start + 16)
        return b"".join(parts)
