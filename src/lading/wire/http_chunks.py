"""The chunked transfer coding as its receiver sees it (RFC 9112, section 7.1): a state machine, fed as bytes arrive.

    SIZE ──line, not 0──▶ DATA ──all passed──▶ DATA_END ──CRLF──▶ SIZE
      └────line 0───────▶ TRAILER ──empty line──▶ ended

Payload never passes through it: `due` says how many of the next bytes are payload, which the caller moves from the
connection to wherever they go, and tells with `passed`.
"""

from __future__ import annotations

import re
from enum import Enum

from lading.wire.http_framing import CHUNK_END, RequestRefused

LINE_LIMIT = 256
"""The longest size line with its extensions, in bytes."""

EXTENSIONS_LIMIT = 16 * 1024
"""Chunk extensions in one body, in bytes: they are thrown away, so a body made of them only costs us time."""

TRAILERS_LIMIT = 8 * 1024
"""All trailer fields together, in bytes."""

_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})((?:;[\t\x20-\x7e\x80-\xff]*)?)\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n")


class _State(Enum):
    SIZE = "size"
    DATA_END = "data end"
    TRAILER = "trailer"


_LIMITS = {_State.SIZE: LINE_LIMIT, _State.DATA_END: len(CHUNK_END), _State.TRAILER: TRAILERS_LIMIT}


class ChunkReader:
    """Where a chunked body stands. `due` payload bytes come next; `ended` is true after the last line."""

    __slots__ = ("_extensions", "_line", "_state", "_trailers", "due", "ended")

    def __init__(self) -> None:
        self.due = 0
        self.ended = False
        self._state = _State.SIZE
        self._line = bytearray()
        self._extensions = 0
        self._trailers = 0

    def passed(self, count: int) -> None:
        """`count` bytes of payload were moved, at most `due`."""
        self.due -= count

    def take(self, received: bytes | bytearray, start: int, end: int) -> int:
        """Read framing from received[start:end]; returns the position where payload, the end, or nothing is next.

        Raises RequestRefused where the bytes are no chunked body; there is no going on after that.
        """
        while start < end and not self.due and not self.ended:
            newline = received.find(b"\n", start, end)
            stop = end if newline < 0 else newline + 1
            self._collect(received, start, stop)
            start = stop
            if newline >= 0:
                line = bytes(self._line)
                self._line.clear()
                self._advance(line)
        return start

    def _collect(self, received: bytes | bytearray, start: int, stop: int) -> None:
        if len(self._line) + stop - start > _LIMITS[self._state]:
            raise RequestRefused(400, "a line between chunks is too long")
        self._line += received[start:stop]

    def _advance(self, line: bytes) -> None:
        if self._state is _State.SIZE:
            self._size(line)
        elif self._state is _State.TRAILER:
            self._trailer(line)
        elif line == CHUNK_END:
            self._state = _State.SIZE
        else:
            raise RequestRefused(400, "a chunk is longer than its size")

    def _size(self, line: bytes) -> None:
        match = _SIZE.fullmatch(line)
        if not match:
            raise RequestRefused(400, "a chunk begins with its size in hexadecimal")
        self._extensions += len(match[2])
        if self._extensions > EXTENSIONS_LIMIT:
            raise RequestRefused(400, "too many chunk extensions")
        self.due = int(match[1], 16)
        self._state = _State.DATA_END if self.due else _State.TRAILER

    def _trailer(self, line: bytes) -> None:
        if line == CHUNK_END:
            self.ended = True
            return
        self._trailers += len(line)
        if self._trailers > TRAILERS_LIMIT or not _TRAILER.fullmatch(line):
            raise RequestRefused(400, "the fields after the last chunk are too long or not fields")
