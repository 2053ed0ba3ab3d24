"""What an upload session's lock tells whoever has it next: its segments, and the digest of all their bytes.

So nobody lists the segments, and who finishes what others sent reads none of them again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lading.backends.content_store.objects.bucket import Entry


@dataclass(frozen=True, slots=True)
class SessionNote:
    """`sha256` is in hexadecimal; None where whoever wrote last does not know it."""

    row: tuple[Entry, ...] = ()
    sha256: str | None = None

    @classmethod
    def parse(cls, folder: str, text: str) -> SessionNote | None:
        """Of segments in this folder; None where it is no whole note."""
        try:
            told = json.loads(text)
        except ValueError:
            return None
        match told:
            case {"segments": [*segments], "sha256": str() | None as sha256}:
                row = _row(folder, segments)
                return None if row is None else cls(row, sha256)
        return None

    def __str__(self) -> str:
        segments = [[entry.key.rpartition("/")[2], entry.size] for entry in self.row]
        return json.dumps({"segments": segments, "sha256": self.sha256}, separators=(",", ":"))


def _row(folder: str, segments: Sequence[object]) -> tuple[Entry, ...] | None:
    found: list[Entry] = []
    for each in segments:
        match each:
            case [str(name), int(size)]:
                found.append(Entry(f"{folder}/{name}", size, 0.0))
            case _:
                return None
    return tuple(found)
