"""Bytes that arrive over several requests, perhaps at several processes: a row of objects, each begun where the one
before ends.

An object of an object store cannot be appended to, and a multipart upload that its process leaves behind cannot be
read; a segment can. So whoever comes next, here or elsewhere, goes on where the last whole segment ends. A segment ends
with its request, or at SEGMENT bytes: what a kill costs.

    a transfer       whoever comes next lists the folder, and goes on with the longest row there is
    an upload        whoever comes next is told the row by the note that the last one left (session_note.py)

    arrived whole, one segment     the blob is a copy of it, made within the store
    arrived whole, several         their bytes are read and written once more, into the blob
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain

from lading.backends.content_store.objects.bucket import LARGEST_COPY, MOST_PARTS, SMALLEST_PART, Bucket, Entry
from lading.backends.content_store.objects.keys import segment, segment_start
from lading.backends.content_store.objects.reading import ObjectReader
from lading.wire.message import Cancel

SEGMENT = 1024 * 1024 * 1024

READ_AT_ONCE = 1024 * 1024

Fill = Callable[[], memoryview]
"""The next bytes, in memory that is used again at the next call; nothing at the end."""


def row_of(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The longest row from 0 on in which each segment begins where the one before ends.

    There may be more: who was frozen in the middle of one and wakes beside its successor writes it all the same.
    """
    before: dict[int, Entry | None] = {0: None}
    starting = sorted(((segment_start(entry.key), entry) for entry in entries), key=lambda each: each[0] or 0)
    for start, entry in starting:
        if start is not None and start in before and entry.size:
            before.setdefault(start + entry.size, entry)
    found: list[Entry] = []
    end = max(before)
    while (last := before[end]) is not None:
        found.append(last)
        end -= last.size
    return tuple(reversed(found))


class Segments:
    """Of one folder of a bucket: the row that was there when we looked, and what we append to it. Nothing else is ever
    read: what is there besides was written by somebody who was taken for dead, and is not what we have hashed."""

    def __init__(self, bucket: Bucket, folder: str, writer: str, row: Iterable[Entry] = ()) -> None:
        """Whoever appends has claimed the folder; `writer` is a name nobody else writes under."""
        self.bucket, self._folder, self._writer = bucket, folder, writer
        self.row = tuple(row)

    @classmethod
    def found(cls, bucket: Bucket, folder: str, writer: str) -> Segments:
        """With the longest row that is there. Raises BucketFailed."""
        return cls(bucket, folder, writer, row_of(bucket.entries(folder)))

    @property
    def end(self) -> int:
        """How many bytes are kept."""
        return sum(entry.size for entry in self.row)

    @property
    def names(self) -> tuple[str, ...]:
        """What no other row has: each object is written once."""
        return tuple(entry.key for entry in self.row)

    def append(self, fill: Fill, full: Callable[[], None] = lambda: None, most: int = SEGMENT) -> None:
        """Takes all that `fill` gives. What came before an error is kept. `full` is called behind each segment of
        `most` bytes. Raises what both do, BucketFailed."""
        arriving = _Arriving(fill)
        while first := arriving.up_to(SMALLEST_PART):
            if len(first) < SMALLEST_PART:
                self._put(first)
            elif self._put_parts(first, arriving, most) >= most:
                full()
        arriving.check()

    def keep_first(self, content: memoryview) -> None:
        """These are the first bytes. Raises BucketFailed."""
        self._put(bytes(content))

    def read(self, cancel: Cancel) -> Iterator[memoryview]:
        """All bytes, in order. Raises ReadFailed, BucketFailed, Cancelled."""
        buffer = memoryview(bytearray(READ_AT_ONCE))
        for entry in self.row:
            with closing(ObjectReader(self.bucket, entry.key, 0, entry.size)) as reader:
                while count := reader.readinto(buffer):
                    cancel.check()
                    yield buffer[:count]

    def become(self, key: str, cancel: Cancel) -> None:
        """Their bytes are the object `key`, whole. Raises ReadFailed, BucketFailed, Cancelled."""
        size = self.end
        if len(self.row) == 1 and size <= LARGEST_COPY and self.bucket.copy(self.row[0].key, key):
            return
        if size < SMALLEST_PART:
            self.bucket.put(key, b"".join(map(bytes, self.read(cancel))))
        else:
            self.bucket.put_parts(key, map(bytes, self.read(cancel)), max(SMALLEST_PART, size // (MOST_PARTS - 1)))

    def remove_row(self) -> None:
        """Those of the row. What somebody else wrote there besides goes with the next collection. Raises
        BucketFailed."""
        self.bucket.remove(self.names)
        self.row = ()

    def remove(self) -> None:
        """All that is in the folder. Raises BucketFailed."""
        self.bucket.remove([entry.key for entry in self.bucket.entries(self._folder)])
        self.row = ()

    def _put(self, content: bytes) -> None:
        key = segment(self._folder, self.end, self._writer)
        self.bucket.put(key, content)
        self._kept(key, len(content))

    def _put_parts(self, first: bytes, arriving: _Arriving, most: int) -> int:
        """How many bytes were put."""
        key = segment(self._folder, self.end, self._writer)
        taken = _Counted(chain([first], arriving.parts(most - len(first))))
        self.bucket.put_parts(key, taken)
        self._kept(key, taken.count)
        return taken.count

    def _kept(self, key: str, size: int) -> None:
        self.row = (*self.row, Entry(key, size, 0.0))


class _Arriving:
    """What `fill` gives, as parts of their own; an error ends them, and is raised by `check`."""

    def __init__(self, fill: Fill) -> None:
        self._fill = fill
        self._failure: BaseException | None = None
        self._over = False

    def check(self) -> None:
        """Raises what ended it early."""
        if self._failure is not None:
            raise self._failure

    def up_to(self, size: int) -> bytes:
        """About so many bytes in one piece, fewer at the end only."""
        return b"".join(self.parts(size))

    def parts(self, size: int) -> Iterator[bytes]:
        """About so many bytes: no buffer is divided."""
        while size > 0 and not self._over:
            try:
                filled = self._fill()
            except BaseException as error:  # noqa: BLE001  raised again once what came before is kept
                self._failure, self._over = error, True
                return
            if not filled:
                self._over = True
                return
            yield bytes(filled)
            size -= len(filled)


class _Counted:
    """Counts what passes, in bytes."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self.count += len(part)
            yield part
