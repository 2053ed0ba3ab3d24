"""Checking bytes as they pass, between a source and a target of which neither does.

The last buffer is withheld until all of them were right, so a wrong body is never completed. Whoever opens again
further on gets the check too: it goes on from the last point kept before that offset, reads again only what lies
between, and finds the same bytes as the first time at every point it passes. (The state of a hash can be copied while
it lives, never saved.)
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

from lading.errors import ContentCorrupt
from lading.oci.digest import Digest, Verifier
from lading.wire.message import Content, Reader

SPACING = 1024 * 1024
"""Bytes between two points from which a check can go on: what is read twice, at most, after a lost connection."""


class ContentChanged(ContentCorrupt):
    """The source gave other bytes for the same content when it was asked again."""

    def __init__(self, digest: Digest, position: int) -> None:
        super().__init__(digest, position)
        self.digest, self.position = digest, position

    def __str__(self) -> str:
        return f"the first {self.position} bytes given as {self.digest} were others the second time"


def _position(point: Verifier) -> int:
    return point.received


class VerifiedContent:
    """Content for one taker, who reads one opening at a time: all bytes it is given belong to one checked whole."""

    def __init__(self, content: Content, digest: Digest, points: list[Verifier] | None = None) -> None:
        self._content, self.digest = content, digest
        self._points = points or []
        self.tip: Verifier | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return self._content.size

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        """Its reader raises ContentTooShort, ContentTooLong, DigestMismatch or ContentChanged, never hands out the end
        of wrong bytes."""
        self._keep_tip()
        before = bisect_right(self._points, offset, key=_position)
        verifier = self._points[before - 1].copy() if before else self.digest.verifier(self.size)
        end = self.size if length is None else min(self.size, offset + length)
        start = verifier.received
        reader = self._content.open(start, None if end == self.size else end - start)
        return _VerifiedReader(self, reader, verifier, offset, end)

    def forked(self) -> VerifiedContent:
        """The same for a taker that was given bytes of this one so far and goes on alone, while others read on here."""
        fork = VerifiedContent(self._content, self.digest, list(self._points))
        fork.tip = self.tip
        return fork

    def next_point(self, position: int) -> Verifier | None:
        """The first point after `position`: what was given up to there is known."""
        after = bisect_right(self._points, position, key=_position)
        return self._points[after] if after < len(self._points) else None

    def passed(self, verifier: Verifier) -> None:
        """Bytes were checked up to here."""
        self.tip = verifier.copy()
        before = bisect_right(self._points, verifier.received, key=_position)
        if verifier.received - (self._points[before - 1].received if before else 0) >= SPACING:
            insort(self._points, self.tip, key=_position)

    def _keep_tip(self) -> None:
        """What was given last is a point too, so that it can be compared when it is given again."""
        tip = self.tip
        if tip is None:
            return
        place = bisect_left(self._points, tip.received, key=_position)
        if place == len(self._points) or self._points[place].received != tip.received:
            self._points.insert(place, tip)


class _VerifiedReader:
    """Feeds the check what lies before `start`, then hands out what lies before `end`."""

    def __init__(self, content: VerifiedContent, reader: Reader, verifier: Verifier, start: int, end: int) -> None:
        self._content, self._reader, self._verifier = content, reader, verifier
        self._start, self._end = start, end
        self._finished = False

    def readinto(self, buffer: memoryview, /) -> int:
        while self._verifier.received < self._start:
            if not self._take(buffer[: self._start - self._verifier.received]):
                return 0
        return self._take(buffer)

    def close(self) -> None:
        self._reader.close()

    def _take(self, buffer: memoryview) -> int:
        if self._finished:
            return 0
        count = self._reader.readinto(buffer)
        self._feed(buffer[:count])
        if count == 0 or self._verifier.received == self._content.size:
            self._finish(count)
        self._content.passed(self._verifier)
        return count

    def _feed(self, chunk: memoryview) -> None:
        """Check these bytes, and hold them against what was given before wherever that is known."""
        while point := self._content.next_point(self._verifier.received):
            left = point.received - self._verifier.received
            if left > len(chunk):
                break
            self._verifier.update(chunk[:left])
            chunk = chunk[left:]
            if self._verifier.so_far != point.so_far:
                raise ContentChanged(self._content.digest, point.received)
        self._verifier.update(chunk)

    def _finish(self, count: int) -> None:
        """The end, or the end too early: nothing was handed out yet of what `count` bytes just came."""
        if count and self._reader.readinto(memoryview(beyond := bytearray(1))):
            self._verifier.update(beyond)
        if count or self._verifier.received < self._end or self._content.size == 0:
            self._verifier.finish()
        self._finished = True
