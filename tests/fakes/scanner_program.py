"""A program that plays grype or trivy, well or badly: `installed` puts it somewhere, told how to behave.

It is run by itself, without Lading: what it does is read from `play.json` beside it, as its environment is not ours to
fill. What it was called with is a line of `calls.jsonl` there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

VERSIONS = {"grype": "0.116.0", "trivy": "0.74.0"}
BUILT = "2026-11-20T01:02:03Z"
GRYPE_FINDING = {
    "vulnerability": {
        "id": "GHSA-aaaa-bbbb-cccc",
        "severity": "High",
        "dataSource": "https://example.test/a",
        "urls": [],
        "cvss": [{"version": "3.1", "metrics": {"baseScore": 7.5}}],
        "fix": {"versions": ["1.4.9", "2.0.3"], "state": "fixed"},
    },
    "relatedVulnerabilities": [{"id": "CVE-2099-0001", "description": "demo text", "cvss": []}],
    "matchDetails": [{"type": "exact-direct-match", "fix": {"suggestedVersion": "2.0.3"}}],
    "artifact": {
        "name": "demo",
        "version": "2.0.1",
        "type": "python",
        "purl": "pkg:pypi/demo@2.0.1",
        "locations": [{"path": "/app/METADATA", "layerID": "sha256:" + "a" * 64}],
    },
}
TRIVY_FINDING = {
    "VulnerabilityID": "CVE-2099-0001",
    "VendorIDs": ["GHSA-aaaa-bbbb-cccc"],
    "PkgName": "demo",
    "PkgPath": "app/METADATA",
    "PkgIdentifier": {"PURL": "pkg:pypi/demo@2.0.1"},
    "InstalledVersion": "2.0.1",
    "FixedVersion": "1.4.9, 2.0.3",
    "Status": "fixed",
    "Severity": "CRITICAL",
    "Title": "demo",
}


def installed(folder: Path, name: str, play: str = "sound", version: str | None = None) -> Path:
    """The program `name` in `folder`, which is made; it plays as it is told. Called again, it plays otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "play.json").write_text(json.dumps({"play": play, "version": version or VERSIONS[name]}))
    path = folder / name
    path.write_text(f"#!{sys.executable} -IS\n{Path(__file__).read_text()}")
    path.chmod(0o755)
    return path


def calls(folder: Path) -> list[dict[str, object]]:
    """What it was called with: `arguments`, `environment`, `folder`, `input`."""
    path = folder / "calls.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def names_of_blobs(folder: Path) -> int:
    """How many names each blob of the layout it scanned last had: two where they are links to ours."""
    return int((folder / "names").read_text())


def main(here: Path, name: str, arguments: list[str]) -> int:
    play = json.loads((here / "play.json").read_text())
    called = {
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "input": os.readlink("/proc/self/fd/0") if os.path.exists("/proc/self/fd/0") else "",
    }
    with (here / "calls.jsonl").open("a") as file:
        file.write(json.dumps(called) + "\n")
    if arguments[0] == "version":
        sys.stdout.write("a line of a log\n")
        answer({"version": play["version"], "Version": play["version"]})
        return 0
    return (grype if name == "grype" else trivy)(arguments, here, play["play"])


def grype(arguments: list[str], here: Path, play: str) -> int:
    cache = Path(os.environ["GRYPE_DB_CACHE_DIR"])
    database = cache / "6" / "vulnerability.db"
    match arguments[:2]:
        case ["db", "check"] if play == "no network" and os.environ.get("GRYPE_DB_REQUIRE_UPDATE_CHECK") == "true":
            return fetched(database, play)
        case ["db", "check"]:
            answer({"updateAvailable": play == "newer database"})
            return 100 if play == "newer database" else 0
        case ["db", "update"]:
            return fetched(database, play)
        case ["db", "status"]:
            answer({"built": BUILT, "valid": True, "path": str(database)})
            return 0
    layout = Path(arguments[0].removeprefix("oci-dir:"))
    if not database.exists() or (play == "old database" and os.environ.get("GRYPE_DB_VALIDATE_AGE") != "false"):
        return failed("failed to load vulnerability db: database does not exist")
    say("[0001]  INFO gathered packages packages=3 time=1s")
    say("[0002]  INFO found vulnerability matches time=1s")
    report = {
        "matches": [GRYPE_FINDING],
        "distro": {"name": "debian", "version": "12"},
        "descriptor": {
            "name": "grype",
            "version": VERSIONS["grype"],
            "db": {"status": {"built": BUILT}, "providers": {"debian": {}, "github": {}}},
        },
    }
    return scanned(layout, Path(arguments[arguments.index("--file") + 1]), report, here, play)


