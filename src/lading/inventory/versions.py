"""The order of versions, which every ecosystem has its own of.

A version is read once into a key; keys of one ecosystem compare with each other as their versions do, which makes the
order whole: no two versions are each before the other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from packaging.version import InvalidVersion, Version

from lading.inventory import (
    version_apk,
    version_composer,
    version_dpkg,
    version_gem,
    version_maven,
    version_rpm,
    version_semantic,
)
from lading.inventory.version_unreadable import LENGTH_LIMIT, VersionUnreadable

VersionKey = Any  # each ecosystem has its own form, and only keys of the same one ever meet


def compare(ecosystem: str, version: str, other: str) -> int:
    """Negative where `version` is before `other`, 0 where they are the same, else positive. Raises VersionUnreadable,
    also for an ecosystem whose order is not known here."""
    left, right = key(ecosystem, version), key(ecosystem, other)
    return -1 if left < right else int(left != right)


def key(ecosystem: str, version: str) -> VersionKey:
    """What puts `version` in order among those of its ecosystem (`Debian:12`). Raises VersionUnreadable."""
    return _key(ecosystem.partition(":")[0], version)


@lru_cache(maxsize=20_000)
def _key(ecosystem: str, version: str) -> VersionKey:
    read = _READERS.get(ecosystem)
    if read is None or not 0 < len(version) <= LENGTH_LIMIT:
        raise VersionUnreadable(ecosystem, version)
    return read(version)


def _pypi_key(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion as error:
        raise VersionUnreadable("PyPI", version) from error


_READERS: dict[str, Callable[[str], VersionKey]] = {
    "PyPI": _pypi_key,
    "npm": version_semantic.key,
    "Go": version_semantic.key,
    "crates.io": version_semantic.key,
    "NuGet": version_semantic.nuget_key,
    "RubyGems": version_gem.key,
    "Maven": version_maven.key,
    "Packagist": version_composer.key,
    **dict.fromkeys(("Debian", "Ubuntu"), version_dpkg.key),
    **dict.fromkeys(("Alpine", "Wolfi", "Chainguard", "MinimOS"), version_apk.key),
    **dict.fromkeys(
        ("AlmaLinux", "Rocky Linux", "Red Hat", "SUSE", "openSUSE", "Azure Linux", "Mageia", "openEuler", "Photon OS"),
        version_rpm.key,
    ),
}
