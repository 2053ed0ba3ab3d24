"""Platforms: what a manifest was built for, and which of several serves somebody (image-spec, image-index.md).

    linux/arm/v7        os/architecture/variant
    windows(10.0.17763)/amd64    with the version of the operating system, as containerd writes it

An index keeps platforms as they were written; everything that compares them looks at `normalised`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from lading.errors import InputInvalid
from lading.oci.digest import Digest
from lading.oci.document import Fields


class PlatformInvalid(InputInvalid):
    """Text that names no platform."""

    hint = "Write os/architecture or os/architecture/variant, like linux/arm64 or linux/arm/v7."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text[:160]!r} is not a platform"


_GRAMMAR = re.compile(
    r"(?P<os>[A-Za-z0-9_.-]+)(?:\((?P<os_version>[A-Za-z0-9_.-]+)\))?"
    r"/(?P<architecture>[A-Za-z0-9_.-]+)(?:/(?P<variant>[A-Za-z0-9_.-]+))?"
)
_OS_SPELLINGS = {"macos": "darwin"}
_ARCHITECTURE_SPELLINGS: Mapping[str, tuple[str, str | None]] = {
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "i386": ("386", None),
    "i486": ("386", None),
    "i586": ("386", None),
    "i686": ("386", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
}
_USUAL_VARIANT = {"arm": "v7"}
"""What Docker's tools mean where an index says nothing."""

_SAME_AS_NONE = {("amd64", "v1"), ("arm64", "v8"), ("arm64", "v8.0")}
_NUMBERED_VARIANTS = {"arm", "arm64", "amd64"}


@dataclass(frozen=True, slots=True)
class Platform:
    """Operating system, architecture and, where it matters, variant, version and features, in the spec's spelling."""

    os: str
    architecture: str
    variant: str | None = None
    os_version: str | None = None
    os_features: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Platform:
        """From `os[(version)]/architecture[/variant]` as a person writes it, normalised. Raises PlatformInvalid."""
        if not (match := _GRAMMAR.fullmatch(text)):
            raise PlatformInvalid(text)
        return cls(match["os"], match["architecture"], match["variant"], match["os_version"]).normalised

    @classmethod
    def of(cls, system: str, machine: str) -> Platform:
        """What runs on a machine, in `uname`'s words. On a Mac images run in a Linux machine, so it asks for Linux."""
        system = "linux" if system.lower() in {"darwin", "macos"} else system
        return cls(system, machine).normalised

    @classmethod
    def read(cls, fields: Fields) -> Platform:
        """From a descriptor's platform object; what it leaves out is unknown, which nobody asks for."""
        return cls(
            fields.text("os") or _UNKNOWN,
            fields.text("architecture") or _UNKNOWN,
            fields.text("variant") or None,
            fields.text("os.version") or None,
            fields.texts("os.features"),
        )

    def written(self) -> dict[str, object]:
        """As a descriptor's platform object, in the spec's order of fields."""
        members = {
            "architecture": self.architecture,
            "os": self.os,
            "os.version": self.os_version,
            "os.features": list(self.os_features),
            "variant": self.variant,
        }
        return {name: value for name, value in members.items() if value}

    @property
    def normalised(self) -> Platform:
        """In the one spelling that compares: `x86_64` is amd64, `aarch64` and `arm64/v8` are arm64, arm alone is v7."""
        system = self.os.lower()
        architecture, variant = self.architecture.lower(), (self.variant or "").lower() or None
        architecture, implied = _ARCHITECTURE_SPELLINGS.get(architecture, (architecture, None))
        variant = variant or implied or _USUAL_VARIANT.get(architecture)
        if variant and variant[0].isdigit() and architecture in _NUMBERED_VARIANTS:
            variant = f"v{variant}"
        if (architecture, variant) in _SAME_AS_NONE:
            variant = None
        return replace(self, os=_OS_SPELLINGS.get(system, system), architecture=architecture, variant=variant)

    def __str__(self) -> str:
        system = f"{self.os}({self.os_version})" if self.os_version else self.os
        return "/".join(part for part in (system, self.architecture, self.variant) if part)


_UNKNOWN = "unknown"
UNKNOWN = Platform(_UNKNOWN, _UNKNOWN)
"""What BuildKit writes for attestations; never matches."""


class Entry(Protocol):
    """What an index says of one child; a Descriptor is one."""

    @property
    def platform(self) -> Platform | None: ...
    @property
    def artifact_type(self) -> str | None: ...
    @property
    def annotations(self) -> Mapping[str, str]: ...


E = TypeVar("E", bound=Entry)


def satisfies(platform: Platform, wanted: Platform) -> bool:
    """Whether content built for `platform` serves someone who asked for `wanted`.

    What the asker leaves open matches anything (image-spec, image index, platform object); lower variants serve
    higher ones. `choose` says which of several serves best.
    """
    return _distance(platform, wanted) is not None


