"""Advisories that stand in memory: records as their writers write them, looked up as the store does."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from lading.inventory.advisory import Advisory, read_advisory

BUILT = 1_790_000_000.0


class MemoryAdvisories:
    """Fulfils inventory.matching.AdvisoryLookup; `asked` is every name that was looked up."""

    def __init__(self, *records: Mapping[str, object], built: float | None = BUILT) -> None:
        self._records = [read_advisory(dict(record)) for record in records]
        self._built = built
        self.asked: list[tuple[str, str]] = []
        self.named: list[frozenset[str]] = []

    def of_package(self, ecosystem: str, name: str) -> Sequence[Advisory]:
        self.asked.append((ecosystem, name))
        return [
            record
            for record in self._records
            if any(entry.ecosystem == ecosystem and entry.indexed_name == name for entry in record.affected)
        ]

    def by_ids(self, ids: Collection[str]) -> Sequence[Advisory]:
        self.named.append(frozenset(ids))
        return [record for record in self._records if not frozenset(ids).isdisjoint(record.names)]

    def feeds(self) -> Mapping[str, float | None]:
        return {entry.ecosystem: self._built for record in self._records for entry in record.affected}

    def revision(self) -> str:
        return f"{zlib.crc32(repr((self._built, self._records)).encode()):08x}"

    @contextmanager
    def opened(self) -> Iterator[MemoryAdvisories]:
        """As the store gives itself for one scan."""
        yield self


def record(name: str, *affected: Mapping[str, object], **fields: object) -> dict[str, object]:
    """A record with what every one must have."""
    return {"id": name, "modified": "2026-11-01T00:00:00Z", "affected": list(affected), **fields}


def affecting(ecosystem: str, name: str, *events: str, **fields: object) -> dict[str, object]:
    """A package with one range: events such as `introduced 0` and `fixed 1.2`."""
    written = [dict([event.split(" ", 1)]) for event in events]
    ranges = [{"type": "ECOSYSTEM", "events": written}] if written else []
    return {"package": {"ecosystem": ecosystem, "name": name}, "ranges": ranges, **fields}
