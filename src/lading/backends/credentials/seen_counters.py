"""Which signatures of tags were seen: a file with the highest counter of each tag and key, for its owner alone.

It holds nothing secret. But whoever could write it could make an older image pass for the newest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lading.backends.credentials import private_file
from lading.backends.credentials.failures import CredentialFileUnusable
from lading.errors import StorageFailed
from lading.oci.reference import Reference

TAGS_LIMIT = 10_000
"""The most tags that are remembered; those go first that were not verified for longest."""

Rows = dict[str, dict[str, int]]


class SeenUnusable(StorageFailed):
    """The file cannot be read, written or understood. Without it nobody can say that a tag was not moved back."""

    hint = "Put the file right. Without it, every tag is taken as it is found the next time."

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"what was seen of signed tags, in {self.path}, cannot be used: {self.reason}"

    @property
    def afar(self) -> str:
        return f"what was seen of signed tags cannot be used: {self.reason}"


class SeenCounters:
    """Fulfils services.trust.signatures.Counters, for any number of processes."""

    def __init__(self, path: Path, limit: int = TAGS_LIMIT) -> None:
        self._path, self._limit = path, limit

    def highest(self, reference: Reference) -> Mapping[str, int]:
        """Raises SeenUnusable: what cannot be read is not taken for nothing."""
        with _in_our_words():
            return self._rows().get(_name(reference), {})

    def remember(self, reference: Reference, counters: Mapping[str, int]) -> None:
        """Raises SeenUnusable."""
        with _in_our_words(), private_file.changing(self._path):
            rows = self._rows()
            row = rows.pop(_name(reference), {})
            rows[_name(reference)] = row | {key: max(counter, row.get(key, 0)) for key, counter in counters.items()}
            kept = dict(list(rows.items())[-self._limit :])
            private_file.replace(self._path, json.dumps(kept, indent=1).encode())

    def _rows(self) -> Rows:
        raw = private_file.read(self._path)
        if raw is None:
            return {}
        try:
            rows: object = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise self._broken() from error
        if not isinstance(rows, dict) or not all(_is_row(row) for row in rows.values()):
            raise self._broken()
        return rows

    def _broken(self) -> SeenUnusable:
        return SeenUnusable(str(self._path), "it is not what was written there")


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except CredentialFileUnusable as error:
        raise SeenUnusable(error.path, error.reason) from error


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and all(type(counter) is int for counter in row.values())


def _name(reference: Reference) -> str:
    return f"{reference.repository}:{reference.tag}"
