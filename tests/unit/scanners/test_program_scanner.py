"""One scan by a program: what it finds, and how each of its misdeeds ends."""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.inventory.fix_state import FixState
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.findings.scanner import ScanFailed, ScanProgress, ScanStage, ScanStatus
from tests.fakes import scanner_program
from tests.fakes.scanned_image import ScannedImage
from tests.unit.scanners.bench import Bench


def test_a_scan_finds_what_the_program_says(bench: Bench) -> None:
    result = bench.scan()

    [finding] = result.findings
    assert (result.scanner, result.status) == (bench.name, ScanStatus.OK)
    assert result.version == scanner_program.VERSIONS[bench.name]
    assert (finding.id, finding.aliases) == ("CVE-2099-0001", ("GHSA-aaaa-bbbb-cccc",))
    assert (finding.package, finding.version, finding.fixed_version) == ("demo", "2.0.1", "2.0.3")
    assert finding.severity == {"grype": Severity.HIGH, "trivy": Severity.CRITICAL}[bench.name]
    assert (finding.fix_state, finding.path, finding.type) == (FixState.FIXED, "app/METADATA", "pypi")
    assert (result.coverage.packages, result.coverage.matched) == (3, 3)
    assert result.coverage.distribution.startswith("debian 12")
    assert result.built == result.coverage.built[bench.name] == 1795136523.0
    assert bench.left() == []


def test_the_layer_of_a_finding_is_its_diff_id(grype: Bench) -> None:
    assert grype.scan().findings[0].layer == Digest.parse("sha256:" + "a" * 64)


def test_its_stages_are_told_and_never_go_back(bench: Bench) -> None:
    told: list[ScanProgress] = []

    bench.scan(report=told.append)

    stages = list(dict.fromkeys(each.stage for each in told))
    assert stages == [
        ScanStage.CHECKING,
        ScanStage.ANALYZING,
        ScanStage.MATCHING,
        ScanStage.PARSING,
        ScanStage.COMPLETE,
    ]
    assert [each.percent for each in told] == sorted(each.percent for each in told)
    assert {each.scanner for each in told} == {bench.name}


def test_it_knows_no_secret_of_ours_and_its_way_out(bench: Bench) -> None:
    bench.scan()

    for called in scanner_program.calls(bench.programs):
        environment = called["environment"]
        assert isinstance(environment, dict)
        assert bench.secret not in json.dumps(called)
        assert environment["HTTPS_PROXY"] == "http://user:word@proxy.test:3128"
        assert environment["no_proxy"] == "corp.test"
        assert str(called["input"]) in {"/dev/null", ""}
        for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "DOCKER_CONFIG"):
            assert Path(environment[name]).is_relative_to(bench.rooms)
        assert Path(str(called["folder"])).is_relative_to(bench.rooms)


def test_a_scan_asks_for_no_download(bench: Bench) -> None:
    bench.scan()

    called = scanner_program.calls(bench.programs)[-1]
    arguments, environment = called["arguments"], called["environment"]
    assert isinstance(arguments, list)
    assert isinstance(environment, dict)
    if bench.name == "trivy":
        assert {"--skip-db-update", "--skip-java-db-update", "--offline-scan"} < set(arguments)
        assert environment["TRIVY_CACHE_BACKEND"] == "memory"
        assert not any(":" in each or "@" in each for each in arguments[arguments.index("--input") + 1 :][:1])
    else:
        assert environment["GRYPE_DB_AUTO_UPDATE"] == environment["GRYPE_DB_VALIDATE_AGE"] == "false"
        assert environment["GRYPE_EXTERNAL_SOURCES_ENABLE"] == "false"


@pytest.mark.parametrize(
    ("play", "reason"),
    [
        ("truncates", "its report cannot be read: it is cut off, or no JSON"),
        ("empty", "its report cannot be read: it is empty"),
        ("no report", "its report cannot be read: it wrote none"),
        ("other", "its report cannot be read: it is no JSON object"),
        ("partial", "it ended with 1: [0003] ERROR image scan error: no space left on device"),
    ],
)
def test_no_result_is_made_of_a_failed_scan(bench: Bench, play: str, reason: str) -> None:
    with pytest.raises(ScanFailed) as raised:
        bench.scan(play)

    assert (raised.value.scanner, raised.value.reason) == (bench.name, reason)
    assert bench.left() == []


def test_one_that_crashes_has_no_result(grype: Bench) -> None:
    with pytest.raises(ScanFailed, match="it was killed by signal 11: "):
        grype.scan("killed")


@pytest.mark.parametrize("play", ["log first", "no text", "old database"])
def test_what_is_odd_and_whole_is_read(bench: Bench, play: str) -> None:
    result = bench.scan(play)

    assert [finding.id for finding in result.findings] == ["CVE-2099-0001"]
    assert result.findings[0].description.isprintable()


def test_a_threshold_of_grype_is_no_failure(grype: Bench) -> None:
    assert len(grype.scan("threshold").findings) == 1


def test_forty_megabytes_are_read(grype: Bench) -> None:
    assert len(grype.scan("large").findings) > 40_000_000 // 5000


@pytest.mark.parametrize("play", ["hangs", "ignores", "floods"])
def test_who_does_not_end_is_ended(bench: Bench, play: str) -> None:
    bench.seconds = 0.2

    with pytest.raises(ScanFailed, match=r"did not end within 0\.2 s") as raised:
        bench.scan(play)

    assert "\x1b" not in str(raised.value)
    assert bench.left() == []


@pytest.mark.parametrize("play", ["hangs", "ignores", "floods"])
def test_a_cancel_ends_it(grype: Bench, play: str) -> None:
    cancel = Cancellation()

    def told(progress: ScanProgress) -> None:
        if progress.stage is ScanStage.MATCHING:
            cancel.cancel()

    scanner, image = grype.ready(play), ScannedImage.of(grype.folder)
    with pytest.raises(Cancelled):
        scanner.scan(image, told, cancel)

    assert grype.left() == []


@pytest.fixture
def left_process(bench: Bench) -> Iterator[Callable[[], int]]:
    """The number of what the program left behind; gone in the end."""
    path = bench.programs / "left.pid"
    yield lambda: int(path.read_text())
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(path.read_text()), signal.SIGKILL)


def test_what_it_leaves_running_is_killed(bench: Bench, left_process: Callable[[], int]) -> None:
    result = bench.scan("leaves one behind")

    assert result.status is ScanStatus.OK
    assert ends(left_process())


def test_one_that_fled_its_group_holds_up_nobody(bench: Bench, left_process: Callable[[], int]) -> None:
    result = bench.scan("leaves one that fled")

    assert result.status is ScanStatus.OK
    assert runs(left_process())
    assert bench.left() == []


def ends(number: int) -> bool:
    """Whether it is gone, or goes within half a minute: a signal that was sent is not yet a process that has ended."""
    try:
        process = os.pidfd_open(number)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 30)[0])
    finally:
        os.close(process)


def runs(number: int) -> bool:
    """Whether it is there and no mere zombie."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_without_room_for_what_it_unpacks_it_is_not_begun(bench: Bench) -> None:
    bench.free = lambda _: 64 * 1024 * 1024

    with pytest.raises(ScanFailed, match="unpacking the image may take"):
        bench.scan()


def test_a_scan_that_fills_the_disk_is_stopped(bench: Bench) -> None:
    bench.free = lambda folder: 1000 if (folder / "layout").is_symlink() else 10**12

    with pytest.raises(ScanFailed, match="only 1000 bytes are free"):
        bench.scan("hangs")

    assert bench.left() == []
