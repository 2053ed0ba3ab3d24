"""One read of one piece for several takers.

All who open at 0 are handed one stream; who opens at another offset, or too late, reads for itself. Nobody reads in
the background: a taker that has taken everything reads the next buffer and leaves a copy for the others. So a taker
that leaves never keeps the others waiting, and a slow one never slows a fast one. What the slow ones have still to take
is kept in memory up to one limit over all pieces of a copy; past it, whoever is furthest behind goes on alone.

    AWAITED ──open at 0──> JOINED ──too far behind, or opens elsewhere──> ALONE
       │                     │                                              │
       └─────────────────────┴──────────── leave ──> GONE <─────────────────┘
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from lading.engine.content import is_plain_file
from lading.engine.verified import VerifiedContent
from lading.errors import Cancelled
from lading.oci.digest import Digest
from lading.wire.message import Content, Reader

BEHIND_LIMIT = 64 * 1024 * 1024
"""Bytes kept for takers that are behind, over all pieces together."""

BUFFER = 256 * 1024


class Standing(Enum):
    """How a taker stands to the stream."""

    AWAITED = auto()
    JOINED = auto()
    ALONE = auto()
    GONE = auto()


class Backlog:
    """What all shared reads of one copy keep for those behind; one lock for them all, so that it can choose fairly."""

    def __init__(self, limit: int = BEHIND_LIMIT) -> None:
        self.lock = threading.RLock()
        self._limit = limit
        self._reads: set[SharedRead] = set()

    def enter(self, read: SharedRead) -> None:
        """Count what this one keeps."""
        with self.lock:
            self._reads.add(read)

    def leave(self, read: SharedRead) -> None:
        """It keeps nothing any more."""
        with self.lock:
            self._reads.discard(read)

    def make_room(self) -> None:
        """Send takers off, the furthest behind first, until what is kept fits. Called with the lock held."""
        while sum(read.kept for read in self._reads) > self._limit:
            max(self._reads, key=lambda read: read.kept).send_off_last()


class SharedRead:
    """The stream, and the buffers between the slowest taker's position and the stream's.

    `checks` has an entry for each taker: whether its bytes must be verified on the way.
    """

    def __init__(self, content: Content, digest: Digest, checks: Sequence[bool], backlog: Backlog) -> None:
        self._content, self._digest, self._backlog = content, digest, backlog
        self._verified = VerifiedContent(content, digest) if any(checks) else None
        self._changed = threading.Condition(backlog.lock)
        self._takers = [Taker(self, check) for check in checks]
        self._buffers: deque[memoryview] = deque()
        self._start = 0
        self._reader: Reader | None = None
        self._reading = False
        self._error: BaseException | None = None
        backlog.enter(self)

    @property
    def takers(self) -> tuple[Taker, ...]:
        """All that are awaited or joined, in the order of `checks`."""
        return tuple(self._takers)

    @property
    def size(self) -> int:
        """In bytes."""
        return self._content.size

    @property
    def kept(self) -> int:
        """Bytes in memory. Called with the lock held."""
        return sum(len(buffer) for buffer in self._buffers)

    def alone(self, taker: Taker) -> Content:
        """What a taker reads for itself, checked from what it was given by the stream so far."""
        if not taker.checked:
            return self._content
        if taker.standing is Standing.JOINED and self._verified is not None:
            return self._verified.forked()
        return VerifiedContent(self._content, self._digest)

    # ── opening

    def join(self, taker: Taker, offset: int, stop: int) -> Reader | None:
        """A reader of the stream up to `stop`, or None where this taker reads for itself."""
        with self._changed:
            if taker.standing is Standing.GONE:
                raise Cancelled
            if taker.standing is Standing.ALONE or taker.reading:
                return None
            if offset != taker.position or self._error is not None:
                self._release(taker, Standing.ALONE)
                return None
            taker.standing, taker.reading = Standing.JOINED, True
            begin = self._reader is None and not self._reading
            if begin:
                self._reading = True
        if begin and not self._begin(taker):
            return None
        return _SharedReader(self, taker, stop)

    def _begin(self, taker: Taker) -> bool:
        """Open the stream, outside the lock. False for a plain file: each reads that for itself, the kernel shares."""
        try:
            reader = (self._verified or self._content).open()
        except BaseException as error:
            self._failed(error)
            taker.reading = False
            raise
        plain = is_plain_file(reader)
        with self._changed:
            self._reading = False
            self._changed.notify_all()
            if plain:
                for each in self.takers:
                    self._release(each, Standing.ALONE)
            unwanted = not self._takers
            if not unwanted:
                self._reader = reader
        if unwanted:
            reader.close()
        return not plain

    # ── reading

    def read(self, taker: Taker, buffer: memoryview) -> int | None:
        """The next bytes of this taker; None: it reads alone from its position. Raises Cancelled once it has left."""
        with self._changed:
            reader = self._turn(taker)
            if reader is None:
                return None if taker.standing is Standing.ALONE else self._hand_out(taker, buffer)
            self._reading, direct = True, len(self._takers) == 1
        target = buffer if direct else memoryview(bytearray(BUFFER))
        try:
            count = reader.readinto(target)
        except BaseException as error:
            self._failed(error)
            raise
        return self._taken(taker, buffer, target[:count], direct)

    def _turn(self, taker: Taker) -> Reader | None:
        """Waits until there is something to do. The stream where reading on falls to this taker, else None."""
        while True:
            if taker.standing is Standing.GONE:
                raise Cancelled
            if taker.standing is Standing.ALONE or taker.position < self._start + self.kept:
                return None
            if self._error is not None:
                raise self._error
            if self._reader is not None and not self._reading:
                return self._reader
            self._changed.wait()

    def _taken(self, taker: Taker, buffer: memoryview, fresh: memoryview, direct: bool) -> int:
        """The next bytes came: this taker has its part of them, the rest is kept for who still needs it."""
        count = min(len(buffer), len(fresh))
        with self._changed:
            self._reading = False
            taker.position += count
            if direct:
                self._start += count
            elif count:
                buffer[:count] = fresh[:count]
                self._buffers.append(fresh if len(fresh) > BUFFER // 2 else memoryview(bytes(fresh)))
                self._drop_taken()
                self._backlog.make_room()
            self._changed.notify_all()
            return count

    def _hand_out(self, taker: Taker, buffer: memoryview) -> int:
        position = self._start
        for kept in self._buffers:
            if taker.position < position + len(kept):
                rest = kept[taker.position - position :]
                count = min(len(rest), len(buffer))
                buffer[:count] = rest[:count]
                taker.position += count
                self._drop_taken()
                return count
            position += len(kept)
        raise AssertionError("a position before the end lies in a buffer")

    def _failed(self, error: BaseException) -> None:
        with self._changed:
            self._reading, self._error = False, error
            self._changed.notify_all()

    # ── leaving

    def send_off_last(self) -> None:
        """The taker furthest behind reads for itself from now on. Called with the lock held."""
        if self._takers:
            self._release(min(self._takers, key=lambda taker: taker.position), Standing.ALONE)

    def forget(self, taker: Taker) -> None:
        """This taker is done; the last one closes the stream, which also wakes it up where it is blocked in a read."""
        with self._changed:
            self._release(taker, Standing.GONE)
            if self._takers:
                return
            reader, self._reader = self._reader, None
            self._backlog.leave(self)
        if reader is not None:
            reader.close()

    def _release(self, taker: Taker, standing: Standing) -> None:
        if taker in self._takers:
            taker.content = self.alone(taker)
            self._takers.remove(taker)
            self._drop_taken()
        taker.standing = standing
        self._changed.notify_all()

    def _drop_taken(self) -> None:
        """Forget the buffers that every taker has taken."""
        end = self._start + self.kept
        slowest = min((taker.position for taker in self._takers), default=end)
        while self._buffers and self._start + len(self._buffers[0]) <= slowest:
            self._start += len(self._buffers.popleft())


class Taker:
    """The Content of one target. `leave` when its work is over, whatever came of it."""

    def __init__(self, read: SharedRead, checked: bool) -> None:
        self._read = read
        self.checked = checked
        self.standing = Standing.AWAITED
        self.position = 0
        self.reading = False
        self.content = read.alone(self)
        self._own: list[Reader] = []

    @property
    def size(self) -> int:
        """In bytes."""
        return self._read.size

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        """From the stream where it stands at `offset` for this taker, else one of its own."""
        stop = self.size if length is None else offset + length
        reader = self._read.join(self, offset, stop)
        return self.open_alone(offset, length) if reader is None else reader

    def open_alone(self, offset: int, length: int | None) -> Reader:
        """A stream of its own, which `leave` closes under whoever is blocked in it.

        A plain file is left to the target: it blocks nobody, and its number may mean another file once it is closed.
        """
        reader = self.content.open(offset, length)
        if not is_plain_file(reader):
            self._own.append(reader)
            if self.standing is Standing.GONE:
                reader.close()
        return reader

    def leave(self) -> None:
        """Free the others from waiting and memory from what was kept. Harmless twice."""
        self._read.forget(self)
        for reader in self._own:
            reader.close()


class _SharedReader:
    """Up to `stop` from the stream, and from an own opening once the taker was sent off."""

    def __init__(self, read: SharedRead, taker: Taker, stop: int) -> None:
        self._read, self._taker, self._stop = read, taker, stop
        self._own: Reader | None = None

    def readinto(self, buffer: memoryview, /) -> int:
        if self._own is None:
            buffer = buffer[: self._stop - self._taker.position]
            if not buffer:
                return 0
            count = self._read.read(self._taker, buffer)
            if count is not None:
                return count
            whole = self._stop == self._taker.size
            self._own = self._taker.open_alone(
                self._taker.position, None if whole else self._stop - self._taker.position
            )
        return self._own.readinto(buffer)

    def close(self) -> None:
        self._taker.reading = False
        if self._own is not None:
            self._own.close()
