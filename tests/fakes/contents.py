"""Content that remembers how it was opened, and breaks, lies or waits by plan."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from lading.wire.message import BytesReader, ConnectionLost, Reader


class PlannedContent:
    """The bytes of `raw`. Each opening takes the next of `breaks`: after so many bytes the connection is lost (None:
    it holds). `openings` are the offsets and lengths asked for, `given` the bytes handed out. Thread-safe."""

    def __init__(self, raw: bytes, breaks: Sequence[int | None] = (), size: int | None = None) -> None:
        self.raw, self.size = raw, len(raw) if size is None else size
        self._breaks = list(breaks)
        self._lock = threading.Lock()
        self.openings: list[tuple[int, int | None]] = []
        self.given = 0
        self.unclosed = 0

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        end = len(self.raw) if length is None else offset + length
        with self._lock:
            self.openings.append((offset, length))
            self.unclosed += 1
            breaks = self._breaks.pop(0) if self._breaks else None
        return _PlannedReader(self, memoryview(self.raw)[offset:end], breaks)

    def took(self, count: int) -> None:
        with self._lock:
            self.given += count

    def closed(self) -> None:
        with self._lock:
            self.unclosed -= 1


class _PlannedReader:
    def __init__(self, content: PlannedContent, raw: memoryview, breaks: int | None) -> None:
        self._content, self._left = content, breaks
        self._reader = BytesReader(raw)
        self._open = True

    def readinto(self, buffer: memoryview, /) -> int:
        if self._left == 0:
            raise ConnectionLost("planned.test", "as planned")
        count = self._reader.readinto(buffer if self._left is None else buffer[: self._left])
        if self._left is not None:
            self._left -= count
        self._content.took(count)
        return count

    def close(self) -> None:
        if self._open:
            self._open = False
            self._content.closed()


class GatedContent:
    """Hands out one byte, sets `reached`, then waits for `gate` or its own closing: a connection fallen silent."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.size = raw, len(raw)
        self.gate, self.reached = threading.Event(), threading.Event()

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        end = len(self.raw) if length is None else offset + length
        return _GatedReader(self, self.raw[offset:end])


class _GatedReader:
    def __init__(self, content: GatedContent, raw: bytes) -> None:
        self._content, self._reader = content, BytesReader(raw)
        self._began = self._closed = False

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._began:
            self._began = True
            return self._reader.readinto(buffer[:1])
        self._content.reached.set()
        self._content.gate.wait()
        if self._closed:
            raise ConnectionLost("gated.test", "closed while it waited")
        return self._reader.readinto(buffer)

    def close(self) -> None:
        self._closed = True
        self._content.gate.set()
