"""What a scan tells, and how often."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.severity import Severity
from lading.services.findings.scanner import Coverage, Finding, ScanProgress, ScanResult, ScanStage, ScanStatus, counted
from lading.services.scans.events import MOST_A_SECOND, ScanEvents
from lading.services.scans.json import scanned_json
from lading.services.scans.words import coverage_text, outcome_text
from tests.fakes.records import Clock
from tests.fakes.scan_bench import OPENSSL, ZLIB, Heard

RESULT = ScanResult("grype", "0.116.0", ScanStatus.OK, 1709548200.0, 8.5, (OPENSSL, ZLIB), Coverage("", 142, 142))
FAILED = replace(RESULT, status=ScanStatus.FAILED, findings=(), error="it was killed")
STAGES = [stage for stage in ScanStage if stage is not ScanStage.COMPLETE]


def test_the_events_are_those_of_the_mission() -> None:
    heard, clock = Heard(), Clock()
    events = ScanEvents(heard.line, clock)

    events.begin()
    events.progress(ScanProgress(ScanStage.ANALYZING, "Analyzing image layers", 45))
    events.progress(ScanProgress(ScanStage.COMPLETE, "Done", 100))
    events.complete([RESULT], [scanned_json("sha256:abc123", "nginx:latest", RESULT)])

    assert heard.lines[:2] == [
        {"status": "scanning", "message": "Starting vulnerability scan..."},
        {"status": "scan-progress", "stage": "analyzing", "message": "Analyzing image layers", "progress": 45},
    ]
    (complete,) = heard.lines[2:]
    assert list(complete) == ["status", "message", "results"]
    assert (complete["status"], complete["message"]) == ("scan-complete", "Scan complete - found 2 vulnerabilities")
    (result,) = heard.results
    assert list(result)[:7] == [
        "imageId", "imageName", "scanner", "scannedAt", "scanDuration", "summary", "vulnerabilities",
    ]  # fmt: skip
    assert result["imageId"] == "sha256:abc123"
    assert (result["scanner"], result["scannedAt"], result["scanDuration"]) == (
        "grype", "2024-03-04T10:30:00.000Z", 8500,
    )  # fmt: skip
    assert result["summary"] == {"critical": 0, "high": 1, "medium": 0, "low": 1, "negligible": 0, "unknown": 0}
    assert result["vulnerabilities"][0] == {
        "id": "CVE-2099-0001",
        "severity": "high",
        "package": "openssl",
        "version": "1.1.1",
        "fixedVersion": "1.1.1w",
        "description": "Buffer overflow",
        "fixState": "unknown",
    }
    assert "fixedVersion" not in result["vulnerabilities"][1]


@given(
    st.lists(
        st.tuples(st.sampled_from(STAGES), st.integers(-5, 130), st.floats(0, 0.6)),
        max_size=80,
    )
)
def test_progress_never_goes_back_and_is_told_four_times_a_second_at_most(
    steps: list[tuple[ScanStage, int, float]],
) -> None:
    clock, told = Clock(), []
    events = ScanEvents(lambda line: told.append((clock(), line["progress"])), clock)

    for stage, percent, seconds in steps:
        clock.advance(seconds)
        events.progress(ScanProgress(stage, "", percent))

    percents = [percent for _, percent in told]
    assert percents == sorted(percents)  # type: ignore[type-var]  # numbers
    assert all(0 <= percent <= 100 for percent in percents)  # type: ignore[operator]
    for at, _ in told:
        assert sum(at <= other < at + 1 for other, _ in told) <= MOST_A_SECOND


def test_nothing_is_told_after_the_end() -> None:
    heard = Heard()
    events = ScanEvents(heard.line, Clock())
    events.complete([RESULT], [])

    events.progress(ScanProgress(ScanStage.ANALYZING, "", 50))

    assert heard.statuses == ["scan-complete"]


@pytest.mark.parametrize(
    ("results", "text"),
    [
        ([RESULT], "Scan complete - found 2 vulnerabilities"),
        ([replace(RESULT, findings=())], "Scan complete - found 0 vulnerabilities"),
        ([replace(RESULT, scanner="trivy", findings=(OPENSSL,)), RESULT], "Scan complete - found 2 vulnerabilities"),
        ([FAILED, RESULT], "Scan complete - found 2 vulnerabilities"),
        ([FAILED], "Scan failed - it was killed"),
        ([FAILED, replace(FAILED, error="another")], "Scan failed - it was killed; another"),
        ([], "Scan failed - no scanner ran"),
        ([replace(FAILED, status=ScanStatus.SKIPPED, error="it is no image")], "Scan skipped - it is no image"),
        (
            [replace(RESULT, findings=(), status=ScanStatus.PARTIAL, coverage=Coverage("", 9, 7, 0, {"gem": 2}))],
            "Scan complete - found 0 vulnerabilities, 2 of 9 packages not assessed",
        ),
        ([replace(RESULT, findings=(replace(OPENSSL, suppressed_by="1"),))], "Scan complete - found 0 vulnerabilities"),
    ],
)
def test_the_outcome_in_words(results: list[ScanResult], text: str) -> None:
    assert outcome_text(results) == text


def test_a_failed_scan_counts_nothing() -> None:
    told = scanned_json("sha256:1", "a:1", FAILED)

    assert (told["status"], told["summary"], told["vulnerabilities"]) == ("failed", None, [])
    assert told["message"] == "Scan failed - it was killed"


@given(st.lists(st.tuples(st.sampled_from(Severity), st.booleans()), max_size=20))
def test_the_summary_equals_the_list(severities: list[tuple[Severity, bool]]) -> None:
    findings = tuple(
        Finding(f"CVE-{number}", severity, "a", "1", suppressed_by="x" if hidden else None)
        for number, (severity, hidden) in enumerate(severities)
    )
    told = scanned_json("", "", replace(RESULT, findings=findings))

    listed = [each for each in told["vulnerabilities"] if "suppressedBy" not in each]  # type: ignore[attr-defined]
    assert told["summary"] == {
        severity.value: sum(each["severity"] == severity.value for each in listed) for severity in Severity
    }
    assert sum(counted(findings).values()) == len(listed)


@pytest.mark.parametrize(
    ("coverage", "built", "text"),
    [
        (Coverage("Debian 12", 142, 140, 2), 1.7e9, "142 of 142 packages (data of 2023-11-14)"),
        (Coverage("", 0), None, "0 of 0 packages"),
        (Coverage("", 1, 1, built={"PyPI": 1.7e9, "Go": 1.8e9}), 1.9e9, "1 of 1 packages (data of 2023-11-14)"),
        (Coverage("Amazon Linux 2023", 9, 0, 0, {"Amazon Linux 2023": 9}), 1.7e9, "Not assessed: Amazon Linux 2023"),
    ],
)
def test_coverage_in_words_never_calls_nothing_something(coverage: Coverage, built: float | None, text: str) -> None:
    assert coverage_text(coverage, built) == text


def test_what_is_no_time_is_not_told() -> None:
    odd = replace(
        RESULT,
        built=float("nan"),
        findings=(replace(OPENSSL, published=1e300),),
        coverage=Coverage("", 1, 1, built={"x": -1e300}),
    )

    told = scanned_json("", "", odd)

    assert told["dbVersion"] is None
    assert told["coverage"]["built"] == {"x": None}  # type: ignore[index]  # a JSON object
    assert "publishedAt" not in told["vulnerabilities"][0]  # type: ignore[index]
