"""Reading an object in stretches: no connection is held for whoever reads slowly, and a lost one costs one stretch.
Who reads fast gets the next one while they still have the last."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

from lading.backends.content_store.objects.bucket import Bucket
from lading.errors import StorageFailed
from lading.wire.message import ReadFailed

FIRST_STRETCH, LONGEST_STRETCH = 256 * 1024, 4 * 1024 * 1024
"""Bytes asked for at once. Who reads fast is given longer ones, so that the request costs little; who reads slowly
holds little memory."""

_FAST_SECONDS = 1.0


class ObjectReader:
    """A Reader over `length` bytes of an object from `offset` on."""

    def __init__(
        self, bucket: Bucket, key: str, offset: int, length: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` tells seconds, never back."""
        self._bucket, self._key, self._clock = bucket, key, clock
        self._offset, self._end = offset, offset + length
        self._stretch = memoryview(b"")
        self._length = FIRST_STRETCH
        self._asked: float | None = None
        self._coming: Future[memoryview | None] | None = None
        self._closed = False

    @classmethod
    def begun(cls, bucket: Bucket, key: str, offset: int, length: int) -> ObjectReader | None:
        """One that has its first stretch; None where there is no such object. Raises BucketFailed, ReadFailed."""
        reader = cls(bucket, key, offset, length)
        if not length:
            return None if bucket.find(key) is None else reader
        return reader if reader._ask() else None

    def readinto(self, buffer: memoryview, /) -> int:
        """Raises ReadFailed."""
        if not self._stretch and not self._closed and self._offset < self._end and not self._ask():
            raise ReadFailed(self._key, "it is gone")
        count = min(len(buffer), len(self._stretch))
        buffer[:count] = self._stretch[:count]
        self._stretch = self._stretch[count:]
        return count

    def close(self) -> None:
        self._closed = True
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None
        self._stretch = memoryview(b"")

    def _ask(self) -> bool:
        """The next stretch; False where the object is not there."""
        now = self._clock()
        fast = self._asked is not None and now - self._asked < _FAST_SECONDS
        self._asked = now
        length = min(self._length, self._end - self._offset)
        found = self._stretch_from_here(length)
        if found is None:
            return False
        if len(found) != length:
            raise ReadFailed(self._key, "it is shorter than it was")
        self._offset += length
        self._stretch = found
        self._length = min(2 * self._length, LONGEST_STRETCH) if fast else FIRST_STRETCH
        if fast and self._offset < self._end:
            following = min(self._length, self._end - self._offset)
            self._coming = self._bucket.ahead.submit(self._bucket.part, self._key, self._offset, following)
        return True

    def _stretch_from_here(self, length: int) -> memoryview | None:
        coming, self._coming = self._coming, None
        try:
            return self._bucket.part(self._key, self._offset, length) if coming is None else coming.result()
        except StorageFailed as error:
            raise ReadFailed(self._key, str(error)) from error
