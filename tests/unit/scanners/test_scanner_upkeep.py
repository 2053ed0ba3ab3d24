"""Scanners that are programs, before and between scans: whether one can be used, its databases, and what a server that
was killed leaves."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lading.backends.scanners.rooms import room, sweep
from lading.engine.cancel import Cancellation
from lading.services.findings.scanner import ScanFailed, ScanProgress, ScanStage
from tests.fakes import scanner_program
from tests.fakes.children import Child
from tests.fakes.scanned_image import ScannedImage
from tests.unit.scanners.bench import Bench, nobody


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
        "from lading.engine.cancel import Cancellation\n"
        "from tests.fakes.scanned_image import ScannedImage\n"
        "from tests.unit.scanners.bench import Bench\n"
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
