from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, StorageFailed
from lading.inventory.fix_state import FixState
from lading.inventory.layer import ImageInventory, Installed
from lading.inventory.package import OsRelease, Package, PackageType
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.clocks import Clocks
from lading.services.findings.scanner import ImageView, ScanFailed, ScanProgress, ScanResult, ScanStage, ScanStatus
from lading.services.inventories.inventories import ReadReport
from lading.services.scans.osv_scanner import OsvScanner
from lading.wire.message import Cancel
from tests.fakes.advisories import BUILT, MemoryAdvisories, affecting, record
from tests.fakes.scan_bench import PlayedInventories
from tests.fakes.viewed_images import ViewedImage

LAYER = Digest.of(b"layer")
BOOKWORM = OsRelease("debian", "12", codename="bookworm")
JINJA = Installed(Package(PackageType.PYPI, "Jinja2", "2.10", "app/Jinja2-2.10.dist-info/METADATA"), LAYER)
CORE = Installed(Package(PackageType.NPM, "core", "7.0.0", "app/package.json", namespace="@babel"), LAYER)
BASH = Installed(Package(PackageType.DEB, "bash", "5.2-1", "var/lib/dpkg/status", architecture="amd64"), LAYER)
RECORDS = (
    record(
        "GHSA-aaaa-bbbb-cccc",
        affecting("PyPI", "jinja2", "introduced 0", "fixed 2.10.1"),
        aliases=["CVE-2099-0001"],
        summary="Sandbox escape",
        published="2026-10-01T00:00:00Z",
        severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        database_specific={"severity": "HIGH"},
    ),
    record("GHSA-dddd-eeee-ffff", affecting("npm", "@babel/core", "introduced 8.0.0", "fixed 8.1.0")),
    record("DEBIAN-CVE-2099-0002", affecting("Debian:12", "zlib", "introduced 0"), upstream=["CVE-2099-0002"]),
)


class ReadInventories(PlayedInventories):
    """One image of one list of packages, read in steps."""

    def __init__(self, *packages: Installed, release: OsRelease | None = BOOKWORM) -> None:
        super().__init__()
        self.inventory = ImageInventory(release, packages)

    def image(self, view: ImageView, report: ReadReport, cancel: Cancel) -> ImageInventory:
        for done in range(0, 1001, 10):
            cancel.check()
            report(done, 1000)
        return self.inventory


def scanner(inventories: PlayedInventories, lookup: MemoryAdvisories) -> OsvScanner:
    ticks = iter(range(100))
    return OsvScanner(inventories, lookup.opened, Clocks(lambda: BUILT + 1000, lambda: float(next(ticks))), "1.0")


def scanned(
    *packages: Installed, lookup: MemoryAdvisories | None = None, release: OsRelease | None = BOOKWORM
) -> ScanResult:
    inventories = ReadInventories(*packages, release=release)
    lookup = MemoryAdvisories(*RECORDS) if lookup is None else lookup
    return scanner(inventories, lookup).scan(ViewedImage(), lambda _: None, Cancellation())


def test_a_finding_says_what_and_where() -> None:
    result = scanned(BASH, CORE, JINJA)

    (finding,) = result.findings
    assert (finding.id, finding.aliases, finding.severity) == ("CVE-2099-0001", ("GHSA-aaaa-bbbb-cccc",), Severity.HIGH)
    assert (finding.package, finding.version, finding.fixed_version) == ("Jinja2", "2.10", "2.10.1")
    assert (finding.fix_state, finding.cvss, finding.description) == (FixState.FIXED, 9.8, "Sandbox escape")
    assert (finding.type, finding.purl) == ("pypi", "pkg:pypi/jinja2@2.10")
    assert (finding.path, finding.layer) == ("app/Jinja2-2.10.dist-info/METADATA", LAYER)
    assert (finding.link, finding.published) == ("https://osv.dev/vulnerability/GHSA-aaaa-bbbb-cccc", 1790812800.0)
    assert finding.scanners == ("osv",)


def test_all_of_an_image_held_against_data_is_ok() -> None:
    result = scanned(BASH, CORE, JINJA)

    assert (result.status, result.started, result.duration, result.built) == (ScanStatus.OK, BUILT + 1000, 1.0, BUILT)
    assert (result.coverage.distribution, result.coverage.packages, result.coverage.matched) == ("Debian 12", 3, 3)
    assert result.coverage.built == {"Debian:12": BUILT, "PyPI": BUILT, "npm": BUILT}
    assert result.summary is not None
    assert result.summary[Severity.HIGH] == 1


