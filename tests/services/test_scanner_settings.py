"""Which scanner looks where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.services.access import Denied
from lading.services.findings.scanner import ScannerName
from lading.services.named_rows import RowUnknown
from lading.services.scans.scanner_settings import ScannerUnknown, ScannerUnsaid, scanner_named
from tests.fakes.environment_bench import ADMIN, CANCEL, actor
from tests.fakes.scan_bench import ScanBench, scan_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ScanBench]:
    with scan_bench(tmp_path) as made:
        yield made


def test_nothing_looks_until_somebody_chooses(bench: ScanBench) -> None:
    bench.settings_kept.kept.clear()

    assert bench.settings.chosen(None) is ScannerName.NONE
    bench.settings_kept.kept["scanner"] = {"odd": "row"}
    assert bench.settings.chosen(None) is ScannerName.NONE


def test_an_environment_follows_the_one_for_all_until_it_has_its_own(bench: ScanBench) -> None:
    bench.settings.put(ADMIN, None, ScannerName.GRYPE)
    found = bench.settings.get(ADMIN, 1, CANCEL)
    assert (found.scanner, found.inherited) == (ScannerName.GRYPE, True)

    bench.settings.put(ADMIN, 1, ScannerName.NONE)
    found = bench.settings.get(ADMIN, 1, CANCEL)
    assert (found.scanner, found.inherited) == (ScannerName.NONE, False)
    assert bench.settings.get(ADMIN, None, CANCEL).scanner is ScannerName.GRYPE

    bench.settings.put(ADMIN, 1, None)
    assert bench.settings.get(ADMIN, 1, CANCEL).inherited
    assert bench.trail.said == [("update", "done")] * 3


def test_it_says_which_scanners_can_work(bench: ScanBench) -> None:
    bench.grype.available = False

    probes = bench.settings.get(ADMIN, None, CANCEL).probes

    assert {name: probe.available for name, probe in probes.items()} == {"grype": False, "osv": True, "trivy": True}


def test_who_may_choose(bench: ScanBench) -> None:
    everywhere = actor("settings:edit", "scans:view")
    here = actor("environments:edit", "scans:view", environments={1})

    bench.settings.put(everywhere, None, ScannerName.AUTO)
    bench.settings.put(here, 1, ScannerName.AUTO)
    with pytest.raises(Denied):
        bench.settings.put(here, None, ScannerName.AUTO)
    with pytest.raises(Denied):
        bench.settings.put(everywhere, 1, ScannerName.AUTO)
    with pytest.raises(Denied):
        bench.settings.get(actor("images:pull"), None, CANCEL)


def test_what_cannot_be_chosen(bench: ScanBench) -> None:
    with pytest.raises(ScannerUnsaid):
        bench.settings.put(ADMIN, None, None)
    with pytest.raises(RowUnknown):
        bench.settings.put(ADMIN, 99, ScannerName.OSV)
    with pytest.raises(ScannerUnknown):
        scanner_named("clam")
    assert scanner_named(None) is None
