"""Content as the engine hands it to targets: a source and a descriptor together, opened as often as needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from lading.engine.stores import ContentUnknown, Source
from lading.engine.throttle import LimitedReader, RateLimit
from lading.engine.verified import ContentChanged
from lading.errors import LadingError, Side
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, ContentTooShort, DigestMismatch
from lading.wire.message import BytesReader, Cancel, Content, Reader


@dataclass(frozen=True, slots=True)
class SourceContent:
    """One piece of a source, exactly as the source gives it: nothing is checked on the way."""

    source: Source
    descriptor: Descriptor

    @property
    def size(self) -> int:
        """In bytes, as the descriptor says."""
        return self.descriptor.size

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        """Raises ContentUnknown."""
        if self.descriptor.data is not None:
            end = None if length is None else offset + length
            return BytesReader(memoryview(self.descriptor.data)[offset:end])
        return self.source.open(self.descriptor, offset, length)


def is_held(source: Source, descriptor: Descriptor) -> bool:
    """Whether the source has it, for sources that can only be opened; not a byte of it is read."""
    try:
        source.open(descriptor).close()
    except ContentUnknown:
        return False
    return True


class WatchedContent:
    """Content that remembers how its source failed, wakes up when the work is cancelled, and keeps to a limit."""

    def __init__(self, content: Content, cancel: Cancel, limit: RateLimit | None = None) -> None:
        self._content, self._cancel, self._limit = content, cancel, limit
        self._failures: list[LadingError] = []

    @property
    def size(self) -> int:
        """In bytes."""
        return self._content.size

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        """A plain file's reader is handed on as it is, so that the kernel can send it."""
        try:
            reader = self._content.open(offset, length)
        except LadingError as error:
            self.failed(error)
            raise
        if self._limit is not None:
            reader = LimitedReader(reader, self._limit, self._cancel)
        elif is_plain_file(reader):
            return reader
        return _WatchedReader(reader, self, self._cancel)

    def failed(self, error: LadingError) -> None:
        """The source itself raised this."""
        self._failures.append(error)

    def blamed_for(self, error: BaseException) -> bool:
        """Whether the source is why: it failed itself, or what it gave is not what its descriptor names."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, WRONG_BYTES) or any(cause is failure for failure in self._failures):
                return True
            cause = cause.__cause__
        return False


WRONG_BYTES = (DigestMismatch, ContentTooLong, ContentTooShort, ContentChanged)
"""Whoever finds one of these, target or check in between, the source gave the bytes."""


def is_plain_file(reader: Reader) -> bool:
    """Whether the kernel can send it by itself: a FileReader."""
    return hasattr(reader, "file")


class _WatchedReader:
    """Closed by a cancel while it may be blocked, and by whoever comes first otherwise."""

    def __init__(self, reader: Reader, content: WatchedContent, cancel: Cancel) -> None:
        self._reader, self._content = reader, content
        self._lock = threading.Lock()
        self._closing: AbstractContextManager[None] | None = cancel.closing(reader.close)
        try:
            self._closing.__enter__()
        except BaseException:
            reader.close()
            raise

    def readinto(self, buffer: memoryview, /) -> int:
        try:
            return self._reader.readinto(buffer)
        except LadingError as error:
            self._content.failed(error)
            raise

    def close(self) -> None:
        with self._lock:
            closing, self._closing = self._closing, None
        if closing is not None:
            self._reader.close()
            closing.__exit__(None, None, None)


@contextmanager
def at_source() -> Iterator[None]:
    """Inside, only the source is spoken to: what fails over there, or on the way there, is on the source's side."""
    try:
        yield
    except LadingError as error:
        if error.side in {Side.TARGET, Side.NETWORK}:
            raise blame_source(error) from error
        raise


def blame_source(error: LadingError) -> LadingError:
    """The same error, said to be on the source's side."""
    return error.but(side=Side.SOURCE)
