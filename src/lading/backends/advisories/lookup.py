"""Advisories by package and by name, from the rows as they stood when it was opened: fulfils
inventory.matching.AdvisoryLookup.

Several sources may have a record of one id: the one modified last counts, and of equal ones the one imported last. What
an older one says of packages that the newer does not name any more is not heard.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast  # Any: what a column holds, its statement says

from lading.backends.advisories.failures import AdvisoriesDamaged, storing
from lading.backends.advisories.packed import unpacked
from lading.backends.advisories.schema import opened_to_read
from lading.inventory.advisory import Advisory, AdvisoryInvalid, read_advisory

_CURRENT = """NOT EXISTS (
    SELECT 1 FROM record AS later WHERE later.id = record.id AND later.key <> record.key
    AND (later.modified > record.modified OR later.modified = record.modified AND later.key > record.key)
)"""
_OF_PACKAGE = f"""
SELECT record.content, affected.content FROM affected JOIN record ON record.key = affected.record
WHERE affected.ecosystem = ? AND affected.package = ? AND {_CURRENT} ORDER BY record.id
"""  # noqa: S608  no value is written into it
_BY_NAME = f"""
SELECT record.key, record.content FROM alias JOIN record ON record.key = alias.record
WHERE alias.name = ? AND {_CURRENT} ORDER BY record.id
"""  # noqa: S608  as above
_FEEDS = """
SELECT ecosystem, built FROM feed JOIN source ON source.key = feed.source WHERE ecosystem <> '' ORDER BY records
"""
_PACKAGES = "SELECT content FROM affected WHERE record = ? ORDER BY key"


class KeptAdvisories:
    """For any number of threads, which take turns. Where no advisories were imported yet it knows none."""

    def __init__(self, path: Path) -> None:
        """Raises AdvisoriesDamaged, AdvisoriesUnusable."""
        self._path, self._lock = path, threading.Lock()
        with storing(path):
            self._connection = opened_to_read(path)
            self._ecosystems = self._begin()

    def _begin(self) -> Mapping[str, int]:
        if self._connection is None:
            return {}
        self._connection.execute("BEGIN")  # from the first read on nothing changes any more
        return dict(self._connection.execute("SELECT name, key FROM ecosystem"))

    def close(self) -> None:
        """Harmless twice."""
        with self._lock:
            connection, self._connection, self._ecosystems = self._connection, None, {}
        if connection is not None:
            connection.close()

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[KeptAdvisories]:
        """While inside. Raises AdvisoriesDamaged, AdvisoriesUnusable."""
        kept = cls(path)
        try:
            yield kept
        finally:
            kept.close()

    def of_package(self, ecosystem: str, name: str) -> Sequence[Advisory]:
        """See AdvisoryLookup. Each tells of this package alone. Raises AdvisoriesDamaged, AdvisoriesUnusable."""
        key = self._ecosystems.get(ecosystem)
        if key is None:
            return ()
        return [self._advisory(content, [said]) for content, said in self._rows(_OF_PACKAGE, (key, name))]

    def by_ids(self, ids: Collection[str]) -> Sequence[Advisory]:
        """See AdvisoryLookup. Raises AdvisoriesDamaged, AdvisoriesUnusable."""
        found: dict[int, bytes] = {}
        for name in ids:
            found.update(self._rows(_BY_NAME, (name,)))
        return [
            self._advisory(content, [said for (said,) in self._rows(_PACKAGES, (key,))])
            for key, content in found.items()
        ]

    def feeds(self) -> Mapping[str, float | None]:
        """See AdvisoryLookup: of several sources the time of the one that has the most records of it. Raises
        AdvisoriesDamaged, AdvisoriesUnusable."""
        return dict(self._rows(_FEEDS, ()))

    def revision(self) -> str:
        """See AdvisoryLookup. Raises AdvisoriesDamaged, AdvisoriesUnusable."""
        rows = self._rows("SELECT name, built, changes FROM source ORDER BY name", ())
        return f"{zlib.crc32(repr(rows).encode()):08x}"

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """What a column holds, its statement says."""
        with self._lock, storing(self._path):
            if self._connection is None:
                return []
            return self._connection.execute(statement, values).fetchall()

    def _advisory(self, content: bytes, packages: Sequence[bytes]) -> Advisory:
        """What an import packed is a record's head and the list of what it says of each package: so it is read."""
        try:
            value = cast("dict[str, object]", unpacked(content))
            value["affected"] = [entry for said in packages for entry in cast("list[object]", unpacked(said))]
            return read_advisory(value)
        except (ValueError, AdvisoryInvalid) as error:
            raise AdvisoriesDamaged(str(self._path), "a record cannot be read") from error
