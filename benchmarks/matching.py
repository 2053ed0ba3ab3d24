"""How long matching takes: `python -m benchmarks.matching DATA`.

DATA is a data folder into which advisories were imported (`lading --data DATA advisories import …`). For each ecosystem
there, packages that have advisories are matched, first in a version that most of them mean, then in one that none does;
and as many packages beside them that have none.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from pathlib import Path

from lading.backends.advisories.lookup import KeptAdvisories
from lading.inventory.layer import ImageInventory, Installed
from lading.inventory.matching import Matched, match
from lading.inventory.package import OsRelease, Package, PackageType
from lading.oci.digest import Digest

LAYER = Digest.of(b"matching")
ROUNDS = 5
KINDS = {
    "AlmaLinux:9": (PackageType.RPM, OsRelease("almalinux", "9.4"), "1.0-1.el9"),
    "Debian:12": (PackageType.DEB, OsRelease("debian", "12"), "1.0-1"),
    "PyPI": (PackageType.PYPI, None, "1.0"),
    "Go": (PackageType.GOLANG, None, "1.0.0"),
    "npm": (PackageType.NPM, None, "1.0.0"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--packages", type=int, default=500, help="of each kind, with advisories and without")
    chosen = parser.parse_args()
    path = chosen.data / "advisories.db"
    print("| ecosystem | packages | findings | ms, first | ms, median |\n|---|---:|---:|---:|---:|")
    for ecosystem, (kind, release, version) in KINDS.items():
        names = known(path, ecosystem, chosen.packages)
        unknown = [f"{name}-of-nobody" for name in names]
        for installed in (version, f"9999.{version}") if names else ():
            packages = [Installed(Package(kind, name, installed, "list"), LAYER) for name in (*names, *unknown)]
            print(row(path, ecosystem, ImageInventory(release, tuple(packages))))


def known(path: Path, ecosystem: str, most: int) -> list[str]:
    statement = """SELECT DISTINCT package FROM affected JOIN ecosystem ON ecosystem.key = affected.ecosystem
                   WHERE ecosystem.name = ? LIMIT ?"""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return [name for (name,) in connection.execute(statement, (ecosystem, most))]
    finally:
        connection.close()


def row(path: Path, ecosystem: str, inventory: ImageInventory) -> str:
    spent, found = [], Matched()
    for _ in range(ROUNDS):
        started = time.perf_counter()
        with KeptAdvisories.opened(path) as lookup:
            found = match(inventory, lookup, 0.0, lambda _done, _total: None)
        spent.append((time.perf_counter() - started) * 1000)
    median = sorted(spent)[ROUNDS // 2]
    return f"| {ecosystem} | {found.packages} | {len(found.matches)} | {spent[0]:.0f} | {median:.0f} |"


if __name__ == "__main__":
    main()
