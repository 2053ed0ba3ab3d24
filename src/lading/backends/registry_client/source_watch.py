"""Whose connection was lost while a body was sent: the registry's we send to, or the one the body comes from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lading.errors import NetworkFailed
from lading.wire.message import Content, FileReader, Reader, ReadFailed


class SourceWatch:
    """Content that remembers how its own source failed, and says ReadFailed to the transport.

    A transport that loses its connection still looks for an answer; it must not take the source's loss for its own.
    A plain file's reader is handed on as it is.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self.failure: NetworkFailed | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return self._content.size

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        """As the content itself does."""
        with self.watching():
            reader = self._content.open(offset, length)
        return reader if isinstance(reader, FileReader) else _WatchedReader(reader, self)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """What the network does in here, it does to the source. Raises ReadFailed."""
        try:
            yield
        except NetworkFailed as error:
            self.failure = error
            raise ReadFailed("the content to send", str(error)) from error


class _WatchedReader:
    def __init__(self, reader: Reader, watch: SourceWatch) -> None:
        self._reader, self._watch = reader, watch

    def readinto(self, buffer: memoryview, /) -> int:
        with self._watch.watching():
            return self._reader.readinto(buffer)

    def close(self) -> None:
        self._reader.close()
