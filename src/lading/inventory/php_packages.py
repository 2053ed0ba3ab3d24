"""Packages that Composer installed: `vendor/composer/installed.json`, an array, or since Composer 2 an object with the
array as `packages` (Composer, the lock file's schema of a package)."""

from __future__ import annotations

from collections.abc import Mapping

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.evidence_invalid import noted
from lading.inventory.evidence_json import items, json_value, members, word, words
from lading.inventory.package import Package, PackageType

INSTALLED_LIMIT = 32 * 1024 * 1024
"""The longest list of installed packages read, in bytes."""


def is_installed_list(path: str) -> bool:
    """Whether a path is that of Composer's list of what it installed."""
    return path.endswith("/composer/installed.json")


@noted
def read_installed(path: str, content: bytes) -> EvidenceRead:
    """The packages that the list names. Branches, as `dev-main`, are their versions."""
    document = json_value(content)
    entries = items(members(document).get("packages")) or items(document)
    packages = (_package(members(entry), path) for entry in entries)
    return EvidenceRead(tuple(package for package in packages if package is not None))


EVIDENCE = (Evidence("Composer packages", is_installed_list, read_installed, INSTALLED_LIMIT),)


def _package(entry: Mapping[str, object], path: str) -> Package | None:
    vendor, slash, name = word(entry.get("name")).partition("/")
    version = word(entry.get("version"))
    if not slash or not vendor or not name or not version:
        return None
    licenses = words(entry.get("license"))
    return Package(PackageType.COMPOSER, name, version, path, namespace=vendor, licenses=licenses)
