"""Measure the registry of `lading serve` beside Debian's docker-registry, one process each, and write the table.

    python -m benchmarks.registry [--part bytes|rates|pages|crowd]… [--rounds 5] [--output FILE]

Both want a bearer token, take turns, and keep their content on the same file system. Needs docker-registry and wrk.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from urllib.parse import urlencode

from benchmarks.registry_client import Blob, Served, blob_at, pull_blobs, push_blobs, push_image
from benchmarks.registry_crowd import RATE, READERS, SAMPLES, SENDERS, Crowd, run_crowd
from benchmarks.registry_floor import floor_put
from benchmarks.run import MEMORY_FOLDER, commit
from benchmarks.service_memory import Memory
from benchmarks.table import machine
from tests.fakes.certificates import Authority
from tests.fakes.signed_tokens import SignedTokens
from tests.peers import programs
from tests.peers.service_process import Service

ROOT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024
BLOBS, BLOB_SIZE = 5, 64 * MIB
SMALL = 473
"""Bytes of the small blob, as a config of an artifact has."""
CONNECTIONS, SECONDS = 32, 4
TAGS, REPOSITORIES, PAGE = 10_000, 1_000, 100


@dataclass(frozen=True, slots=True)
class Extent:
    """How often everything is done, and how much of it: `scale` 1 is the whole."""

    rounds: int
    scale: float

    def of(self, whole: int) -> int:
        """So much of it, and never nothing."""
        return max(int(whole * self.scale), 1)


def main() -> int:
    """Returns 0 when the page was written, whatever it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of all sizes, numbers and times")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/registry.md")
    options = parser.parse_args()
    lines = [
        "# The registry beside docker-registry",
        "",
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; load average of other work when it began:"
        f" {os.getloadavg()[0]:.1f}. `lading serve` and Debian's docker-registry are one process each, over the same"
        " file system, both asked with a bearer token, taking turns; the clients share the machine with them. Made by"
        " `python -m benchmarks.registry`.",
    ]
    for name, part in PARTS.items():
        if not options.part or name in options.part:
            print(f"── {name}", file=sys.stderr, flush=True)
            lines += ["", *part(Extent(options.rounds, options.scale))]
    page = "\n".join(lines) + "\n"
    options.output.write_text(page)
    print(page)
    return 0


@dataclass(frozen=True, slots=True)
class Both:
    """Ours and docker-registry. `bare` is ours, shown an API token as it is; `used` tells the seconds of processor time
    that ours has taken."""

    ours: Served
    bare: Served
    theirs: Served
    used: Callable[[], float]


@contextmanager
def both(folder: Path) -> Iterator[Both]:
    """They run inside."""
    authority = folder / "authority"
    authority.mkdir()
    signed = SignedTokens(Authority(authority), life=lambda _: 3600.0)
    service = Service(folder / "data")
    with (
        programs.docker_registry(folder / "registry", token=signed.settings("http://127.0.0.1:1/token")) as theirs,
        service.running() as child,
    ):
        scopes = [f"app:{action}" for action in ("pull", "push")]
        yield Both(
            Served("lading", f"127.0.0.1:{service.registry_port}", registry_token(service)),
            Served("lading", f"127.0.0.1:{service.registry_port}", service.token),
            Served("docker-registry", theirs.host, signed.mint(1, scopes)),
            Memory([child.pid]).cpu,
        )


@contextmanager
def _alone(folder: Path) -> Iterator[tuple[Served, int]]:
    """Ours, with an API token, which is good for every repository; and its process."""
    service = Service(folder / "data")
    with service.running() as child:
        yield Served("lading", f"127.0.0.1:{service.registry_port}", service.token), child.pid


def in_turn(number: int, ours: Served, theirs: Served) -> tuple[Served, Served]:
    """Who is asked first in this round, and who then."""
    return (ours, theirs) if number % 2 else (theirs, ours)


def registry_token(service: Service) -> str:
    """Of our own token service, for five minutes."""
    host = f"127.0.0.1:{service.registry_port}"
    with closing(http.client.HTTPConnection(host, timeout=60)) as connection:
        shown = b64encode(f"admin:{service.token}".encode()).decode()
        query = urlencode({"service": host, "scope": "repository:app:pull,push"})
        connection.request("GET", f"/v2/token?{query}", headers={"Authorization": f"Basic {shown}"})
        answer = connection.getresponse()
        told = answer.read()
        assert answer.status == 200, told
    return str(json.loads(told)["token"])


