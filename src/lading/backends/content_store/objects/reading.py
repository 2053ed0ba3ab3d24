"""Reading an object: as one stream by whoever keeps up with it, in stretches by whoever does not. So no connection is
held for a slow reader, and a lost one costs one request more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from lading.backends.content_store.objects.bucket import Bucket, BucketFailed
from lading.errors import StorageFailed, Unavailable
from lading.wire.message import ReadFailed, ReadUnavailable

STRETCH = 256 * 1024
"""Bytes asked for at once, and held, where there is no stream; fewer are not worth one."""

KEEPS_UP_SECONDS, FALLS_BEHIND_SECONDS = 1.0, 4.0
"""Who has used up a stretch within the first is given a stream; who leaves a piece of that lying for the second loses
it. They are apart so that nobody goes to and fro."""


class ObjectReader:
    """A LendingReader over `length` bytes of an object from `offset` on."""

    def __init__(
        self, bucket: Bucket, key: str, offset: int, length: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` tells seconds, never back."""
        self._bucket, self._key, self._clock = bucket, key, clock
        self._offset, self._left = offset, length
        self._piece = memoryview(b"")
        self._given = clock()
        self._stream: Iterator[memoryview] | None = None

    @classmethod
    def begun(cls, bucket: Bucket, key: str, offset: int, length: int) -> ObjectReader | None:
        """One that has its first bytes; None where there is no such object. Raises BucketFailed as it is, by which a
        door that has said nothing yet tells a store that is away; ReadFailed."""
        reader = cls(bucket, key, offset, length)
        if not length:
            return None if bucket.find(key) is None else reader
        return reader if reader._found() else None

    def readinto(self, buffer: memoryview, /) -> int:
        """Raises ReadFailed."""
        piece = self.lent(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def lent(self, most: int, /) -> memoryview:
        """Raises ReadFailed."""
        if not self._piece and self._left and not self._fetch():
            raise ReadFailed(self._key, "it is gone")
        lent, self._piece = self._piece[:most], self._piece[most:]
        return lent

    def close(self) -> None:
        self._stream, self._piece, self._left = None, memoryview(b""), 0

    def _fetch(self) -> bool:
        """As `_found`. Raises ReadFailed alone, a store that is away being one that says so."""
        try:
            return self._found()
        except Unavailable as error:
            raise ReadUnavailable(self._key, str(error)) from error
        except StorageFailed as error:
            raise ReadFailed(self._key, str(error)) from error

    def _found(self) -> bool:
        """The next piece; False where the object is not there. Raises BucketFailed, ReadFailed."""
        found = self._streamed() or self._stretch()
        if found is None:
            return False
        self._offset, self._left = self._offset + len(found), self._left - len(found)
        self._piece, self._given = found, self._clock()
        return True

    def _streamed(self) -> memoryview | None:
        """Of the stream; None where none is worth it, or it has broken."""
        away = self._clock() - self._given
        if away >= FALLS_BEHIND_SECONDS:
            self._stream = None
        elif self._stream is None and away < KEEPS_UP_SECONDS and self._left > STRETCH:
            self._stream = self._bucket.stream(self._key, self._offset, self._left)
        try:
            return None if self._stream is None else next(self._stream, None)
        except BucketFailed:
            self._stream = None  # a stretch is asked for more than once
            return None

    def _stretch(self) -> memoryview | None:
        """None where the object is not there. Raises ReadFailed, BucketFailed."""
        self._stream = None
        length = min(STRETCH, self._left)
        found = self._bucket.part(self._key, self._offset, length)
        if found is not None and len(found) != length:
            raise ReadFailed(self._key, "it is shorter than it was")
        return found