def test_what_is_not_evaluated_makes_it_partial() -> None:
    result = scanned(BASH, JINJA, release=OsRelease("amzn", "2023"))

    assert result.status is ScanStatus.PARTIAL
    assert result.coverage.not_evaluated == {"deb: no feed": 1}
    assert "Amazon Linux 2023 has no feed" in result.coverage.notes[0]


def test_where_nothing_was_evaluated_there_are_no_counts() -> None:
    result = scanned(BASH, release=OsRelease("amzn", "2023"))

    assert (result.status, result.summary) == (ScanStatus.SKIPPED, None)
    assert result.error.startswith("Not assessed: Amazon Linux 2023 has no feed")


def test_where_no_package_is_recognised_nothing_was_evaluated() -> None:
    """As of a layer that cannot be read from its first byte on."""
    result = scanned()

    assert (result.status, result.summary) == (ScanStatus.SKIPPED, None)
    assert result.error == "No package was recognised in the image."


def test_without_advisories_no_layer_is_read() -> None:
    inventories = PlayedInventories()  # has no image to give

    result = scanner(inventories, MemoryAdvisories()).scan(ViewedImage(), lambda _: None, Cancellation())

    assert (result.status, result.summary) == (ScanStatus.SKIPPED, None)
    assert result.error == "Not assessed: no advisories are here yet."


def test_what_a_probe_says_is_what_a_result_has() -> None:
    asked = scanner(ReadInventories(JINJA), MemoryAdvisories(*RECORDS))
    probe = asked.probe(Cancellation())

    result = asked.scan(ViewedImage(), lambda _: None, Cancellation())

    assert probe.available
    assert (probe.version, probe.built) == (result.version, result.built)
    assert probe.version.startswith("1.0+")


def test_a_feed_more_is_another_version_of_the_data() -> None:
    fewer = scanner(ReadInventories(), MemoryAdvisories(RECORDS[0])).probe(Cancellation())
    more = scanner(ReadInventories(), MemoryAdvisories(*RECORDS)).probe(Cancellation())

    assert fewer.version != more.version


def test_a_probe_without_advisories_says_so() -> None:
    probe = scanner(ReadInventories(), MemoryAdvisories()).probe(Cancellation())

    assert (probe.available, probe.reason) == (False, "no advisories are here yet")


class Damaged(StorageFailed):
    def __str__(self) -> str:
        return "the file is damaged"


class DamagedAdvisories(MemoryAdvisories):
    """Sound when it is probed, and then not any more."""

    @contextmanager
    def opened(self) -> Iterator[MemoryAdvisories]:
        self.asked.append(("opened", ""))
        if len(self.asked) > 1:
            raise Damaged
        yield self


def test_damaged_advisories_fail_the_scan() -> None:
    with pytest.raises(ScanFailed, match="osv: the file is damaged"):
        scanned(JINJA, lookup=DamagedAdvisories(*RECORDS))


def test_damaged_advisories_are_told_by_the_probe() -> None:
    lookup = DamagedAdvisories(*RECORDS)
    lookup.asked.append(("opened", ""))

    assert scanner(ReadInventories(), lookup).probe(Cancellation()).reason == "the file is damaged"


def test_progress_goes_through_the_stages_and_never_back() -> None:
    told: list[ScanProgress] = []
    packages = [JINJA] * 3000

    scanner(ReadInventories(*packages), MemoryAdvisories(*RECORDS)).scan(ViewedImage(), told.append, Cancellation())

    percents = [progress.percent for progress in told]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)
    assert len(told) < 110
    stages = list(dict.fromkeys(progress.stage for progress in told))
    assert stages == [
        ScanStage.CHECKING,
        ScanStage.ANALYZING,
        ScanStage.MATCHING,
        ScanStage.PARSING,
        ScanStage.COMPLETE,
    ]
    assert {progress.scanner for progress in told} == {"osv"}


@pytest.mark.parametrize("stage", [ScanStage.CHECKING, ScanStage.ANALYZING, ScanStage.MATCHING])
def test_a_scan_is_stopped_where_it_stands(stage: ScanStage) -> None:
    cancel = Cancellation()

    def report(progress: ScanProgress) -> None:
        if progress.stage is stage:
            cancel.cancel()

    with pytest.raises(Cancelled):
        scanner(ReadInventories(JINJA, BASH), MemoryAdvisories(*RECORDS)).scan(ViewedImage(), report, cancel)
