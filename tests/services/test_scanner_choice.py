"""Which scanners a choice means, what becomes of one that fails, and how far several are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, StorageFailed
from lading.services.clocks import Clocks
from lading.services.findings.scanner import (
    ImageView,
    Probe,
    ScanFailed,
    ScannerName,
    ScanProgress,
    ScanReport,
    ScanResult,
    ScanStage,
    ScanStatus,
)
from lading.services.scans.scanner_choice import ScannerChoice, share
from lading.wire.message import Cancel
from tests.fakes.scanned_image import ScannedImage


@dataclass
class Played:
    """A scanner that does as it is told."""

    name: str
    available: bool = True
    error: Exception | None = None
    scans: list[str] = field(default_factory=list)

    def probe(self, cancel: Cancel) -> Probe:
        cancel.check()
        return Probe(self.available, "1", reason="" if self.available else "it is not installed")

    def scan(self, view: ImageView, report: ScanReport, cancel: Cancel) -> ScanResult:
        cancel.check()
        self.scans.append(view.name)
        report(ScanProgress(ScanStage.ANALYZING, "half", 50, self.name))
        if self.error is not None:
            raise self.error
        report(ScanProgress(ScanStage.COMPLETE, "all", 100, self.name))
        return ScanResult(self.name, "1", ScanStatus.OK, 5.0, 1.0)


@pytest.fixture
def view(tmp_path: Path) -> ScannedImage:
    return ScannedImage.of(tmp_path)


def choice(**sound: bool) -> ScannerChoice:
    return ScannerChoice({name: Played(name, available) for name, available in sound.items()}, CLOCKS)


CLOCKS = Clocks(lambda: 5.0, lambda: 1.0)
ALL: dict[str, bool] = {"osv": True, "grype": True, "trivy": True}


@pytest.mark.parametrize(
    ("name", "sound", "meant"),
    [
        (ScannerName.NONE, ALL, []),
        (ScannerName.OSV, ALL, ["osv"]),
        (ScannerName.GRYPE, ALL | {"grype": False}, ["grype"]),
        (ScannerName.BOTH, ALL, ["grype", "trivy"]),
        (ScannerName.BOTH, ALL | {"trivy": False}, ["grype", "trivy"]),
        (ScannerName.AUTO, ALL, ["grype"]),
        (ScannerName.AUTO, ALL | {"grype": False}, ["trivy"]),
        (ScannerName.AUTO, ALL | {"grype": False, "trivy": False}, ["osv"]),
        (ScannerName.AUTO, {"osv": False, "grype": False, "trivy": False}, ["osv"]),
        (ScannerName.AUTO, {}, []),
    ],
)
def test_a_choice_means(name: ScannerName, sound: Mapping[str, bool], meant: list[str]) -> None:
    assert [scanner.name for scanner in choice(**sound).of(name, Cancellation())] == meant


def test_probes_are_of_all(view: ScannedImage) -> None:
    probes = choice(osv=True, grype=False).probes(Cancellation())

    assert {name: probe.available for name, probe in probes.items()} == {"grype": False, "osv": True}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ScanFailed("trivy", "it ended with 1"), "it ended with 1"),
        (StorageFailed("x"), "x"),
    ],
)
def test_one_that_fails_has_a_failed_result(view: ScannedImage, error: Exception, reason: str) -> None:
    scanners = {"grype": Played("grype"), "trivy": Played("trivy", error=error)}

    results = ScannerChoice(scanners, CLOCKS).scan(ScannerName.BOTH, view, lambda _: None, Cancellation())

    assert [(each.scanner, each.status, each.error) for each in results] == [
        ("grype", ScanStatus.OK, ""),
        ("trivy", ScanStatus.FAILED, reason),
    ]
    assert results[1].summary is None


def test_a_cancel_is_no_result(view: ScannedImage) -> None:
    cancel = Cancellation()
    cancel.cancel()

    with pytest.raises(Cancelled):
        choice(**ALL).scan(ScannerName.OSV, view, lambda _: None, cancel)


def test_two_are_told_as_one_that_never_goes_back(view: ScannedImage) -> None:
    told: list[ScanProgress] = []

    choice(**ALL).scan(ScannerName.BOTH, view, told.append, Cancellation())

    assert [(each.scanner, each.stage.value, each.percent) for each in told] == [
        ("grype", "analyzing", 25),
        ("grype", "parsing", 50),
        ("trivy", "analyzing", 75),
        ("trivy", "complete", 100),
    ]


def test_percents_beyond_the_scale_do_not_leave_it() -> None:
    told: list[int] = []
    report = share(lambda progress: told.append(progress.percent), 0, 2)

    for percent in (-5, 30, 20, 500):
        report(ScanProgress(ScanStage.ANALYZING, "", percent))

    assert told == [0, 15, 15, 50]
