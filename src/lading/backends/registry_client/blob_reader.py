"""A blob read from a registry: one stream to the outside, as many requests as the network makes of it."""

from __future__ import annotations

from collections.abc import Callable

from lading.backends.registry_client.session import Session
from lading.errors import NetworkFailed
from lading.wire.download import Part, Span
from lading.wire.message import Cancel, ConnectionLost, Stalled

PROGRESS = 1024 * 1024
"""Bytes after which a connection counts as having worked: a line that breaks sooner each time is given up on."""

_DROPPED = 256 * 1024


class BlobReader:
    """Reads `span`; when a connection is lost it asks for the rest. Not thread-safe, as no Reader is.

    `fetch` opens what is left of the span; it raises what `wire.download` does.
    """

    def __init__(self, session: Session, fetch: Callable[[Span], Part], span: Span, cancel: Cancel) -> None:
        self._session, self._fetch, self._span, self._cancel = session, fetch, span, cancel
        self._position = span.start
        self._tries = session.tries()
        self._since = 0
        self._part: Part | None = None
        self._skip = self._left = 0
        self._closed = False
        self._leave = session.host.room_to_read(cancel)
        try:
            self._open()
        except BaseException:
            self._leave()
            raise
        self._count(0)

    def readinto(self, buffer: memoryview, /) -> int:
        """See Reader. Raises ConnectionLost and Stalled when patience is over."""
        while self._position < self._span.end and not self._closed and len(buffer):
            part = self._part
            if part is None:
                self._open()  # with a patience of its own
                continue
            try:
                count = self._read(part, buffer)
            except (ConnectionLost, Stalled) as lost:
                self._wait(lost)
                continue
            if count:
                self._count(count)
                return count
        return 0

    def close(self) -> None:
        """Harmless twice, and from another thread: that is how a blocked read wakes up."""
        self._closed = True
        self._drop()
        self._leave()

    def _read(self, part: Part, buffer: memoryview) -> int:
        """Some bytes; 0 where a part ended that was only part of what was asked for."""
        if self._left == 0:
            self._drop()
            return 0
        self._skip_start(part)
        count = part.stream.readinto(buffer[: self._left])
        if count == 0:
            raise ConnectionLost(self._session.host.authority, "the content ended early")
        self._left -= count
        return count

    def _open(self) -> None:
        """What is left of the span; an empty one needs no request."""
        if self._position == self._span.end:
            return
        span = self._span
        part = self._fetch(Span(span.digest, span.size, self._position, span.end))
        self._part, self._skip, self._left = part, part.skip, part.length
        if self._closed:
            self._drop()

    def _skip_start(self, part: Part) -> None:
        """Read and drop what lies before the span, where the registry ignores ranges."""
        dropped = memoryview(bytearray(min(self._skip, _DROPPED)))
        while self._skip:
            self._cancel.check()
            count = part.stream.readinto(dropped[: self._skip])
            if count == 0:
                raise ConnectionLost(self._session.host.authority, "the content ended early")
            self._skip -= count

    def _count(self, count: int) -> None:
        self._position += count
        if self._position == self._span.end:
            self._leave()  # before it is closed: who has read all may wait for others first
        self._since += count
        if self._since >= PROGRESS:
            self._since, self._tries = 0, self._session.tries()

    def _wait(self, lost: NetworkFailed) -> None:
        self._drop()
        if self._closed:
            raise lost
        self._since = 0
        again = self._session.patient(lost, self._tries)
        if again is None:
            raise lost
        self._cancel.wait(again.seconds)

    def _drop(self) -> None:
        part, self._part = self._part, None
        if part is not None:
            part.stream.close()
