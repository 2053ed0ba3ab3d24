"""Gems as RubyGems installs them (RubyGems, Specification Reference).

specifications/NAME-VERSION[-PLATFORM].gemspec           Ruby code that it writes itself, one assignment a line
specifications/default/NAME-VERSION[-PLATFORM].gemspec   gems that come with Ruby
"""

from __future__ import annotations

import re

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.evidence_json import word
from lading.inventory.package import Package, PackageType

SPECIFICATION_LIMIT = 1024 * 1024
"""The longest specification read, in bytes."""


def is_installed_gem(path: str) -> bool:
    """Whether a path is that of an installed gem's specification, not of one among a gem's own files."""
    return path.endswith(".gemspec") and _INSTALLED.search(path) is not None


def read_gem(path: str, content: bytes) -> EvidenceRead:
    """The gem that a specification describes; a version that is computed is taken from the file's name."""
    text = content.decode("utf-8", "replace")
    file_name = path.rpartition("/")[2].removesuffix(".gemspec")
    named = _FILE_NAME.fullmatch(file_name[-_LENGTH:])
    name = _assigned(_NAME, text) or (named[1] if named else "")
    version = _assigned(_VERSION, text) or (named[2] if named else "")
    if not name or not version:
        return EvidenceRead(notes=("it does not say which gem it specifies",))
    licenses = _LICENSES.search(text)
    found = tuple(word(one) for one in _TEXT.findall(licenses[1])) if licenses else ()
    return EvidenceRead((Package(PackageType.GEM, name, version, path, licenses=found),))


EVIDENCE = (Evidence("gem", is_installed_gem, read_gem, SPECIFICATION_LIMIT),)

_LENGTH = 300
_INSTALLED = re.compile(r"(?:^|/)specifications/(?:default/)?[^/]+$")
_FILE_NAME = re.compile(r"([A-Za-z0-9_.-]+?)-(\d[0-9A-Za-z.]*)(?:-[^/]*)?")
_NAME = re.compile(
    r"^[ \t]{0,20}\w{1,20}\.name[ \t]{0,20}=[ \t]{0,20}(?:\"([^\"\n]{1,200})\"|'([^'\n]{1,200})')", re.MULTILINE
)
_VERSION = re.compile(
    r"^[ \t]{0,20}\w{1,20}\.version[ \t]{0,20}=[ \t]{0,20}(?:Gem::Version\.new\(?\s?)?"
    r"(?:\"([^\"\n]{1,100})\"|'([^'\n]{1,100})')",
    re.MULTILINE,
)
_LICENSES = re.compile(r"^[ \t]{0,20}\w{1,20}\.licenses?[ \t]{0,20}=[ \t]{0,20}(.{1,400})", re.MULTILINE)
_TEXT = re.compile(r"[\"']([^\"'\n]{1,100})[\"']")


def _assigned(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return word(found[1] or found[2]) if found else ""
