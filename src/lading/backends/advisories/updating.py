"""One ecosystem of a bucket of dumps, brought up to date.

asked before   list of changes             what is brought
never          -                           all of it: <url>/<Ecosystem>/all.zip
yes            few, in order               those records: <url>/<Ecosystem>/<id>.json
yes            many, or not trusted        all of it
over a week    -                           all of it, so that what was taken out there goes here too
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lading.backends.advisories.delta import changed_since
from lading.backends.advisories.download import Downloads
from lading.backends.advisories.failures import SourceUnknown
from lading.backends.advisories.importing import Turn
from lading.backends.advisories.messages import Order
from lading.backends.advisories.record_files import RECORD_LIMIT

WHOLE_SECONDS = 7 * 24 * 60 * 60.0

SOURCE_PREFIX = "osv:"
"""Names sources that are kept up to date, whatever mirror they come from."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A source as it was left: changes are known up to `since`, and all of it came last at `whole`. Seconds since
    1970."""

    since: float
    whole: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """A mirror of dumps, or the original."""

    url: str

    def of(self, ecosystem: str, name: str) -> str:
        """A file of one ecosystem."""
        return f"{self.url.rstrip('/')}/{quote(ecosystem, safe='')}/{quote(name, safe='')}"


@dataclass(frozen=True, slots=True)
class _Changes:
    """Which records, and of what time the list is."""

    ids: Sequence[str]
    modified: float | None


class Updating:
    """One ecosystem; `now` is seconds since 1970."""

    def __init__(self, bucket: Bucket, turn: Turn, downloads: Downloads, now: float) -> None:
        self._bucket, self._turn, self._downloads, self._now = bucket, turn, downloads, now

    def order(self, ecosystem: str, standing: Standing | None, told: Callable[[str], None]) -> Order:
        """Has arrived what is to be imported. Raises what Downloads raises."""
        if standing is not None and standing.since > 0 and self._now - standing.whole < WHOLE_SECONDS:
            changes = self._changes(ecosystem, standing.since)
            if changes is not None:
                return self._changed(ecosystem, changes, told)
        told(f"Downloading all of {ecosystem}...")
        arrived = self._downloads.fetch(self._bucket.of(ecosystem, "all.zip"), self._turn.incoming / "all.zip")
        return self._ordered(ecosystem, arrived.path, whole=True, built=arrived.modified)

    def _changes(self, ecosystem: str, since: float) -> _Changes | None:
        """None where there is no list, or none to go by."""
        try:
            with self._downloads.lines(self._bucket.of(ecosystem, "modified_id.csv")) as lines:
                found = changed_since(lines.each, since)
                return None if found is None else _Changes(found, lines.modified)
        except SourceUnknown:
            return None

    def _changed(self, ecosystem: str, changes: _Changes, told: Callable[[str], None]) -> Order:
        told(f"Downloading {len(changes.ids)} changed advisories of {ecosystem}...")
        folder = self._turn.incoming / "changed"
        folder.mkdir()
        for name in changes.ids:
            with suppress(SourceUnknown):  # gone again meanwhile
                url = self._bucket.of(ecosystem, f"{name}.json")
                self._downloads.fetch(url, folder / f"{name}.json", RECORD_LIMIT)
        return self._ordered(ecosystem, folder, whole=False, built=changes.modified)

    def _ordered(self, ecosystem: str, path: Path, *, whole: bool, built: float | None) -> Order:
        return Order(
            database=str(self._turn.database),
            path=str(path),
            scratch=str(self._turn.incoming),
            name=SOURCE_PREFIX + ecosystem,
            location=self._bucket.of(ecosystem, ""),
            now=self._now,
            whole=whole,
            built=built,
        )
