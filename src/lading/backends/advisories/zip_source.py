"""A zip of advisories, as the dump buckets have it: one file a record."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from lading.backends.advisories.found import Found, Measure, SourceBroken
from lading.backends.advisories.record_files import RECORD_LIMIT, record_name
from lading.backends.advisories.zip_directory import (
    DEFLATED,
    STORED,
    ZipBroken,
    ZipEntry,
    content_position,
    zip_entries,
)


class ZipSource:
    """Fulfils Source. What an entry claims of its size is believed nowhere."""

    built = None

    def __init__(self, file: BinaryIO, measure: Measure | None = None) -> None:
        """Closes the file."""
        self._file, self._measure = file, measure or Measure()

    def files(self) -> Iterator[Found]:
        measure = self._measure
        try:
            for entry in zip_entries(self._file, measure.files):
                if record_name(entry.name) is not None:
                    content = self._content(entry)
                    measure.content(RECORD_LIMIT if content is None else len(content))
                    yield Found(entry.name, content)
        except ZipBroken as error:
            raise SourceBroken(str(error)) from error

    def _content(self, entry: ZipEntry) -> bytes | None:
        """None where it is too long, or cannot be unpacked."""
        if entry.encrypted or entry.method not in {STORED, DEFLATED} or entry.packed > RECORD_LIMIT:
            return None
        found = os.pread(self._file.fileno(), entry.packed, content_position(self._file, entry))
        if entry.method == STORED:
            return found
        inflating = zlib.decompressobj(-15)
        try:
            content = inflating.decompress(found, RECORD_LIMIT)
        except zlib.error:
            return None
        return content if inflating.eof else None

    def close(self) -> None:
        self._file.close()
