"""Debian's package database: status, the single files of images without dpkg, and the lists of owned files.

    var/lib/dpkg/status                  all packages, paragraphs of `Field: value` (deb-control(5))
    var/lib/dpkg/status.d/NAME           one package each, in images that are put together without dpkg
    var/lib/dpkg/status.d/NAME.md5sums   what it owns there
    var/lib/dpkg/info/NAME[:ARCH].list   what it owns

The same may lie below usr/lib/dpkg, where var is not part of an image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.package import Package, PackageType

STATUS_PATHS = ("var/lib/dpkg/status", "usr/lib/dpkg/status")
_FOLDERS = ("var/lib/dpkg/", "usr/lib/dpkg/")
_FIELD = re.compile(
    r"^(?:(Package|Status|Version|Architecture|Source|Maintainer):(.*)|[ \t\r]*)$", re.MULTILINE | re.IGNORECASE
)
"""A field that is read, or the empty line that ends a paragraph."""
_SOURCE = re.compile(r"([^\s(]+)(?:\s*\(([^()\s]+)\))?")
_DISTRIBUTIONS = re.compile(
    r"@(?:[a-z0-9-]{1,60}\.){0,4}(?:debian\.(?:org|net)|ubuntu\.com|canonical\.com)\b", re.IGNORECASE
)
"""Addresses of who makes Debian's and Ubuntu's packages; a few of Debian's use others."""
_NOT_THERE = frozenset({"not-installed", "config-files"})
_LONGEST = 500
_LIST_LIMIT = 16 * 1024 * 1024


def read_status(path: str, content: bytes) -> EvidenceRead:
    """All packages of a status file whose files are there: a removed one may have left its settings behind."""
    paragraphs = list(_paragraphs(content.decode("utf-8", "replace")))
    if not paragraphs and content.strip():
        return EvidenceRead(notes=("it names no package",))
    present = [each for each in paragraphs if each.get("status", "").rpartition(" ")[2] not in _NOT_THERE]
    packages = tuple(package for each in present if (package := _package(path, each)) is not None)
    broken = len(present) - len(packages)
    return EvidenceRead(packages, notes=(f"{broken} of its entries have no name or no version",) * bool(broken))


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(text):
        if match[1]:
            fields[match[1].lower()] = match[2].strip()
        elif fields:
            yield fields
            fields = {}
    if fields:
        yield fields


def _package(path: str, fields: dict[str, str]) -> Package | None:
    name, version = fields.get("package", ""), fields.get("version", "")
    if not (0 < len(name) <= _LONGEST and 0 < len(version) <= _LONGEST):
        return None
    written = _SOURCE.fullmatch(fields.get("source", "")[:_LONGEST])
    source, source_version = (written[1], written[2] or version) if written else (name, version)
    return Package(
        PackageType.DEB,
        name,
        version,
        path,
        architecture=fields.get("architecture", "")[:_LONGEST],
        source_name="" if source == name else source,
        source_version="" if source_version == version else source_version,
        by_vendor=_is_vendor(fields.get("maintainer", "")[:_LONGEST]),
    )


def _is_vendor(maintainer: str) -> bool:
    return bool(maintainer) and _DISTRIBUTIONS.search(maintainer) is None


def _read_list(path: str, content: bytes) -> EvidenceRead:
    name = path.rpartition("/")[2].removesuffix(".list").partition(":")[0]
    return EvidenceRead(owned={name: tuple(_files(content.decode("utf-8", "replace")))})


def _files(text: str) -> Iterator[str]:
    """Without the folders, each of which stands before what is in it."""
    lines = text.split("\n")
    for line, following in pairwise([*lines, ""]):
        if line[:1] == "/" and not following.startswith(f"{line}/") and line != "/.":
            yield line[1:]


def _read_single(path: str, content: bytes) -> EvidenceRead:
    if not path.endswith(".md5sums"):
        return read_status(path, content)
    lines = content.decode("utf-8", "replace").split("\n")
    files = tuple(line[33:].lstrip(" *").removeprefix("./").lstrip("/") for line in lines if len(line) > 34)
    return EvidenceRead(owned={path.rpartition("/")[2].removesuffix(".md5sums"): files})


def _is_status(path: str) -> bool:
    return path in STATUS_PATHS


def _is_single(path: str) -> bool:
    return path.startswith(_FOLDERS) and path[13:22] == "status.d/"


def _is_list(path: str) -> bool:
    return path.endswith(".list") and path.startswith(_FOLDERS) and path[13:18] == "info/"


DPKG = (
    Evidence("dpkg", _is_status, read_status, of_distribution=True),
    Evidence("dpkg without its program", _is_single, _read_single, of_distribution=True),
    Evidence("files of dpkg", _is_list, _read_list, limit=_LIST_LIMIT, of_distribution=True),
)