def choose(entries: Iterable[E], wanted: Platform) -> E | None:
    """The entry of an index that serves `wanted` best; the first of equals (image-spec, image-index.md, manifests).

    An entry that names no platform serves anybody, worse than all that do. Attestations and artifacts serve nobody.
    """
    best: E | None = None
    best_distance: tuple[int, int] | None = None
    for entry in entries:
        distance = _entry_distance(entry, wanted)
        if distance is not None and (best_distance is None or distance < best_distance):
            best, best_distance = entry, distance
    return best


_NO_PLATFORM = (1_000, 0)


def _entry_distance(entry: Entry, wanted: Platform) -> tuple[int, int] | None:
    if is_attestation(entry):
        return None
    if entry.platform is None:
        return None if entry.artifact_type else _NO_PLATFORM
    return _distance(entry.platform, wanted)


def _distance(platform: Platform, wanted: Platform) -> tuple[int, int] | None:
    """How far from what was asked: 0 is the thing itself; by variant first, then by version. None: does not serve."""
    platform, wanted = platform.normalised, wanted.normalised
    if platform.os != wanted.os or _UNKNOWN in (platform.os, platform.architecture):
        return None
    if wanted.os_features and not set(platform.os_features) <= set(wanted.os_features):
        return None
    version = _version_distance(platform, wanted)
    variant = _variant_distance(platform, wanted)
    return None if version is None or variant is None else (variant, version)


def _version_distance(platform: Platform, wanted: Platform) -> int | None:
    """Windows runs images of its own build only: the first three numbers of the version (containerd does the same)."""
    if wanted.os != "windows" or wanted.os_version is None or platform.os_version == wanted.os_version:
        return 0
    if platform.os_version is None:
        return 2
    return 1 if _build(platform.os_version) == _build(wanted.os_version) else None


def _build(version: str) -> list[str]:
    return version.split(".")[:3]


def _variant_distance(platform: Platform, wanted: Platform) -> int | None:
    serving = _serving(wanted)
    offered = (platform.architecture, platform.variant)
    if offered in serving:
        return serving.index(offered)
    open_ended = wanted.variant is None and wanted.architecture not in _NUMBERED_VARIANTS
    return len(serving) if open_ended and platform.architecture == wanted.architecture else None


def _serving(wanted: Platform) -> list[tuple[str, str | None]]:
    """What a processor of this architecture and variant runs, best first, normalised."""
    asked = (wanted.architecture, wanted.variant)
    version = _variant_version(wanted)
    if version is None:
        return [asked]
    major, minor = version
    if wanted.architecture == "amd64":
        return [
            asked,
            *(("amd64", f"v{lower}" if lower > 1 else None) for lower in range(major - 1, 0, -1)),
            ("386", None),
        ]
    if wanted.architecture == "arm":
        return [("arm", f"v{lower}") for lower in range(major, 4, -1)]
    return [*_arm64_serving(major, minor), *(("arm", f"v{lower}") for lower in range(8, 4, -1))]


def _arm64_serving(major: int, minor: int) -> list[tuple[str, str | None]]:
    """Armv9.N holds all of Armv8.(N+5) (Arm architecture reference manual, extensions)."""
    nines = [_arm64("v9", lower) for lower in range(minor, -1, -1)] if major == 9 else []
    highest_eight = minor + 5 if major == 9 else minor
    return nines + [_arm64("v8", lower) for lower in range(highest_eight, -1, -1)]


def _arm64(major: str, minor: int) -> tuple[str, str | None]:
    if minor:
        return "arm64", f"{major}.{minor}"
    return "arm64", None if major == "v8" else major


_VERSIONED = re.compile(r"v([0-9])(?:\.([0-9]))?")
_VARIANT_RANGE = {"amd64": range(1, 10), "arm": range(5, 10), "arm64": range(8, 10)}


def _variant_version(platform: Platform) -> tuple[int, int] | None:
    """The variant as numbers where its architecture counts them; None where lower ones cannot be told."""
    usual = {"amd64": "v1", "arm64": "v8"}.get(platform.architecture, "")
    match = _VERSIONED.fullmatch(platform.variant or usual)
    if not match or platform.architecture not in _NUMBERED_VARIANTS:
        return None
    if match[2] and platform.architecture != "arm64":
        return None
    return (int(match[1]), int(match[2] or 0)) if int(match[1]) in _VARIANT_RANGE[platform.architecture] else None


_REFERENCE_TYPE = "vnd.docker.reference.type"
_REFERENCE_DIGEST = "vnd.docker.reference.digest"


def is_attestation(entry: Entry) -> bool:
    """Whether an index's entry is BuildKit's provenance or SBOM of another entry, not an image."""
    return entry.annotations.get(_REFERENCE_TYPE) == "attestation-manifest"


def subject_of_attestation(entry: Entry) -> Digest | None:
    """The image an attestation speaks of; None where the entry is none or does not say."""
    if not is_attestation(entry):
        return None
    return Digest.if_valid(entry.annotations.get(_REFERENCE_DIGEST, ""))


def attesting(entry: Entry, image: Digest) -> Mapping[str, str]:
    """The annotations of an attestation, where it speaks of this image instead."""
    return {**entry.annotations, _REFERENCE_DIGEST: str(image)}
