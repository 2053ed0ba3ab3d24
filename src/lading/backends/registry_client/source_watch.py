"""Whose connection was lost while a body was sent: the registry's we send to, or the one the body comes from."""

from __future__ import annotations

from lading.errors import NetworkFailed
from lading.wire.message import Content, FileReader, Reader


class SourceWatch:
    """Content that remembers how its own source failed. A plain file's reader is handed on as it is."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.failure: NetworkFailed | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return self._content.size

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        """As the content itself does."""
        try:
            reader = self._content.open(offset, length)
        except NetworkFailed as error:
            self.failure = error
            raise
        return reader if isinstance(reader, FileReader) else _WatchedReader(reader, self)


class _WatchedReader:
    def __init__(self, reader: Reader, watch: SourceWatch) -> None:
        self._reader, self._watch = reader, watch

    def readinto(self, buffer: memoryview, /) -> int:
        try:
            return self._reader.readinto(buffer)
        except NetworkFailed as error:
            self._watch.failure = error
            raise

    def close(self) -> None:
        self._reader.close()
