"""The scan that a pull brings along: its events, and that it never fails the pull."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.findings.rows import Occasion, ScanRow, ScanSubject
from lading.services.findings.scanner import Finding, ImageView, ScanFailed, ScannerName, ScanResult, ScanStatus
from lading.services.inventories.stored_views import Unscannable
from lading.services.scans.json import LONGEST_TOLD, MOST_TOLD, told_json
from lading.services.scans.on_pull import Ahead, Pulled
from lading.wire.progress import Advanced, Event, Kind, Piece, Planned, State
from tests.fakes.environment_bench import ADMIN, CANCEL
from tests.fakes.scan_bench import OPENSSL, Heard, ScanBench, scan_bench

NAME = "registry.example/team/app:1"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ScanBench]:
    with scan_bench(tmp_path) as made:
        made.load(NAME)
        yield made


def pulled(bench: ScanBench, name: str = NAME) -> Pulled:
    return bench.on_pull.pulled(1, name, name, None, CANCEL)


def scan(bench: ScanBench, heard: Heard, scanner: ScannerName = ScannerName.OSV) -> list[ScanRow]:
    return list(bench.on_pull.scan(ADMIN, pulled(bench), scanner, heard, CANCEL))


def test_its_events_are_scanning_progress_and_complete(bench: ScanBench) -> None:
    heard = Heard()
    (row,) = scan(bench, heard)

    assert heard.statuses == ["scanning", "scan-progress", "scan-complete"]
    assert heard.lines[-1]["message"] == "Scan complete - found 2 vulnerabilities"
    (result,) = heard.results
    assert (result["id"], result["imageName"], result["status"]) == (row.id, NAME, "ok")
    assert bench.trail.said[-1] == ("scan", "done")


def test_nothing_is_told_where_nothing_scans(bench: ScanBench) -> None:
    heard = Heard()

    assert scan(bench, heard, ScannerName.NONE) == []
    assert heard.lines == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ScanFailed("osv", "it was killed"), "Scan failed - it was killed"),
        (ValueError("a mistake"), "Scan failed - Lading made a mistake"),
    ],
)
def test_a_scan_that_fails_says_so_and_raises_nothing(bench: ScanBench, error: Exception, text: str) -> None:
    bench.osv.error, heard = error, Heard()

    rows = scan(bench, heard)

    assert all(row.summary is None for row in rows)
    assert heard.lines[-1]["message"] == text
    (result,) = heard.results
    assert (result["status"], result["summary"], result["vulnerabilities"]) == ("failed", None, [])
    assert bench.trail.said[-1] == ("scan", "failed")


def test_an_image_that_cannot_be_opened_is_a_failed_scan(bench: ScanBench) -> None:
    heard = Heard()
    gone = pulled(bench, "registry.example/team/gone:1")

    assert bench.on_pull.scan(ADMIN, gone, ScannerName.OSV, heard, CANCEL) == ()
    assert str(heard.lines[-1]["message"]).startswith("Scan failed - ")


def test_who_cancels_the_pull_cancels_the_scan(bench: ScanBench) -> None:
    cancel, heard = Cancellation(), Heard()
    bench.osv.during = lambda _: cancel.cancel()
    bench.osv.error = Cancelled()

    with pytest.raises(Cancelled):
        bench.on_pull.scan(ADMIN, pulled(bench), ScannerName.OSV, heard, cancel)
    assert "scan-complete" not in heard.statuses


def test_the_environment_says_what_looks_and_the_caller_may_want_nothing(bench: ScanBench) -> None:
    row = bench.records.environments()[0]
    opened = bench.environments.open(ADMIN, None)
    assert bench.on_pull.scanner(opened, True) is ScannerName.OSV
    assert bench.on_pull.scanner(opened, False) is ScannerName.NONE

    bench.records.change_environment(row, replace(row, scanner=ScannerName.NONE))
    assert bench.on_pull.scanner(bench.environments.open(ADMIN, None), True) is ScannerName.NONE


def test_a_partial_result_is_no_failure(bench: ScanBench) -> None:
    bench.osv.status, heard = ScanStatus.PARTIAL, Heard()
    scan(bench, heard)

    assert bench.trail.said[-1] == ("scan", "done")


def test_layers_are_read_while_others_still_come(bench: ScanBench) -> None:
    """Those that just came, once; nothing else of the image, and nothing that was there."""
    with bench.scans.opened(1, NAME, None, CANCEL) as view:
        first = view.layers[0].descriptor
    assert first is not None
    told: list[Event] = []
    config = Piece("sha256:" + "c" * 64, Kind.CONFIG, 5)
    there = Piece("sha256:" + "e" * 64, Kind.LAYER, 5)
    ahead = Ahead(told.append, bench.inventories, bench.own.places.local().own)

    events: list[Event] = [
        Planned("t", (Piece(str(first.digest), Kind.LAYER, first.size), config, there)),
        Advanced("t", there.id, State.EXISTS, 5, 5),
        Advanced("t", str(first.digest), State.MOVING, 1, first.size),
        Advanced("t", config.id, State.DONE, 5, 5),
        Advanced("t", str(first.digest), State.DONE, first.size, first.size),
        Advanced("t", str(first.digest), State.DONE, first.size, first.size),
    ]
    for event in events:
        ahead(event)

    assert told == events
    assert bench.inventories.begun == [first.digest]


@pytest.mark.parametrize(("scanner", "reads"), [("osv", True), ("auto", True), ("grype", False), ("none", False)])
def test_only_our_own_scanner_has_layers_read_ahead(bench: ScanBench, scanner: str, reads: bool) -> None:
    def report(event: Event) -> None:
        """Nobody listens."""

    watched = bench.on_pull.watched(bench.environments.open(ADMIN, None), ScannerName(scanner), report)

    assert (watched is not report) is reads


def test_what_is_no_image_is_passed_over(bench: ScanBench) -> None:
    def opened() -> AbstractContextManager[ImageView]:
        raise Unscannable("charts/app:1")

    heard = Heard()
    chart = Pulled(1, "charts/app:1", [opened])

    assert bench.on_pull.scan(ADMIN, chart, ScannerName.OSV, heard, CANCEL) == ()
    assert heard.lines[-1]["message"] == "Scan skipped - charts/app:1 is no image, so there is nothing to scan"
    (result,) = heard.results
    assert (result["status"], result["summary"]) == ("skipped", None)


def test_long_descriptions_are_cut_in_events_and_kept_whole(bench: ScanBench) -> None:
    text = "Buffer overflow. " * 100
    bench.osv.findings, heard = (replace(OPENSSL, description=text),), Heard()
    (row,) = scan(bench, heard)

    (result,) = heard.results
    told = result["vulnerabilities"][0]["description"]
    assert len(told) == LONGEST_TOLD
    assert text.startswith(told[:-1])
    kept = bench.scans_kept.scan(row.id)
    assert kept is not None
    assert kept.result.findings[0].description == text


def test_of_very_many_findings_an_event_tells_the_worst(bench: ScanBench) -> None:
    """A line of hundreds of megabytes took longer to keep than its job was believed to be alive: it began again, and
    again."""
    many = [Finding(f"CVE-2099-{number}", Severity.LOW, "zlib", "1.2") for number in range(MOST_TOLD)]
    subject = ScanSubject(1, "sha256:a", "app:1", Digest.of(b"config"), None, "linux/amd64")
    result = ScanResult("osv", "1", ScanStatus.OK, 1000.0, 1.0, (*many, OPENSSL))
    row = ScanRow(1, subject, result, Occasion.PULL, result.summary)

    (told,) = told_json([row])
    assert len(told["vulnerabilities"]) == MOST_TOLD  # type: ignore[arg-type]  # a list
    assert told["vulnerabilities"][0]["id"] == OPENSSL.id  # type: ignore[index]
    assert told["leftOut"] == 1
    assert sum(told["summary"].values()) == MOST_TOLD + 1  # type: ignore[attr-defined]  # an object
    assert [each["leftOut"] for each in told_json([row, row])] == [1 + MOST_TOLD // 2] * 2
    assert "leftOut" not in told_json([replace(row, result=replace(result, findings=(OPENSSL,)))])[0]
