"""What a source of advisories gives: its files, one after the other, and of what time they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

FILES_LIMIT = 3_000_000
"""Entries of one source, whatever they are; the largest dump has some hundreds of thousands."""

BYTES_LIMIT = 32 * 1024**3
"""All content of one source, unpacked; the largest dump has some thousands of millions."""


class SourceBroken(Exception):
    """A source cannot be read, or exceeds a limit. `reason` follows the source's name and a colon; `hint` is what a
    person may do about it."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason, hint)
        self.reason, self.hint = reason, hint


@dataclass(frozen=True, slots=True)
class Found:
    """A file by its path in the source; None where it is longer than any advisory."""

    path: str
    content: bytes | None


class Source(Protocol):
    """Opened; read once."""

    @property
    def built(self) -> float | None:
        """Of what time all of it is, in seconds since 1970, where it says so itself."""

    def files(self) -> Iterator[Found]:
        """Those that may be advisories, by their names. Raises SourceBroken, OSError."""

    def close(self) -> None:
        """Ends whatever reads it."""


class Measure:
    """Counts what was read of a source, up to `files` entries and `size` bytes."""

    def __init__(self, files: int = FILES_LIMIT, size: int = BYTES_LIMIT) -> None:
        self.files, self._most_bytes = files, size
        self._files = self._bytes = 0

    def file(self) -> None:
        """Raises SourceBroken."""
        self._files += 1
        if self._files > self.files:
            raise SourceBroken(f"it has more than {self.files} entries")

    def content(self, size: int) -> None:
        """Raises SourceBroken."""
        self._bytes += size
        if self._bytes > self._most_bytes:
            raise SourceBroken(f"it unpacks to more than {self._most_bytes} bytes")
