"""gzip by ISA-L, five to ten times the speed of zlib; its own types say what its classes do, not what they are for."""

from __future__ import annotations

from typing import Protocol, cast

from isal import igzip_lib, isal_zlib

LEVEL = 2
"""ISA-L's own default: 500 MB/s and within 2 % of what its highest level saves (measured on Debian's /usr)."""

_GZIP_WINDOW = 31  # 15 bits of window, 16 for the gzip container


class Unpacker(Protocol):
    """Undoes one compressed stream; the standard library's bz2, lzma and zstd have the same shape."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Packer(Protocol):
    """Makes one compressed stream."""

    def compress(self, data: memoryview, /) -> bytes: ...
    def flush(self) -> bytes: ...


GzipBroken = cast("type[Exception]", igzip_lib.error)  # its stub takes the class for an instance


def gzip_unpacker() -> Unpacker:
    """For one gzip member; its checksum and length are checked. Raises GzipBroken."""
    unpacker: Unpacker = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return unpacker


def gzip_packer() -> Packer:
    """Writes no time, name or system into the header, so the same bytes always give the same bytes."""
    packer: Packer = isal_zlib.compressobj(LEVEL, wbits=_GZIP_WINDOW)
    return packer
