"""What importing advisories costs, and looking one up.

    python -m benchmarks.advisories NAME=PATH[@BRANCH]… [--npm RECORDS]

Each source is imported into a data folder of its own, again without a change, and then asked for packages that it
names and for packages that it does not. `--npm` makes a zip of so many records as npm's dump has them. Prints the table
of docs/proof/scanning.md, "Advisories".
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from lading.backends.advisories.keeping import AdvisoryFolder
from lading.backends.advisories.lookup import KeptAdvisories
from lading.engine.cancel import Cancellation
from lading.services.scans.advisories import Imported, Origin, Schedule
from lading.wire.message import Transport

LOOKUPS = 3000
SEED = 6
_COLUMNS = ("source", "records", "packages", "s", "again s", "peak MiB", "db MB", "found", "µs hit", "µs miss")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sources", nargs="*", metavar="NAME=PATH[@BRANCH]")
    parser.add_argument("--npm", type=int, metavar="RECORDS")
    parser.add_argument("--one", nargs=3, metavar=("NAME", "PATH", "BRANCH"))
    options = parser.parse_args()
    if options.one:
        name, path, branch = options.one
        print(json.dumps(measured(name, path, branch or None)))
        return
    print("| " + " | ".join(_COLUMNS) + " |\n|" + "---|" * len(_COLUMNS))
    for name, path, branch in asked(options.sources):
        row(name, path, branch)
    if options.npm:
        with tempfile.TemporaryDirectory() as folder:
            dump = Path(folder) / "all.zip"
            size = write_dump(dump, options.npm)
            row(f"npm, made up, {size / 1e6:.0f} MB", str(dump), "")


def asked(sources: list[str]) -> Iterator[tuple[str, str, str]]:
    """Name, path and branch."""
    for source in sources:
        name, _, place = source.partition("=")
        path, _, branch = place.partition("@")
        yield name, path, branch


def row(name: str, path: str, branch: str) -> None:
    """Measured in a process of its own: the peak is that of its children."""
    command = [sys.executable, "-m", "benchmarks.advisories", "--one", name, path, branch]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    print("| " + " | ".join(str(found[column]) for column in _COLUMNS) + " |", flush=True)


def measured(name: str, path: str, branch: str | None) -> Mapping[str, object]:
    """One row."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        advisories = AdvisoryFolder(data, _no_network, Schedule(""), time.time, lambda: None)

        def bring() -> Imported:
            return advisories.bring(Origin(path, branch), lambda _: None, Cancellation())

        first, imported = timed(bring)
        again, _ = timed(bring)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        packages = _packages(data / "advisories.db")
        size = sum(each.stat().st_size for each in data.glob("advisories.db*"))
        found, hit, miss = lookups(data / "advisories.db", packages)
        figures = (imported.records, len(packages), round(first, 2), round(again, 2), round(peak), round(size / 1e6, 1))
        return dict(zip(_COLUMNS, (name, *figures, round(found, 1), round(hit), round(miss, 1)), strict=True))


def _no_network() -> Transport:
    raise AssertionError("nothing is fetched here")


def timed(work: Callable[[], Imported]) -> tuple[float, Imported]:
    """Seconds, and what came of it."""
    begun = time.perf_counter()
    done = work()
    return time.perf_counter() - begun, done


def lookups(path: Path, packages: list[tuple[str, str]]) -> tuple[float, float, float]:
    """How many advisories a package has that is there, on average; and the medians of looking one up that is there, and
    one that is not, in microseconds."""
    chosen = random.Random(SEED).choices(packages, k=LOOKUPS)
    with KeptAdvisories.opened(path) as kept:
        found = [len(kept.of_package(ecosystem, name)) for ecosystem, name in chosen]
        hit = [_microseconds(kept, ecosystem, name) for ecosystem, name in chosen]
        miss = [_microseconds(kept, ecosystem, f"{name}-not-there") for ecosystem, name in chosen]
    return statistics.mean(found), statistics.median(hit), statistics.median(miss)


def _microseconds(kept: KeptAdvisories, ecosystem: str, name: str) -> float:
    begun = time.perf_counter_ns()
    kept.of_package(ecosystem, name)
    return (time.perf_counter_ns() - begun) / 1000


def _packages(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        statement = """
            SELECT DISTINCT ecosystem.name, package FROM affected JOIN ecosystem ON ecosystem.key = affected.ecosystem
        """
        return connection.execute(statement).fetchall()


def write_dump(path: Path, records: int) -> int:
    """A zip of so many, nine in ten of them about packages made to do harm, as npm's are; how many bytes of JSON."""
    made = random.Random(SEED)
    total = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as dump:
        for number in range(records):
            record = malicious(made, number) if number % 10 else weak(made, number)
            text = json.dumps(record)
            total += len(text)
            dump.writestr(f"{record['id']}.json", text)
    return total


def malicious(made: random.Random, number: int) -> dict[str, object]:
    """Like those of ossf/malicious-packages."""
    name, hashed = f"package-{made.getrandbits(40):x}", f"{made.getrandbits(256):064x}"
    moment = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}T10:00:00Z"
    return {
        "schema_version": "1.7.0",
        "id": f"MAL-2025-{number}",
        "modified": moment,
        "published": moment,
        "summary": f"Malicious code in {name} (npm)",
        "details": f"The package {name} was found to contain malicious code. " + _words(made, 60),
        "affected": [
            {
                "package": {"ecosystem": "npm", "name": name},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
                "versions": [f"{made.randrange(9)}.{made.randrange(9)}.{patch}" for patch in range(made.randrange(12))],
                "database_specific": {"cwes": [{"cweId": "CWE-506", "name": "Embedded Malicious Code"}]},
            }
        ],
        "database_specific": {
            "malicious-packages-origins": [
                {"source": "amazon-inspector", "sha256": hashed, "import_time": moment, "modified_time": moment}
            ]
        },
        "references": [{"type": "WEB", "url": f"https://www.npmjs.com/package/{name}"}],
    }


def weak(made: random.Random, number: int) -> dict[str, object]:
    """Like those of github/advisory-database."""
    mark = f"{made.getrandbits(48):012x}"
    moment = f"2024-{number % 12 + 1:02}-{number % 28 + 1:02}T10:00:00Z"
    return {
        "schema_version": "1.7.0",
        "id": f"GHSA-{mark[:4]}-{mark[4:8]}-{mark[8:]}",
        "modified": moment,
        "published": moment,
        "aliases": [f"CVE-2024-{number}"],
        "summary": _words(made, 8),
        "details": _words(made, 250),
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [
            {
                "package": {"ecosystem": "npm", "name": f"weak-{number % 3000}"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": f"1.{number % 50}.0"}]}],
            }
        ],
        "references": [{"type": "WEB", "url": f"https://github.com/advisories/{mark}"}] * 4,
        "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-79"], "github_reviewed": True},
    }


def _words(made: random.Random, count: int) -> str:
    return " ".join(made.choice(_VOCABULARY) for _ in range(count))


_ENDS = ("age", "ion", "er", "ed", "ing", "s", "al", "ive", "ation", "able")
_VOCABULARY = [f"{begin}{end}" for begin in ("pack", "vers", "attack", "remot", "code", "us") for end in _ENDS]


if __name__ == "__main__":
    main()