def trivy(arguments: list[str], here: Path, play: str) -> int:
    cache = Path(arguments[arguments.index("--cache-dir") + 1])
    if "--download-db-only" in arguments:
        return fetched(cache / "db" / "trivy.db", play) or metadata(cache / "db")
    if "--download-java-db-only" in arguments:
        return fetched(cache / "java-db" / "trivy-java.db", play) or metadata(cache / "java-db")
    if not (cache / "db" / "trivy.db").exists():
        return failed("--skip-db-update cannot be specified on the first run")
    say("2026-11-20T01:02:03Z\tINFO\t[debian] Detecting vulnerabilities...\tos_version=12")
    report = {
        "SchemaVersion": 2,
        "ArtifactName": "layout",
        "Metadata": {"OS": {"Family": "debian", "Name": "12.5"}},
        "Results": [
            {"Target": "layout (debian 12.5)", "Class": "os-pkgs", "Type": "debian", "Packages": [{}, {}]},
            {
                "Target": "Python",
                "Class": "lang-pkgs",
                "Type": "python-pkg",
                "Packages": [{}],
                "Vulnerabilities": [TRIVY_FINDING],
            },
        ],
    }
    layout = Path(arguments[arguments.index("--input") + 1])
    return scanned(layout, Path(arguments[arguments.index("--output") + 1]), report, here, play)


def scanned(layout: Path, output: Path, report: Mapping[str, object], here: Path, play: str) -> int:
    index = json.loads((layout / "index.json").read_bytes())
    [entry] = index["manifests"]
    manifest = json.loads((layout / "blobs" / entry["digest"].replace(":", "/")).read_bytes())
    blobs = [layout / "blobs" / each["digest"].replace(":", "/") for each in (manifest["config"], *manifest["layers"])]
    (here / "names").write_text(str(min(blob.stat().st_nlink for blob in blobs)))
    litter()
    if play in ENDLESS:
        ENDLESS[play]()
    if play.startswith("leaves one"):
        leave(here, fled=play == "leaves one that fled")
    if play == "killed":
        os.kill(os.getpid(), signal.SIGSEGV)
    written = said(report, play)
    if written is not None:
        output.write_bytes(written)
    if play == "partial":
        return failed("image scan error: no space left on device")
    return 2 if play == "threshold" else 0


def said(report: Mapping[str, object], play: str) -> bytes | None:
    """The report as it is written; None: none is."""
    whole = json.dumps(report).encode()
    odd: dict[str, bytes | None] = {
        "truncates": whole[: len(whole) // 2],
        "log first": b"2026-11-20 a line of a log\n" + whole,
        "empty": b"",
        "no report": None,
        "other": b'["no object"]',
        "no text": whole.replace(b"demo text", b"de\xff\xfemo").replace(b'"demo"}', b'"de\xff\xfe"}'),
        "partial": whole[:40],
    }
    return large(report).encode() if play == "large" else odd.get(play, whole)


def ignore() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("it does not listen")
    wait()


def litter() -> None:
    """What a scanner leaves in its room: folders that may not be written, and links that lead out of it."""
    left = Path(os.environ["TMPDIR"]) / "stereoscope-1"
    (left / "closed").mkdir(parents=True)
    (left / "closed" / "file").write_text("unpacked")
    (left / "out").symlink_to("/")
    (left / "closed").chmod(0o500)


def large(report: Mapping[str, object]) -> str:
    """40 MB and more of one finding, many times over."""
    written = json.dumps(report)
    for name, finding in (("matches", GRYPE_FINDING), ("Vulnerabilities", TRIVY_FINDING)):
        one = json.dumps(finding)
        if f'"{name}": [{one}]' in written:
            long = one.replace("demo text", "demo text " * 400)
            many = ", ".join(long.replace("2099-0001", f"2099-{each:04}") for each in range(40_000_000 // len(long)))
            return written.replace(f'"{name}": [{one}]', f'"{name}": [{many}]')
    raise AssertionError(written)


def flood() -> None:
    """Until it is stopped: lines without end, then one line without an end."""
    try:
        for _ in range(2000):
            os.write(2, b"[0001]  WARN a line of a log that says nothing at all\n" * 100)
        while True:
            os.write(2, b"\x1b[31m\xff" * 10_000)
    except BrokenPipeError:
        wait()


def leave(here: Path, *, fled: bool) -> None:
    """A child that hears no SIGTERM and holds our log open; what is left is known by its number."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-IS", "-c", code], stdout=subprocess.PIPE, start_new_session=fled)
    assert child.stdout is not None
    child.stdout.readline()
    (here / "left.pid").write_text(str(child.pid))


def fetched(database: Path, play: str) -> int:
    if play == "no network":
        return failed("unable to update vulnerability database: proxyconnect http://user:hidden@proxy.test: refused")
    if play == "hangs":
        wait()
    say("[0001]  INFO downloading new vulnerability DB")
    database.parent.mkdir(parents=True)
    database.write_bytes(b"database")
    return 0


def metadata(part: Path) -> int:
    written = {"Version": 2, "UpdatedAt": BUILT, "NextUpdate": "2026-11-20T07:02:03.123456789Z"}
    (part / "metadata.json").write_text(json.dumps(written))
    return 0


def say(line: str) -> None:
    os.write(2, f"{line}\n".encode())


def answer(members: object) -> None:
    sys.stdout.write(json.dumps(members) + "\n")


def failed(reason: str) -> int:
    say(f"[0003] ERROR {reason}")
    return 1


def wait() -> None:
    while True:
        time.sleep(600)


ENDLESS = {"hangs": wait, "ignores": ignore, "floods": flood}

if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent, Path(__file__).name, sys.argv[1:]))