def _bytes(extent: Extent) -> Sequence[str]:
    up: dict[str, list[float]] = {}
    down: dict[str, list[float]] = {}
    floor: list[float] = []
    with ram_folder() as folder, both(folder) as running:
        for number in range(extent.rounds):
            blobs = large_blobs(folder, number, extent.of(BLOB_SIZE))
            for registry in in_turn(number, running.ours, running.theirs):
                up.setdefault(registry.name, []).append(push_blobs(registry, "app", blobs))
                down.setdefault(registry.name, []).append(pull_blobs(registry, "app", blobs))
            floor.append(floor_put(folder, blobs))
            for blob in blobs:
                blob.path.unlink()
    rows = [
        _row(f"PUT of {BLOBS} × {extent.of(BLOB_SIZE) / MIB:g} MiB, seconds", up, 0.4, lower=True),
        _row(f"GET of {BLOBS} × {extent.of(BLOB_SIZE) / MIB:g} MiB, seconds", down, 1.0, lower=True),
    ]
    least, against = median(floor), median(up["docker-registry"])
    return [
        "## Large blobs",
        "",
        *_table(rows),
        "",
        f"Receiving, writing and hashing the same bytes once, and nothing else (`benchmarks/registry_floor.py`), takes"
        f" {least:.3f} s here: {least / against:.2f} × docker-registry.",
    ]


def _rates(extent: Extent) -> Sequence[str]:
    rates: dict[str, dict[str, list[float]]] = {}
    seconds = extent.of(SECONDS)
    cpu: dict[str, list[float]] = {}
    with ram_folder() as folder, both(folder) as running:
        ours, bare, theirs = running.ours, running.bare, running.theirs
        config = blob_at(folder / "config", Random(1).randbytes(SMALL))
        for registry in (ours, theirs):
            push_blobs(registry, "app", [config])
        digest, _ = (push_image(registry, "app", ["1"], config, [config]) for registry in (ours, theirs))
        asked = {
            "manifest by tag, GETs/s": (ours, "/v2/app/manifests/1"),
            "manifest by digest, GETs/s": (ours, f"/v2/app/manifests/{digest}"),
            f"blob of {SMALL} bytes, GETs/s": (ours, f"/v2/app/blobs/{config.digest}"),
            "manifest by tag with a bare API token, GETs/s": (bare, "/v2/app/manifests/1"),
        }
        for number in range(extent.rounds):
            for name, (mine, path) in asked.items():
                for registry in in_turn(number, mine, theirs):
                    before = running.used()
                    rate = wrk(registry, path, seconds)
                    rates.setdefault(name, {}).setdefault(registry.name, []).append(rate)
                    if registry is mine:
                        cpu.setdefault(name, []).append((running.used() - before) / (rate * seconds) * 1e6)
    rows = [_row(name, found, 6.0 if name.startswith("blob") else 5.0, lower=False) for name, found in rates.items()]
    spent = ", ".join(f"{name.partition(',')[0]} {median(found):.0f} µs" for name, found in cpu.items())
    return [
        "## Small answers",
        "",
        f"wrk, one thread, {CONNECTIONS} connections, {seconds} s each; docker-registry takes no token but its own.",
        "",
        *_table(rows),
        "",
        f"Our processor time an answer: {spent}.",
    ]


