"""The advisories of a data folder: fulfils services.scans.advisories.AdvisoryKeeping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from lading.backends.advisories.download import Downloads
from lading.backends.advisories.failures import SourceNotKept, SourceUnknown, storing
from lading.backends.advisories.forgetting import forgotten
from lading.backends.advisories.importing import DATABASE, Turn, import_turn, imported
from lading.backends.advisories.lookup import KeptAdvisories
from lading.backends.advisories.messages import Order
from lading.backends.advisories.schema import begin, opened_to_read, opened_to_write
from lading.backends.advisories.updating import SOURCE_PREFIX, Bucket, Standing, Updating
from lading.errors import Cancelled, LadingError, NoRoom, TimedOut
from lading.services.scans.advisories import Feed, Imported, Origin, Report, Schedule, Updated, is_url, shown_url
from lading.wire.message import Cancel, Transport

_MEGABYTE = 1_000_000
_STEP = 10 * _MEGABYTE
"""Bytes between two words about a download."""


class AdvisoryFolder:
    """For any number of threads and processes. `clock` tells seconds since 1970; `transport` is opened when something
    is fetched; `room` raises NoRoom where the disk has none for what is new."""

    def __init__(
        self,
        data: Path,
        transport: Callable[[], Transport],
        schedule: Schedule,
        clock: Callable[[], float],
        room: Callable[[], None],
    ) -> None:
        self._data, self._transport, self._schedule, self._clock = data, transport, schedule, clock
        self._room = room

    def lookup(self) -> KeptAdvisories:
        """The advisories as they are now; closed by whoever asks. Raises StorageFailed."""
        return KeptAdvisories(self._data / DATABASE)

    def feeds(self) -> Sequence[Feed]:
        """See AdvisoryKeeping."""
        path = self._data / DATABASE
        with storing(path):
            connection = opened_to_read(path)
            if connection is None:
                return ()
            with closing(connection):
                rows = connection.execute(
                    """
                    SELECT feed.ecosystem, name, location, records, newest, built, imported
                    FROM feed JOIN source ON source.key = feed.source ORDER BY feed.ecosystem, name
                    """
                ).fetchall()
        return [Feed(*row) for row in rows]

    def bring(self, origin: Origin, report: Report, cancel: Cancel) -> Imported:
        """See AdvisoryKeeping."""
        with import_turn(self._data) as turn:
            if is_url(origin.place):
                shown = shown_url(origin.place)
                report(f"Downloading {shown}...")
                arrived = self._downloads(report, cancel).fetch(origin.place, turn.incoming / "all.zip")
                order = self._order(turn, arrived.path, shown, origin, arrived.modified)
            else:
                path = Path(origin.place).absolute()
                if not path.exists():
                    raise SourceUnknown(str(path))
                order = self._order(turn, path, str(path), origin, None)
            return self._imported(turn, order, report, cancel)

    def forget(self, source: str) -> int:
        """See AdvisoryKeeping."""
        if all(feed.source != source for feed in self.feeds()):
            raise SourceNotKept(source)
        path = self._data / DATABASE
        with import_turn(self._data), storing(path), closing(opened_to_write(path)) as connection:
            begin(connection)
            gone = forgotten(connection, source)
            connection.execute("COMMIT")
        if gone is None:  # somebody else was faster
            raise SourceNotKept(source)
        return gone

    def _order(self, turn: Turn, path: Path, location: str, origin: Origin, built: float | None) -> Order:
        return Order(
            database=str(turn.database),
            path=str(path),
            scratch=str(turn.incoming),
            name=origin.name or location,
            location=location,
            now=self._clock(),
            branch=origin.branch,
            built=built,
        )

    def update(self, ecosystems: Sequence[str], report: Report, cancel: Cancel) -> Updated:
        """See AdvisoryKeeping."""
        done: list[Imported] = []
        failed: list[tuple[str, LadingError]] = []
        with import_turn(self._data) as turn:
            for ecosystem in dict.fromkeys(ecosystems or self._schedule.ecosystems):
                try:
                    with turn.part() as part:
                        done.append(self._update_one(part, ecosystem, report, cancel))
                except (Cancelled, TimedOut, NoRoom):
                    raise
                except LadingError as error:
                    failed.append((ecosystem, error))
        if failed and not done:
            raise failed[0][1]
        return Updated(tuple(done), tuple(failed))

    def _update_one(self, turn: Turn, ecosystem: str, report: Report, cancel: Cancel) -> Imported:
        downloads = self._downloads(report, cancel)
        updating = Updating(Bucket(self._schedule.url), turn, downloads, self._clock())
        with storing(turn.incoming):
            order = updating.order(ecosystem, self._standing(SOURCE_PREFIX + ecosystem), report)
        return self._imported(turn, order, report, cancel)

    def _standing(self, name: str) -> Standing | None:
        path = self._data / DATABASE
        with storing(path):
            connection = opened_to_read(path)
            if connection is None:
                return None
            with closing(connection):
                row = connection.execute("SELECT since, whole FROM source WHERE name = ?", (name,)).fetchone()
        return None if row is None else Standing(*row)

    def _imported(self, turn: Turn, order: Order, report: Report, cancel: Cancel) -> Imported:
        self._room()

        def told(count: int) -> None:
            report(f"Reading {order.name}: {count:,} files")

        tally = imported(turn, order, told, cancel)
        built = next((feed.built for feed in self.feeds() if feed.source == order.name), order.built)
        return Imported(order.name, tally.records, tally.new, tally.changed, tally.gone, tally.unread, built)

    def _downloads(self, report: Report, cancel: Cancel) -> Downloads:
        return Downloads(self._transport(), cancel, _Arriving(report, self._room))


class _Arriving:
    """Says how much has arrived, every STEP bytes, and sees whether there is room for more."""

    def __init__(self, report: Report, room: Callable[[], None]) -> None:
        self._report, self._room, self._count, self._told = report, room, 0, 0

    def __call__(self, count: int) -> None:
        self._count += count
        if self._count >= self._told + _STEP:
            self._told = self._count
            self._room()
            self._report(f"Downloaded {self._count // _MEGABYTE:,} MB")
