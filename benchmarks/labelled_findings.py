"""How our findings agree with those that people looked at: `python -m benchmarks.labelled_findings LABELS ADVISORIES`.

LABELS is a folder of labels in the form of anchore/vulnerability-match-labels, ADVISORIES one of YAML records such as
pypa/advisory-database has. Of the labels those count that name a GHSA of a Python package, and whose record is there.

The labels do not say which package of a distribution owns a Python package. It is taken to be owned where the image has
packages of a distribution, and that distribution is seen, in any image, to build `python3-NAME` of the same version.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from lading.inventory.advisory import Advisory, indexed_name
from lading.inventory.layer import ImageInventory, Installed
from lading.inventory.matching import match
from lading.inventory.package import Package, PackageType
from lading.oci.digest import Digest
from tests.fakes.advisories import MemoryAdvisories

LAYER = Digest.of(b"labels")
DISTRIBUTION = re.compile(r"(?P<upstream>[0-9][^-]*)-.*(?P<made>\.el[0-9]+|ubuntu|deb[0-9]+u)")


@dataclass(frozen=True)
class Label:
    """What a person decided of one finding."""

    image: str
    name: str
    version: str
    issue: str
    verdict: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path)
    parser.add_argument("advisories", type=Path)
    parser.add_argument("--wrong", action="store_true", help="show every label that the findings do not agree with")
    chosen = parser.parse_args()
    every = set(labels(chosen.labels))
    lookup = MemoryAdvisories(*records(chosen.advisories))
    asked = sorted((label for label in every if concerns(label, lookup)), key=str)
    print("| ownership | right ones found | false ones reported |\n|---|---:|---:|")
    for title, owned in (("as if nothing were owned", frozenset[tuple[str, str]]()), ("simulated", owners(every))):
        found = {label for label in asked if reported(label, lookup, owned)}
        print(f"| {title} | {share(asked, found, 'TP')} | {share(asked, found, 'FP')} |")
        for label in asked if chosen.wrong else ():
            if (label in found) != (label.verdict == "TP") and label.verdict != "??":
                print(f"{label.verdict} {label.name} {label.version} {label.issue} {label.image[:60]}")


def labels(folder: Path) -> Iterator[Label]:
    """Those of whole packages in images known by digest."""
    for path in folder.rglob("*.json"):
        if not path.stat().st_size:
            continue
        written = json.loads(path.read_text(encoding="utf-8"))
        package, image = written.get("package") or {}, written["image"].get("exact", "")
        if package.get("name") and image:
            version = package.get("version") or ""
            yield Label(image, package["name"], version, written["vulnerability_id"], written["label"])


def records(folder: Path) -> Iterator[Mapping[str, object]]:
    for path in folder.rglob("*.yaml"):
        yield yaml.load(path.read_text(encoding="utf-8"), yaml.CBaseLoader)


def concerns(label: Label, lookup: MemoryAdvisories) -> bool:
    """Whether the record that the label names is there, and of this package."""
    return label.issue.startswith("GHSA-") and any(names(advisory, label) for advisory in lookup.by_ids([label.issue]))


def names(advisory: Advisory, label: Label) -> bool:
    return any(entry.indexed_name == indexed_name("PyPI", label.name) for entry in advisory.affected)


def owners(every: Iterable[Label]) -> frozenset[tuple[str, str]]:
    """Images and names of Python packages that a distribution's package is taken to own."""
    built: dict[str, set[tuple[str, str]]] = defaultdict(set)
    made: dict[str, set[str]] = defaultdict(set)
    for label in every:
        of_distribution = DISTRIBUTION.match(label.version)
        if of_distribution is None:
            continue
        made[label.image].add(of_distribution["made"])
        if label.name.startswith("python3-"):
            name = label.name.removeprefix("python3-")
            built[of_distribution["made"]] |= {
                (name, of_distribution["upstream"]),
                (f"py{name}", of_distribution["upstream"]),
            }
    return frozenset(
        (label.image, label.name)
        for label in every
        if any((indexed_name("PyPI", label.name), label.version) in built[maker] for maker in made[label.image])
    )


def reported(label: Label, lookup: MemoryAdvisories, owned: frozenset[tuple[str, str]]) -> bool:
    owner = "of the distribution" if (label.image, label.name) in owned else ""
    installed = Installed(Package(PackageType.PYPI, label.name, label.version, "METADATA"), LAYER, owner)
    found = match(ImageInventory(None, (installed,)), lookup, 0.0, lambda _done, _total: None)
    return any(label.issue in {one.id, *one.aliases} for one in found.matches)


def share(asked: Iterable[Label], found: set[Label], verdict: str) -> str:
    of_kind = [label for label in asked if label.verdict == verdict]
    return f"{sum(label in found for label in of_kind)} of {len(of_kind)}"


if __name__ == "__main__":
    main()
