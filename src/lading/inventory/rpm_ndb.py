"""Packages.db, the database of SUSE's rpm (rpm, lib/backend/ndb/rpmpkg.c). All numbers are little-endian.

page 0 …       slots of 16 bytes: "Slot", package u32, block u32, blocks u32; the first two are the file's header:
               "RpmP", version u32, generation u32, pages of slots u32, next package u32
block × 16     a package: "BlbS", package u32, generation u32, length u32, and the header of that length
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from lading.inventory.rpm_invalid import RpmDatabaseInvalid

_HEADER = struct.Struct("<4sIII")
_SLOT = struct.Struct("<4sIII")
_BLOB = struct.Struct("<4sIII")
_PAGE = 4096
_BLOCK = 16
_FREE = 0
_HEADER_SLOTS = 2


def ndb_headers(content: bytes) -> Iterator[bytes]:
    """The header of every package. Raises RpmDatabaseInvalid."""
    if len(content) < _PAGE:
        raise RpmDatabaseInvalid("has no page of slots")
    magic, version, _, pages = _HEADER.unpack_from(content)
    if magic != b"RpmP" or version != 0:
        raise RpmDatabaseInvalid("is no ndb database of version 0")
    if not pages or pages * _PAGE > len(content):
        raise RpmDatabaseInvalid("has fewer pages of slots than it says")
    slots = memoryview(content)[_HEADER_SLOTS * _SLOT.size : pages * _PAGE]
    left = len(content)
    for slot, package, block, _ in _SLOT.iter_unpack(slots):
        if slot != b"Slot":
            raise RpmDatabaseInvalid("has a slot that is none")
        if package != _FREE:
            header = _blob(content, block * _BLOCK, package)
            left -= len(header)
            if left < 0:
                raise RpmDatabaseInvalid("has slots that share packages")
            yield header


def _blob(content: bytes, position: int, package: int) -> bytes:
    if position + _BLOB.size > len(content):
        raise RpmDatabaseInvalid("has a slot that leads out of it")
    magic, owner, _, length = _BLOB.unpack_from(content, position)
    start = position + _BLOB.size
    if magic != b"BlbS" or owner != package or start + length > len(content):
        raise RpmDatabaseInvalid("has a slot that leads to no package")
    return content[start : start + length]
