"""A scanner that is a program: services.findings.scanner.Scanner, and how its database is brought up to date.

A scan asks the network for nothing. One at a time runs of each scanner, in all processes that share its databases.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lading.backends.scanners.databases import Databases, Generation
from lading.backends.scanners.dialect import LAYOUT, REPORT, Dialect
from lading.backends.scanners.failures import storing
from lading.backends.scanners.layout_size import unpacked_bytes
from lading.backends.scanners.log_lines import nobody
from lading.backends.scanners.program import FLOOR, OUTPUT, Call, Ended, Program
from lading.backends.scanners.report_reading import Object, Report, ReportUnreadable, read_document
from lading.backends.scanners.rooms import Room, room
from lading.backends.scanners.scan_stages import Stages
from lading.errors import Cancelled, LadingError, StorageFailed, TimedOut
from lading.services.clocks import Clocks
from lading.services.findings.scanner import (
    ImageView,
    Probe,
    ScanFailed,
    ScanProgress,
    ScanReport,
    ScanResult,
    ScanStage,
    ScanStatus,
)
from lading.wire.message import Cancel

PROBE_SECONDS = 20.0
"""How long a program may take to say its version."""

REMEMBERED_SECONDS = 60.0
"""How long what it said holds, while its file is the same."""

UPDATE_SECONDS = 600.0
"""How long one step of an update may take: half a gigabyte at a megabyte a second."""

_SECONDS_A_GIGABYTE = 60.0
"""What a scan may take longer for each gigabyte to unpack."""


@dataclass(frozen=True, slots=True)
class Places:
    """`rooms`: where programs run, best beside our content; `cache`: where databases are kept."""

    rooms: Path
    cache: Path


class ProgramScanner:
    """Fulfils Scanner, and services.scans.scanner_updates.Updatable; for any number of threads. `seconds` is how long a
    scan may take; that of a large image may take longer."""

    def __init__(self, dialect: Dialect, program: Program, places: Places, seconds: float, clocks: Clocks) -> None:
        self._dialect, self._program, self._rooms = dialect, program, places.rooms
        self._databases = Databases(places.cache, dialect.name)
        self._seconds, self._clocks = seconds, clocks
        self._lock = threading.Lock()
        self._remembered: _Remembered | None = None

    @property
    def name(self) -> str:
        return self._dialect.name

    def probe(self, cancel: Cancel) -> Probe:
        try:
            version, database = self._version(cancel), self._databases.newest()
        except (ScanFailed, StorageFailed) as error:
            return Probe(available=False, reason=error.reason if isinstance(error, ScanFailed) else str(error))
        if database is None:
            return Probe(available=False, version=version, reason=self._no_database)
        return Probe(available=True, version=version, built=database.built)

    def scan(self, view: ImageView, report: ScanReport, cancel: Cancel) -> ScanResult:
        try:
            return self._scanned(view, report, cancel)
        except (ScanFailed, Cancelled, TimedOut):
            raise
        except LadingError as error:  # of our own content and folders
            raise self._failed(str(error)) from error

    def _scanned(self, view: ImageView, report: ScanReport, cancel: Cancel) -> ScanResult:
        started, begun = self._clocks.wall(), self._clocks.steady()
        stages = Stages(self.name, report)
        stages.at(ScanStage.CHECKING, f"Looking at {self.name}")
        version = self._version(cancel)
        waiting = partial(stages.at, ScanStage.CHECKING, f"Waiting for another scan by {self.name}")
        with self._databases.scanning(cancel, waiting), self._databases.used() as database:
            if database is None:
                raise self._failed(self._no_database)
            found = self._found(view, database, stages, cancel)
        stages.at(ScanStage.COMPLETE, f"{self.name} has scanned the image")
        built = database.built if found.built is None else found.built
        return ScanResult(
            self.name,
            found.version or version,
            ScanStatus.PARTIAL if found.partial else ScanStatus.OK,
            started,
            self._clocks.steady() - begun,
            found.findings,
            replace(found.coverage, built={self.name: built}),
            built,
        )

    def update(self, report: ScanReport, cancel: Cancel) -> bool:
        """Fetches the newest database; False where we have it. Raises ScanFailed, Cancelled, FolderUnusable."""

        def tell(message: str) -> None:
            report(ScanProgress(ScanStage.UPDATING, message, 0, self.name))

        version = self._version(cancel)
        waiting = partial(tell, "Waiting for another update of its database")
        with self._databases.updating(cancel, waiting), room(self._rooms) as own:
            current, fresh = self._databases.newest(), self._databases.fresh()
            running = _InRoom(self._program, own, cancel, tell)
            path = None if current is None else current.path
            built = self._dialect.update(running, fresh, path, self._clocks.wall())
            if built is not None:
                self._databases.install(fresh, built, version)
            return built is not None

    def _found(self, view: ImageView, database: Generation, stages: Stages, cancel: Cancel) -> Report:
        """Raises ScanFailed, Cancelled."""
        listener = self._dialect.listener()
        with view.layout() as layout, room(self._rooms) as own:
            size = unpacked_bytes(layout)
            self._check_free(own.path, size)
            with storing(own.path):
                (own.path / LAYOUT).symlink_to(layout)
            seconds = self._seconds + _SECONDS_A_GIGABYTE * size / 1e9
            stages.at(ScanStage.ANALYZING, f"{self.name} reads the image")
            call = Call(
                self._dialect.scan_arguments(database.path, seconds),
                self._dialect.own(database.path),
                seconds,
                lambda line: stages.hinted(listener.heard(line)),
                stages.ticked,
            )
            ended = self._program.run(call, own, cancel)
            if not self._dialect.accepts(ended.code):
                raise self._failed(_why_ended(ended))
            stages.at(ScanStage.PARSING, f"Reading what {self.name} found")
            try:
                return listener.read(read_document(own.path / REPORT))
            except ReportUnreadable as error:
                raise self._failed(f"its report cannot be read: {error}") from error

    def _check_free(self, folder: Path, size: int) -> None:
        """Raises ScanFailed."""
        free = self._program.free(folder)
        if free < size + FLOOR:
            raise self._failed(f"unpacking the image may take {size} bytes, and only {free} are free")

    def _version(self, cancel: Cancel) -> str:
        """Raises ScanFailed, Cancelled, FolderUnusable."""
        path = self._program.found()
        with storing(Path(path)):
            status = os.stat(path)
        identity = (path, status.st_mtime_ns, status.st_size)
        now = self._clocks.steady()
        with self._lock:
            known = self._remembered
        if known is None or known.identity != identity or now - known.at >= REMEMBERED_SECONDS:
            known = _Remembered(identity, now, *self._asked(cancel))
            with self._lock:
                self._remembered = known
        if known.refusal:
            raise self._failed(known.refusal)
        return known.version

    def _asked(self, cancel: Cancel) -> tuple[str, str]:
        """Its version, or why it cannot be used. Raises Cancelled, FolderUnusable."""
        try:
            with room(self._rooms) as own:
                running = _InRoom(self._program, own, cancel, nobody, PROBE_SECONDS)
                ended = running(self._dialect.version_arguments, {})
                if ended.code != 0:
                    return "", f"it does not say its version: {_why_ended(ended)}"
                version = self._dialect.version(running.document())
        except ScanFailed as error:
            return "", error.reason
        return version, self._dialect.refusal(version) if version else "it does not say its version"

    @property
    def _no_database(self) -> str:
        return f"it has no database yet; lading advisories update --scanner {self.name} fetches it"

    def _failed(self, reason: str) -> ScanFailed:
        return ScanFailed(self.name, reason)


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What the program of this identity said `at` this steady time."""

    identity: tuple[str, int, int]
    at: float
    version: str
    refusal: str


@dataclass(frozen=True, slots=True)
class _InRoom:
    """Fulfils Running."""

    program: Program
    room: Room
    cancel: Cancel
    tell: Callable[[str], None]
    seconds: float = UPDATE_SECONDS

    def __call__(self, arguments: Sequence[str], own: Mapping[str, str]) -> Ended:
        return self.program.run(Call(arguments, own, self.seconds), self.room, self.cancel)

    def document(self) -> Object:
        try:
            return read_document(self.room.path / OUTPUT)
        except ReportUnreadable as error:
            raise ScanFailed(self.program.name, f"its answer cannot be read: {error}") from error


def _why_ended(ended: Ended) -> str:
    how = f"it was killed by signal {-ended.code}" if ended.code < 0 else f"it ended with {ended.code}"
    return f"{how}: {ended.said}" if ended.said else how
