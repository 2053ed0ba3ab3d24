"""Two images side by side, on one platform: what `lading diff` and the API say. Pure.

    layers      by digest or diffID: a layer compressed another way is the same layer
    settings    of their configs: environment variables and labels one by one
    packages    by type and name, from what was read of both images
    findings    by the same scanner

What nobody looked at is None, and not empty.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lading.inventory.layer import ImageInventory
from lading.inventory.package import Package, PackageType
from lading.services.environments.image_layers import Layer, Layers
from lading.services.findings.scan_comparison import ScanComparison, compare_scans
from lading.services.findings.scanner import ScanResult


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the two. `id` is the digest of its root, at a Docker host whatever the daemon says; `document` is its
    config (image-spec, config.md) as far as it is known. `inventory` is what is installed in it, None where nobody has
    read it; `scans` are sound results, the newest of each scanner."""

    id: str
    name: str
    platform: str
    platforms: tuple[str, ...]
    created: float | None
    layers: Layers
    document: Mapping[str, object] = field(default_factory=dict)
    inventory: ImageInventory | None = None
    scans: tuple[ScanResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One that differs; None where the image has it not."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class LayerChanges:
    """Layers of both as the first has them, of the second alone, of the first alone; from the base up."""

    same: tuple[Layer, ...]
    added: tuple[Layer, ...]
    removed: tuple[Layer, ...]


PackageName = tuple[PackageType, str]
"""What makes it the same package in two images; the name with what stands before it in its ecosystem."""


@dataclass(frozen=True, slots=True)
class PackageVersions:
    """A package with its versions, in order of text: those of one image alone, or `before` and `after`."""

    type: PackageType
    name: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageChanges:
    """In order of type and name. `same` counts versions that are in both."""

    added: tuple[PackageVersions, ...]
    removed: tuple[PackageVersions, ...]
    changed: tuple[PackageVersions, ...]
    same: int


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """By one scanner."""

    scanner: str
    findings: ScanComparison


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it: `before` is the first image, `after` the second."""

    before: Compared
    after: Compared
    layers: LayerChanges
    settings: tuple[Setting, ...]
    packages: PackageChanges | None
    findings: FindingChanges | None

    @property
    def same(self) -> bool:
        """Whether both are one image."""
        return self.before.id == self.after.id


def compare(before: Compared, after: Compared) -> Difference:
    """What differs."""
    return Difference(
        before,
        after,
        compare_layers(before.layers.rows, after.layers.rows),
        tuple(compare_settings(settings_of(before.document), settings_of(after.document))),
        _packages(before.inventory, after.inventory),
        _findings(before.scans, after.scans),
    )


def compare_layers(before: Iterable[Layer], after: Iterable[Layer]) -> LayerChanges:
    """Steps without a layer are in none of the lists."""
    ours, theirs = [layer for layer in before if layer.keys], [layer for layer in after if layer.keys]
    here, there = _keys(ours), _keys(theirs)
    return LayerChanges(
        tuple(layer for layer in ours if not there.isdisjoint(layer.keys)),
        tuple(layer for layer in theirs if here.isdisjoint(layer.keys)),
        tuple(layer for layer in ours if there.isdisjoint(layer.keys)),
    )


def compare_settings(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Setting]:
    """In order of name."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Setting(name, before.get(name), after.get(name))


def compare_packages(before: Iterable[Package], after: Iterable[Package]) -> PackageChanges:
    """One of which versions came and went has changed; one of which only some came was added."""
    ours, theirs = _versions(before), _versions(after)
    added, removed, changed, same = [], [], [], 0
    for type_, name in sorted({*ours, *theirs}):
        mine, other = ours.get((type_, name), set()), theirs.get((type_, name), set())
        found = PackageVersions(type_, name, tuple(sorted(mine - other)), tuple(sorted(other - mine)))
        same += len(mine & other)
        if found.before and found.after:
            changed.append(found)
        elif found.after:
            added.append(found)
        elif found.before:
            removed.append(found)
    return PackageChanges(tuple(added), tuple(removed), tuple(changed), same)


def settings_of(document: Mapping[str, object]) -> Mapping[str, str]:
    """What a config sets, in text, by the names that image-spec gives it: `Env.PATH` is one variable. What is set to
    nothing is not set."""
    config = document.get("config")
    inner = config if isinstance(config, dict) else {}
    told = [(name, document.get(name)) for name in ("created", "author")]
    told += [pair for name, value in inner.items() for pair in _parts(str(name), value)]
    return {name: _text(value) for name, value in told if value not in _NOTHING}


_NOTHING: tuple[object, ...] = (None, "", False, [], {})


def _parts(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Each variable and label for itself; what else has names and nothing besides, as their list."""
    if name == "Env" and isinstance(value, list):
        for each in value:
            variable, _, text = str(each).partition("=")
            yield f"Env.{variable}", text or "''"
    elif name == "Labels" and isinstance(value, dict):
        yield from ((f"Labels.{label}", text or "''") for label, text in value.items())
    elif name in {"ExposedPorts", "Volumes"} and isinstance(value, dict):
        yield name, sorted(map(str, value))
    else:
        yield name, value


def _text(value: object) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return shlex.join(value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _keys(layers: Iterable[Layer]) -> set[object]:
    return {key for layer in layers for key in layer.keys}


def _packages(before: ImageInventory | None, after: ImageInventory | None) -> PackageChanges | None:
    if before is None or after is None:
        return None
    return compare_packages((each.package for each in before.packages), (each.package for each in after.packages))


def _versions(packages: Iterable[Package]) -> dict[PackageName, set[str]]:
    found: dict[PackageName, set[str]] = {}
    for package in packages:
        name = f"{package.namespace}/{package.name}" if package.namespace else package.name
        found.setdefault((package.type, name), set()).add(package.version)
    return found


def _findings(before: Sequence[ScanResult], after: Sequence[ScanResult]) -> FindingChanges | None:
    """By the first scanner, in order of name, that came to a result of both."""
    ours, theirs = ({each.scanner: each for each in scans if each.status.sound} for scans in (before, after))
    scanner = min(ours.keys() & theirs.keys(), default=None)
    if scanner is None:
        return None
    return FindingChanges(scanner, compare_scans(ours[scanner], theirs[scanner]))
