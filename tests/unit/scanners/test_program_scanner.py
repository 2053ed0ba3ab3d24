"""Scanners that are programs: what they find, and how each of their misdeeds ends."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.scanners.dialect import Dialect
from lading.backends.scanners.grype import Grype
from lading.backends.scanners.program import Program
from lading.backends.scanners.program_scanner import Places, ProgramScanner
from lading.backends.scanners.rooms import room, sweep
from lading.backends.scanners.trivy import Trivy
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.inventory.fix_state import FixState
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.clocks import Clocks
from lading.services.findings.scanner import ScanFailed, ScanProgress, ScanResult, ScanStage, ScanStatus
from tests.fakes import scanner_program
from tests.fakes.children import Child
from tests.fakes.scanned_image import ScannedImage

NAMES = ("grype", "trivy")
DIALECTS: dict[str, Callable[[], Dialect]] = {"grype": Grype, "trivy": Trivy}
LONG = 600.0
NOW = 1795500000.0


@dataclass
class Bench:
    """One scanner over a folder, with a database and an image."""

    folder: Path
    name: str
    seconds: float = LONG
    free: Callable[[Path], int] = lambda _: 10**12
    secret: str = "lad_hidden"

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    @property
    def rooms(self) -> Path:
        return self.folder / "rooms"

    def plays(self, play: str, version: str | None = None) -> None:
        scanner_program.installed(self.programs, self.name, play, version)

    def scanner(self) -> ProgramScanner:
        environment = {
            "PATH": str(self.programs),
            "LADING_SECRET_KEY": self.secret,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "GRYPE_REGISTRY_AUTH_PASSWORD": self.secret,
            "HTTPS_PROXY": "http://user:word@proxy.test:3128",
            "no_proxy": "corp.test",
            "HOME": "/root",
        }
        program = Program(self.name, None, environment, grace=0.1, free=self.free)
        places = Places(self.rooms, self.folder / "cache")
        return ProgramScanner(DIALECTS[self.name](), program, places, self.seconds, Clocks(lambda: NOW, time.monotonic))

    def ready(self, play: str = "sound") -> ProgramScanner:
        """With a database, and from then on it plays as it is told."""
        self.plays("sound")
        scanner = self.scanner()
        assert scanner.update(nobody, Cancellation())
        self.plays(play)
        return scanner

    def scan(self, play: str = "sound", report: Callable[[ScanProgress], None] | None = None) -> ScanResult:
        image = ScannedImage.of(self.folder)
        return self.ready(play).scan(image, report or nobody, Cancellation())

    def left(self) -> list[str]:
        return [path.name for path in self.rooms.iterdir()]


def nobody(progress: ScanProgress) -> None:
    """Nobody follows."""


@pytest.fixture(params=NAMES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench(tmp_path, request.param)


@pytest.fixture
def grype(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "grype")


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


def test_without_its_program_it_says_so(bench: Bench) -> None:
    scanner = bench.scanner()

    probe = scanner.probe(Cancellation())
    assert (probe.available, probe.reason) == (False, f"there is no program {bench.name} on PATH")
    with pytest.raises(ScanFailed):
        scanner.scan(ScannedImage.of(bench.folder), nobody, Cancellation())


@pytest.mark.parametrize("content", [b"\x7fELF no program", b"#!/no/such/interpreter\n", b"exit 3\n"])
def test_what_cannot_run_says_so(bench: Bench, content: bytes) -> None:
    bench.plays("sound")
    (bench.programs / bench.name).write_bytes(content)

    probe = bench.scanner().probe(Cancellation())

    assert (probe.available, probe.version) == (False, "")
    assert probe.reason.startswith("it does not say its version: it ended with ")


def test_without_a_database_it_says_so(bench: Bench) -> None:
    bench.plays("sound")

    probe = bench.scanner().probe(Cancellation())

    assert not probe.available
    assert probe.reason.startswith("it has no database yet; lading advisories update")
    with pytest.raises(ScanFailed, match="no database yet"):
        bench.scanner().scan(ScannedImage.of(bench.folder), nobody, Cancellation())


def test_a_probe_tells_version_and_time_of_the_data_and_is_remembered(bench: Bench) -> None:
    scanner = bench.ready()
    before = len(scanner_program.calls(bench.programs))

    probes = [scanner.probe(Cancellation()) for _ in range(3)]

    assert [(each.available, each.version) for each in probes] == [(True, scanner_program.VERSIONS[bench.name])] * 3
    assert probes[0].built == 1795136523.0
    assert len(scanner_program.calls(bench.programs)) - before <= 1


@pytest.mark.parametrize("version", ["0.69.4", "0.69.5", "v0.69.6"])
def test_a_trivy_known_to_be_malicious_is_refused(tmp_path: Path, version: str) -> None:
    bench = Bench(tmp_path, "trivy")
    scanner = bench.ready()
    bench.plays("sound", version)

    assert "malicious" in scanner.probe(Cancellation()).reason
    with pytest.raises(ScanFailed, match="CVE-2026-33634"):
        scanner.scan(ScannedImage.of(bench.folder), nobody, Cancellation())


def test_a_grype_without_databases_is_refused(grype: Bench) -> None:
    grype.plays("sound", "0.87.3")

    assert "too old" in grype.scanner().probe(Cancellation()).reason


def test_an_update_fetches_once_and_again_where_there_is_a_newer_one(grype: Bench) -> None:
    scanner = grype.ready()

    assert not scanner.update(nobody, Cancellation())
    grype.plays("newer database")
    assert scanner.update(nobody, Cancellation())

    assert [path.name for path in (grype.folder / "cache" / "grype").iterdir()] == ["000002"]


def test_trivy_fetches_again_when_its_makers_have_a_newer_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "trivy")
    scanner = bench.ready()

    assert scanner.update(nobody, Cancellation())  # the fake's is due for long


def test_a_failed_update_leaves_the_database_as_it_was_and_tells_no_secret(bench: Bench) -> None:
    scanner = bench.ready("no network")

    with pytest.raises(ScanFailed, match="proxyconnect") as raised:
        scanner.update(nobody, Cancellation())

    assert "hidden" not in str(raised.value)
    assert [path.name for path in (bench.folder / "cache" / bench.name).iterdir()] == ["000001"]
    assert scanner.probe(Cancellation()).built == 1795136523.0


def test_a_scan_keeps_the_database_it_began_with(grype: Bench) -> None:
    scanner, image = grype.ready("sound"), ScannedImage.of(grype.folder)
    updated: list[bool] = []

    def told(progress: ScanProgress) -> None:
        if progress.stage is ScanStage.MATCHING and not updated:
            grype.plays("newer database")
            updated.append(grype.scanner().update(nobody, Cancellation()))
            grype.plays("sound")

    scanner.scan(image, told, Cancellation())

    names = sorted(path.name for path in (grype.folder / "cache" / "grype").iterdir())
    assert (updated, names) == ([True], ["000001", "000002"])


def test_what_a_killed_server_left_goes_and_what_a_live_one_has_stays(grype: Bench) -> None:
    grype.rooms.mkdir()
    with room(grype.rooms) as live:
        (grype.rooms / "scan-left").mkdir()
        (grype.rooms / "scan-left" / "report.json").write_text("{}")
        (grype.rooms / "else").mkdir()
        (grype.rooms / "scan-link").symlink_to(grype.rooms / "else")

        grype.scan()

        assert sorted(grype.left()) == sorted(["else", "scan-link", live.path.name])


def test_no_scanner_outlives_a_server_that_is_killed(bench: Bench) -> None:
    bench.ready("ignores")
    code = (
        "import pathlib, sys\n"
        "from tests.unit.scanners.test_program_scanner import Bench, Cancellation, ScannedImage\n"
        "bench = Bench(pathlib.Path(sys.argv[1]), sys.argv[2])\n"
        "tell = lambda progress: print(progress.stage, flush=True)\n"
        "bench.scanner().scan(ScannedImage.of(bench.folder), tell, Cancellation())\n"
    )
    command = [sys.executable, "-c", code, str(bench.folder), bench.name]
    with Child(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        while "matching" not in server.stdout.readline():
            pass
        [own] = [path for path in bench.rooms.iterdir() if (path / "layout").is_symlink()]
        lock = os.open(own, os.O_RDONLY)
        server.kill()
        fcntl.flock(lock, fcntl.LOCK_EX)  # when nobody who was in the room is left
        os.close(lock)

    sweep(bench.rooms)
    assert bench.left() == []


def test_a_room_stays_while_a_program_of_a_killed_server_runs_in_it(grype: Bench) -> None:
    path = grype.rooms / "scan-orphan"
    path.mkdir(parents=True)
    orphan = os.open(path, os.O_RDONLY)
    fcntl.flock(orphan, fcntl.LOCK_EX)

    sweep(grype.rooms)
    assert grype.left() == ["scan-orphan"]

    os.close(orphan)
    sweep(grype.rooms)
    assert grype.left() == []
