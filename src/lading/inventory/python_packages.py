"""Python distributions as installers leave them (Core metadata specifications; PEP 376, 503, 639).

site-packages/NAME-VERSION.dist-info/METADATA        wheels
site-packages/NAME-VERSION[-pyX.Y].egg-info          a file, or
site-packages/NAME-VERSION[-pyX.Y].egg-info/PKG-INFO a folder: setup.py and distributions
site-packages/NAME-VERSION-pyX.Y.egg/EGG-INFO/PKG-INFO
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.evidence_json import word
from lading.inventory.package import Package, PackageType

METADATA_LIMIT = 8 * 1024 * 1024
"""The longest metadata read, in bytes. The project's whole readme stands below its fields."""


def is_python_metadata(path: str) -> bool:
    """Whether a path is that of a distribution's metadata."""
    return path.endswith((".dist-info/METADATA", ".egg-info/PKG-INFO", "/EGG-INFO/PKG-INFO", ".egg-info"))


def read_python_metadata(path: str, content: bytes) -> EvidenceRead:
    """The distribution that the metadata describes; what it does not say its folder's name may."""
    fields = _Fields(content)
    folder = _folder_name(path)
    name = fields.first("name") or folder[0]
    version = fields.first("version") or folder[1]
    if not name or not _NAME.fullmatch(name):
        return EvidenceRead(notes=("it does not say which distribution it describes",))
    package = Package(PackageType.PYPI, normal_name(name), version, path, licenses=fields.licenses())
    return EvidenceRead((package,))


def normal_name(name: str) -> str:
    """The one spelling of a distribution's name (PEP 503, Normalized Names)."""
    return _SEPARATORS.sub("-", name).lower()


EVIDENCE = (Evidence("Python distribution", is_python_metadata, read_python_metadata, METADATA_LIMIT),)

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_SEPARATORS = re.compile(r"[-_.]+")
_SUFFIX = re.compile(r"\.(?:dist-info|egg-info|egg)$")
_HEAD_LIMIT = 256 * 1024
_LICENSE_LENGTH = 100


def _folder_name(path: str) -> tuple[str, str]:
    """Name and version as the folder, or the file, is called."""
    folder = next((part for part in reversed(path.split("/")[-3:]) if _SUFFIX.search(part)), "")
    parts = _SUFFIX.sub("", folder).split("-")
    return (word(parts[0]), word(parts[1])) if len(parts) > 1 else ("", "")


class _Fields:
    """The fields above the first empty line, by their names in lower case; a field may be given several times."""

    def __init__(self, content: bytes) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in _lines(content[:_HEAD_LIMIT]):
            self._values.setdefault(name, []).append(value)

    def first(self, name: str) -> str:
        return next((text for text in map(word, self._values.get(name, ())) if text and text != "UNKNOWN"), "")

    def licenses(self) -> tuple[str, ...]:
        """The licence expression; else the licence where it is a name and not the whole text; else the classifiers."""
        for field in ("license-expression", "license"):
            if (said := self.first(field)) and len(said) <= _LICENSE_LENGTH:
                return (said,)
        classified = (word(value) for value in self._values.get("classifier", ()))
        return tuple(dict.fromkeys(_last(value) for value in classified if value.startswith("License ::")))


def _lines(head: bytes) -> Iterator[tuple[str, str]]:
    """The fields' first lines. What a field goes on with on further lines is prose: no name, version or licence."""
    for line in head.decode("utf-8", "replace").splitlines():
        if not line.strip():
            return
        name, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            yield name.lower(), value


def _last(classifier: str) -> str:
    return classifier.rpartition("::")[2].strip()
