"""Scans over a real embedded engine and a real database, with scanners that say what a test wants."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lading.backends.database.service_database import open_service_database
from lading.backends.scanners.layout import image_layout
from lading.inventory.layer import ImageInventory, LayerInventory
from lading.inventory.severity import Severity
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.clocks import Clocks
from lading.services.content.stores import Readable
from lading.services.findings.scanner import (
    Coverage,
    Finding,
    ImageView,
    Probe,
    ScanProgress,
    ScanReport,
    ScanResult,
    ScanStage,
    ScanStatus,
)
from lading.services.inventories.host_views import AtHost
from lading.services.inventories.image_views import ImageViews
from lading.services.inventories.inventories import ReadReport
from lading.services.jobs.job import JsonObject
from lading.services.running.jobs import Jobs
from lading.services.scans.jobs import ScanJobs
from lading.services.scans.lists import ScanLists
from lading.services.scans.on_pull import ScanOnPull
from lading.services.scans.scanner_choice import ScannerChoice
from lading.services.scans.scanner_settings import ScannerSettings
from lading.services.scans.scans import Scans
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Event
from tests.fakes.embedded import AMD64, Embedded, embedded
from tests.fakes.environment_bench import Bench
from tests.fakes.records import Clock

OPENSSL = Finding("CVE-2099-0001", Severity.HIGH, "openssl", "1.1.1", "1.1.1w", "Buffer overflow")
ZLIB = Finding("CVE-2099-0002", Severity.LOW, "zlib", "1.2")


class PlayedScanner:
    """Says what it is told to say, of every image; `seen` are the views it looked at."""

    def __init__(self, name: str, *findings: Finding) -> None:
        self._name, self.findings = name, findings
        self.version, self.built, self.available = "1", 1.7e9, True
        self.error: Exception | None = None
        self.status = ScanStatus.OK
        self.coverage = Coverage("Debian 12", 142, 142)
        self.steps = (ScanProgress(ScanStage.ANALYZING, "Analyzing image layers", 45),)
        self.seen: list[ImageView] = []
        self.during: Callable[[ImageView], None] = lambda _: None

    @property
    def name(self) -> str:
        return self._name

    def probe(self, cancel: Cancel) -> Probe:
        return Probe(self.available, self.version, self.built, "" if self.available else "it is not there")

    def scan(self, view: ImageView, report: ScanReport, cancel: Cancel) -> ScanResult:
        self.seen.append(view)
        for step in self.steps:
            report(step)
        self.during(view)
        if self.error is not None:
            raise self.error
        return ScanResult(
            self._name, self.version, self.status, 1000.0, 8.5, tuple(self.findings), self.coverage, self.built
        )


class PlayedInventories:
    """Fulfils Inventories: nothing is read, and what was asked for is remembered."""

    def __init__(self) -> None:
        self.begun: list[Digest] = []
        self.images: dict[Digest, ImageInventory] = {}
        self.found: ImageInventory | None = None
        """What every other image holds."""
        self.kept_layers: frozenset[Digest] = frozenset()
        self.stayed: frozenset[Digest] = frozenset()

    def image(self, view: ImageView, report: ReadReport, cancel: Cancel) -> ImageInventory:
        found = self.images.get(view.config, self.found)
        assert found is not None
        return found

    def kept(self, config: Digest) -> ImageInventory | None:
        return self.images.get(config)

    def layer(self, diff_id: Digest | None, reader: Reader, cancel: Cancel, size: int | None = None) -> LayerInventory:
        raise AssertionError("nobody asks for one layer here")

    def ahead(self, descriptor: Descriptor, diff_id: Digest | None, open: Callable[[], Reader]) -> None:  # noqa: A002
        open().close()
        self.begun.append(descriptor.digest)

    def known(self, diff_ids: Iterable[Digest]) -> frozenset[Digest]:
        return self.kept_layers & set(diff_ids)

    def forget(self, keep: Collection[Digest]) -> None:
        self.stayed = frozenset(keep)


@dataclass
class Heard:
    """Fulfils Telling."""

    lines: list[Mapping[str, object]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    taken_up: bool = False

    def line(self, data: JsonObject) -> None:
        self.lines.append(data)

    def event(self, event: Event) -> None:
        self.events.append(event)

    @property
    def statuses(self) -> list[object]:
        return [line["status"] for line in self.lines]

    @property
    def results(self) -> list[Any]:  # JSON objects
        """Of the last line."""
        found = self.lines[-1]["results"]
        assert isinstance(found, list)
        return found


class MemorySettings:
    """Fulfils SettingRecords."""

    def __init__(self) -> None:
        self.kept: dict[str, object] = {}

    def settings(self) -> Mapping[str, object]:
        return dict(self.kept)

    def setting(self, key: str) -> object:
        return self.kept.get(key)

    def put_setting(self, key: str, value: object) -> None:
        self.kept[key] = value

    def add_setting(self, key: str, value: object) -> object:
        return self.kept.setdefault(key, value)

    def remove_setting(self, key: str) -> bool:
        return self.kept.pop(key, None) is not None


class ScanBench(Bench):
    """All services of scans; the environment with the id 1 is our own engine, and has the scanner osv."""

    def __init__(self, folder: Path, own: Embedded, stack: ExitStack) -> None:
        super().__init__(own.environment)
        self.own = own
        database = open_service_database(folder / "service.db", time.time)
        stack.callback(database.close)
        self.scans_kept = database.scans
        self.osv, self.grype, self.trivy = (
            PlayedScanner("osv", OPENSSL, ZLIB),
            PlayedScanner("grype", OPENSSL),
            PlayedScanner("trivy", OPENSSL, ZLIB),
        )
        self.clock = Clock()
        clocks = Clocks(self.clock, self.clock)
        self.inventories = PlayedInventories()
        self.choice = ScannerChoice({each.name: each for each in (self.osv, self.grype, self.trivy)}, clocks)
        self.settings_kept = MemorySettings()
        self.settings = ScannerSettings(self.records, self.settings_kept, self.choice, self.trail)
        store = own.places.local()
        self.views = ImageViews(
            lambda: store.own,
            lambda: own.names,
            AMD64,
            content=no_host,
            layouts=lambda parts: image_layout(parts, folder / "layouts"),
            known=self.inventories.known,
        )
        self.scans = Scans(
            self.scans_kept,
            self.choice,
            self.views,
            self.environments,
            inventories=self.inventories,
            clocks=clocks,
        )
        self.on_pull = ScanOnPull(self.scans, self.settings, lambda: store.own, self.trail, clocks)
        self.lists = ScanLists(self.scans_kept, self.environments, self.trail)
        self.settings_kept.put_setting("scanner", "osv")

    def jobs(self, jobs: Jobs) -> ScanJobs:
        return ScanJobs(self.scans, self.settings, self.environments, jobs, self.clock)


def no_host(wanted: AtHost, known: Collection[Digest], cancel: Cancel) -> AbstractContextManager[Readable]:
    raise AssertionError("no Docker host here")


@contextmanager
def scan_bench(folder: Path) -> Iterator[ScanBench]:
    """Closed again at the end."""
    with embedded(folder / "own") as own, ExitStack() as stack:
        yield ScanBench(folder, own, stack)
