"""How many public version pairs our orders answer as their makers do: `python -m benchmarks.version_pairs FOLDER`.

FOLDER holds files of lines such as `1.0 < 1.1`, one file or more for each ecosystem, in the names and form of
osv-scalibr's `semantic/testdata`. Prints a table for docs/proof/scanning.md, and with --wrong each pair that it answers
otherwise, or cannot read.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from lading.inventory.version_unreadable import VersionUnreadable
from lading.inventory.versions import compare

FILES = {
    "debian": "Debian",
    "redhat": "Red Hat",
    "alpine": "Alpine",
    "pypi": "PyPI",
    "semver": "npm",
    "maven": "Maven",
    "nuget": "NuGet",
    "rubygems": "RubyGems",
    "packagist": "Packagist",
}
ANSWERS = {"<": -1, "=": 0, ">": 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wrong", action="store_true", help="show every pair that is not answered as written")
    chosen = parser.parse_args()
    print("| order | pairs | as written | otherwise | not readable | µs a pair |\n|---|---:|---:|---:|---:|---:|")
    for prefix, ecosystem in FILES.items():
        print(row(ecosystem, list(pairs(chosen.folder, prefix)), show=chosen.wrong))


def pairs(folder: Path, prefix: str) -> Iterator[tuple[str, str, str]]:
    """Version, answer, version; comments and what is no pair left out."""
    for path in sorted(folder.glob(f"{prefix}-versions*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split(" ")
            if len(words) == 3 and words[1] in ANSWERS and not line.startswith(("#", "//")):
                yield words[0], words[1], words[2]


def row(ecosystem: str, asked: list[tuple[str, str, str]], *, show: bool) -> str:
    right = wrong = unreadable = 0
    started = time.perf_counter()
    for version, answer, other in asked:
        try:
            same = compare(ecosystem, version, other) == ANSWERS[answer]
        except VersionUnreadable:
            unreadable += 1
            if show:
                print(f"{ecosystem}: cannot read {version} {answer} {other}")
            continue
        right += same
        wrong += not same
        if show and not same:
            print(f"{ecosystem}: otherwise {version} {answer} {other}")
    spent = (time.perf_counter() - started) / max(len(asked), 1) * 1e6
    return f"| {ecosystem} | {len(asked):,} | {right:,} | {wrong} | {unreadable} | {spent:.0f} |"


if __name__ == "__main__":
    main()
