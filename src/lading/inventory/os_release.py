"""Which distribution an image is: os-release (os-release(5)), and for what is older, the release file of Red Hat's."""

from __future__ import annotations

import re
from types import MappingProxyType

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.package import OsRelease

RELEASE_PATHS = ("etc/os-release", "usr/lib/os-release", "etc/centos-release", "etc/redhat-release")
"""The first that is there counts (os-release(5); CentOS and Red Hat Enterprise Linux had none before 7)."""

_LIMIT = 64 * 1024
_MOST_FIELDS = 100
_LONGEST = 1000
_ASSIGNMENT = re.compile(r"[ \t]*([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_ESCAPED = re.compile(r'\\([$"`\\\n])')
_CODENAME = re.compile(r"\(([A-Za-z]+)[^)]*\)")
_OLD = re.compile(r"(CentOS|Red Hat Enterprise Linux)\b.*?\brelease (\d+(?:\.\d+)*)")
_OLD_IDS = MappingProxyType({"CentOS": "centos", "Red Hat Enterprise Linux": "rhel"})


def read_os_release(content: bytes) -> OsRelease:
    """Lines that assign nothing are passed over as comments are. Of a name given twice the last counts."""
    fields: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment and (len(fields) < _MOST_FIELDS or assignment[1] in fields):
            fields[assignment[1]] = _value(assignment[2].strip())[:_LONGEST]
    return OsRelease(
        id=fields.get("ID", "").lower() or "linux",
        version_id=fields.get("VERSION_ID", ""),
        id_like=tuple(fields.get("ID_LIKE", "").lower().split()),
        codename=_codename(fields),
        name=fields.get("NAME", ""),
        fields=tuple(fields.items()),
    )


def _value(written: str) -> str:
    quote = written[:1]
    if quote in {"'", '"'} and len(written) > 1 and written[-1] == quote:
        written = written[1:-1]
    return written if quote == "'" else _ESCAPED.sub(r"\1", written)


def _codename(fields: dict[str, str]) -> str:
    """Debian's before 2015 stands in brackets behind the version."""
    named = fields.get("VERSION_CODENAME") or fields.get("UBUNTU_CODENAME")
    if named:
        return named
    bracketed = _CODENAME.search(fields.get("VERSION", ""))
    return bracketed[1].lower() if bracketed else ""


def _read(path: str, content: bytes) -> EvidenceRead:
    if path.endswith("/os-release"):
        return EvidenceRead(release=read_os_release(content))
    line = content[:_LONGEST].decode("utf-8", "replace")
    old = _OLD.match(line)
    return EvidenceRead(release=OsRelease(_OLD_IDS[old[1]], old[2], name=old[1]) if old else None)


OS_RELEASE = Evidence("os-release", frozenset(RELEASE_PATHS).__contains__, _read, limit=_LIMIT, of_distribution=True)