def _pages(extent: Extent) -> Sequence[str]:
    with ram_folder() as folder, _alone(folder) as (ours, _):
        config = blob_at(folder / "config", b"{}")
        push_blobs(ours, "app", [config])
        push_image(ours, "app", [f"t{number:05}" for number in range(extent.of(TAGS))], config, [config])
        for number in range(extent.of(REPOSITORIES)):
            push_blobs(ours, f"many/r{number:04}", [config])
        tags = _walked(ours, f"/v2/app/tags/list?n={PAGE}")
        names = _walked(ours, f"/v2/_catalog?n={PAGE}")
    rows = []
    for name, seconds in ((f"{extent.of(TAGS)} tags", tags), (f"{extent.of(REPOSITORIES)} repositories", names)):
        tenth = max(len(seconds) // 10, 1)
        first, last = median(seconds[:tenth]) * 1000, median(seconds[-tenth:]) * 1000
        rows.append(f"| {name} | {len(seconds)} | {first:.2f} | {median(seconds) * 1000:.2f} | {last:.2f} |")
    return [
        "## Pages",
        "",
        f"Of {PAGE} names each, one after the other, by the Link of the page before.",
        "",
        "| | pages | ms a page: first tenth | all | last tenth |",
        "|---|---:|---:|---:|---:|",
        *rows,
    ]


def _crowds(extent: Extent) -> Sequence[str]:
    crowd = Crowd(extent.of(READERS), extent.of(SENDERS), extent.of(SAMPLES))
    with ram_folder() as folder, _alone(folder) as (ours, process):
        large = large_blobs(folder, 1, extent.of(BLOB_SIZE))[0]
        push_blobs(ours, "app", [large])
        push_image(ours, "app", ["1"], large, [large])
        found = run_crowd(ours, process, "app", large, crowd)
    met = found.beside[1] < 100 and found.most < 150
    return [
        "## A crowd of slow clients",
        "",
        f"{crowd.readers} who read a blob and {crowd.senders} who send one, at {RATE // 1024} KiB a second each;"
        " beside them one who asks for a manifest again and again. Aim: 99 of 100 of its answers within 100 ms, and"
        " less than 150 MiB.",
        "",
        "| | ms: median | 99 % | longest | PSS MiB at most |",
        "|---|---:|---:|---:|---:|",
        f"| alone | {_milliseconds(found.alone)} | {found.before:.0f} |",
        f"| beside the crowd | {_milliseconds(found.beside)} | {found.most:.0f} |",
        "",
        f"Aim {'met' if met else 'missed'}.",
    ]


def _milliseconds(found: tuple[float, float, float]) -> str:
    return " | ".join(f"{each:.1f}" for each in found)


def _walked(registry: Served, path: str) -> list[float]:
    """The seconds of every page."""
    seconds = []
    with closing(registry.connection()) as connection:
        while path:
            began = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": registry.authorization})
            answer = connection.getresponse()
            told = answer.read()
            seconds.append(time.perf_counter() - began)
            assert answer.status == 200, told
            link = re.match(r"<(?:https?://[^/]*)?([^>]*)>", answer.getheader("Link") or "")
            path = link[1] if link else ""
    return seconds


def wrk(registry: Served, path: str, seconds: int) -> float:
    """Answers a second; fails where one was no success."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", f"Authorization: {registry.authorization}"]
    command += ["-H", "Accept: application/vnd.oci.image.manifest.v1+json", f"http://{registry.host}{path}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert "Non-2xx" not in told, told
    found = re.search(r"Requests/sec:\s+([0-9.]+)", told)
    assert found, told
    return float(found[1])


def large_blobs(folder: Path, seed: int, size: int) -> list[Blob]:
    """Half of each is random, half repeats, as in real layers."""
    random = Random(seed)
    blobs = []
    for number in range(BLOBS):
        half = random.randbytes(size // 2)
        blobs.append(blob_at(folder / f"blob{number}", half + half[:4096] * (size // 2 // 4096)))
    return blobs


Row = tuple[str, float, float, float, bool]


def _row(name: str, found: dict[str, list[float]], aim: float, *, lower: bool) -> Row:
    ours, theirs = median(found["lading"]), median(found["docker-registry"])
    ratio = ours / theirs
    return name, ours, theirs, aim, ratio <= aim if lower else ratio >= aim


def _table(rows: Sequence[Row]) -> list[str]:
    lines = ["| | lading | docker-registry | ratio | aim | |", "|---|---:|---:|---:|---:|---|"]
    for name, ours, theirs, aim, met in rows:
        shown = [f"{each:.3f}" if each < 100 else f"{each:,.0f}" for each in (ours, theirs)]
        lines.append(
            f"| {name} | {shown[0]} | {shown[1]} | {ours / theirs:.2f} | {aim:g} | {'met' if met else 'missed'} |"
        )
    return lines


@contextmanager
def ram_folder() -> Iterator[Path]:
    """An empty one, in memory where there is some."""
    memory = MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


PARTS: dict[str, Callable[[Extent], Sequence[str]]] = {
    "bytes": _bytes,
    "rates": _rates,
    "pages": _pages,
    "crowd": _crowds,
}


if __name__ == "__main__":
    sys.exit(main())
