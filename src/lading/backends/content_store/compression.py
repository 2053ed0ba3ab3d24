"""Compressed files: recognised by their first bytes, undone while they pass, never trusted about their size."""

from __future__ import annotations

import bz2
import lzma
import sys
from collections.abc import Callable, Mapping
from enum import Enum

from lading.backends.content_store.isal_streams import GzipBroken, Packer, Unpacker, gzip_packer, gzip_unpacker
from lading.backends.content_store.pieces import PIECE, fill
from lading.errors import ContentCorrupt
from lading.services.content.stores import Compression
from lading.wire.message import Reader

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HEAD = 6
"""How many first bytes tell."""

ALWAYS_ALLOWED = 1024 * 1024 * 1024
RATIO_LIMIT = 500
"""Past the first GiB, how many bytes may come of one: gzip made of zeros alone reaches 1,030, images 2 to 20."""

_ZSTD_OPTIONS: Mapping[int, int] = {
    zstd.CompressionParameter.checksum_flag: 1
}  # as the zstd program does; the library would leave it out
_XZ_MEMORY = 128 * 1024 * 1024  # `xz -9` asks for 65 MiB


_BZIP2_BLOCKS = (b"1A", b"\x17r")
"""How the first block begins: one with content, and the last one of a stream without any."""


class CompressionInvalid(ContentCorrupt):
    """A compressed stream that is damaged, cut off, or followed by something else."""

    code = "archive_invalid"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return f"{self.what} cannot be unpacked: {self.reason}"


class ArchiveBomb(ContentCorrupt):
    """Content that unpacks to more than any image needs; sizes in bytes, `unpacked` so far."""

    code = "archive_bomb"
    hint = "If you trust it, unpack it yourself and give Lading the plain tar."

    def __init__(self, what: str, packed: int, unpacked: int) -> None:
        super().__init__(what, packed, unpacked)
        self.what, self.packed, self.unpacked = what, packed, unpacked

    def __str__(self) -> str:
        return f"{self.what} unpacks to more than {RATIO_LIMIT} times its size; stopped at {self.unpacked} bytes"


class Packing(Enum):
    """How a file is compressed, as its first bytes say."""

    PLAIN = "plain"
    GZIP = "gzip"
    ZSTD = "zstd"
    XZ = "xz"
    BZIP2 = "bzip2"


def recognise(head: bytes) -> Packing:
    """By the magic numbers of RFC 1952, RFC 8878 (frames and skippable frames), and of the xz and bzip2 formats."""
    if head.startswith(b"\x1f\x8b"):
        return Packing.GZIP
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
        return Packing.ZSTD
    if head.startswith(b"BZh") and head[3:4].isdigit() and head[4:6] in _BZIP2_BLOCKS:
        return Packing.BZIP2
    return Packing.XZ if head.startswith(b"\xfd7zXZ\0") else Packing.PLAIN


class Headed:
    """A Reader that gives `head` again before the rest: what was looked at is still read."""

    def __init__(self, head: bytes, rest: Reader) -> None:
        self._head, self._rest = memoryview(head), rest

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._head:
            return self._rest.readinto(buffer)
        count = min(len(buffer), len(self._head))
        buffer[:count] = self._head[:count]
        self._head = self._head[count:]
        return count

    def close(self) -> None:
        self._rest.close()


def look_ahead(reader: Reader) -> tuple[Packing, Reader]:
    """How what comes is packed, and a reader that gives it from the start."""
    head = bytearray(HEAD)
    filled = fill(reader, memoryview(head))
    return recognise(bytes(head[:filled])), Headed(bytes(head[:filled]), reader)


def unpacked(reader: Reader, packing: Packing, what: str) -> Reader:
    """`reader` without its compression. The result's readinto raises CompressionInvalid, ArchiveBomb."""
    return reader if packing is Packing.PLAIN else _Unpacking(reader, packing, what)


def packer(compression: Compression) -> Packer | None:
    """Makes one compressed stream; None where there is nothing to do."""
    if compression is Compression.GZIP:
        return gzip_packer()
    return zstd.ZstdCompressor(options=_ZSTD_OPTIONS) if compression is Compression.ZSTD else None


def _zstd_unpacker() -> Unpacker:
    return zstd.ZstdDecompressor()


def _xz_unpacker() -> Unpacker:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


def _bzip2_unpacker() -> Unpacker:
    return bz2.BZ2Decompressor()


_UNPACKERS: Mapping[Packing, Callable[[], Unpacker]] = {
    Packing.GZIP: gzip_unpacker,
    Packing.ZSTD: _zstd_unpacker,
    Packing.XZ: _xz_unpacker,
    Packing.BZIP2: _bzip2_unpacker,
}
_BROKEN = (GzipBroken, zstd.ZstdError, lzma.LZMAError, OSError, EOFError)
"""OSError is how bzip2's says it; no file is touched here."""


class _Unpacking:
    """A Reader of what a file of one or more compressed streams, and zeros after them, unpacks to."""

    def __init__(self, reader: Reader, packing: Packing, what: str) -> None:
        self._reader, self._packing, self._what = reader, packing, what
        self._unpacker = _UNPACKERS[packing]()
        self._piece = memoryview(bytearray(PIECE))
        self._packed = self._unpacked = 0
        self._waiting = b""
        self._ended = False

    def readinto(self, buffer: memoryview, /) -> int:
        while not self._ended and len(buffer):
            if self._unpacker.eof:
                self._go_on()
                continue
            if self._unpacker.needs_input and not self._waiting:
                self._waiting = self._take()
                if not self._waiting:
                    raise CompressionInvalid(self._what, "it ends in the middle; part of it is missing")
            if content := self._undo(len(buffer)):
                self._count(len(content))
                buffer[: len(content)] = content
                return len(content)
        return 0

    def close(self) -> None:
        self._reader.close()

    def _undo(self, limit: int) -> bytes:
        waiting, self._waiting = self._waiting, b""
        try:
            return self._unpacker.decompress(waiting, limit)
        except _BROKEN as error:
            raise CompressionInvalid(self._what, f"its {self._packing.value} data is damaged") from error

    def _take(self) -> bytes:
        count = self._reader.readinto(self._piece)
        self._packed += count
        return bytes(self._piece[:count])

    def _go_on(self) -> None:
        """After one stream another may come (pigz, zstd and xz write several), or padding; nothing else."""
        rest = self._unpacker.unused_data.lstrip(b"\0")
        while len(rest) < HEAD and (more := self._take()):
            rest = (rest + more).lstrip(b"\0")
        if not rest:
            self._ended = True
        elif recognise(rest) is self._packing:
            self._unpacker, self._waiting = _UNPACKERS[self._packing](), rest
        else:
            raise CompressionInvalid(self._what, "something else follows its compressed data")

    def _count(self, fresh: int) -> None:
        self._unpacked += fresh
        if self._unpacked > ALWAYS_ALLOWED and self._unpacked > RATIO_LIMIT * self._packed:
            raise ArchiveBomb(self._what, self._packed, self._unpacked)
