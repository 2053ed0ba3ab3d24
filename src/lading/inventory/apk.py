"""Alpine's package database: one file of records, an empty line after each, letters for fields (apk v2 format).

P: name   V: version   A: architecture   o: origin, the source package   L: license   F: folder   R: file in it
"""

from __future__ import annotations

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.package import Package, PackageType

INSTALLED_PATHS = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_LIMIT = 32 * 1024 * 1024
_LONGEST = 500


def read_installed(path: str, content: bytes) -> EvidenceRead:
    """All packages and what they own."""
    packages: list[Package] = []
    owned: dict[str, tuple[str, ...]] = {}
    broken = 0
    for record in content.decode("utf-8", "replace").replace("\r", "").split("\n\n"):
        fields, files = _record(record)
        package = _package(path, fields)
        if package is not None:
            packages.append(package)
            owned[package.name] = tuple(files)
        elif fields:
            broken += 1
    notes = [f"{broken} of its entries have no name or no version"] * bool(broken)
    if content.strip() and not (packages or broken):
        notes.append("it names no package")
    return EvidenceRead(tuple(packages), owned, notes=tuple(notes))


def _record(record: str) -> tuple[dict[str, str], list[str]]:
    fields: dict[str, str] = {}
    files: list[str] = []
    folder = ""
    for line in record.split("\n"):
        letter, value = line[:2], line[2:]
        if letter == "R:":
            files.append(folder + value)
        elif letter == "F:":
            folder = f"{value}/" if 0 < len(value) <= _LONGEST else ""
        elif letter in _READ:
            fields[letter] = value
    return fields, files


_READ = frozenset({"P:", "V:", "A:", "o:", "L:"})


def _package(path: str, fields: dict[str, str]) -> Package | None:
    name, version = fields.get("P:", ""), fields.get("V:", "")
    if not (0 < len(name) <= _LONGEST and 0 < len(version) <= _LONGEST):
        return None
    origin, license_words = fields.get("o:", name)[:_LONGEST], fields.get("L:", "")[:_LONGEST]
    return Package(
        PackageType.APK,
        name,
        version,
        path,
        architecture=fields.get("A:", "")[:_LONGEST],
        source_name="" if origin == name else origin,
        licenses=(license_words,) if license_words else (),
    )


APK = Evidence("apk", frozenset(INSTALLED_PATHS).__contains__, read_installed, limit=_LIMIT, of_distribution=True)
