"""Semantic versions, as npm, Go and Cargo write them, and NuGet's, which have four numbers (semver.org, section 11).

Read leniently: a leading `v` is passed over, numbers may be missing, and there may be more than three.
"""

from __future__ import annotations

import re

from lading.inventory.version_unreadable import VersionUnreadable

_VERSION = re.compile(r"[vV=]?([0-9]+(?:\.[0-9]+)*)(?:-([0-9A-Za-z.-]*))?(?:\+.*)?", re.ASCII)

Identifiers = tuple[tuple[int, int, str], ...]
Key = tuple[tuple[int, ...], int, Identifiers]


def key(version: str) -> Key:
    """Keys stand in the order of their versions; what follows a `+` does not count. Raises VersionUnreadable."""
    return _key(version, version)


def nuget_key(version: str) -> Key:
    """The same with labels in any case (NuGet, Package versioning)."""
    return _key(version.lower(), version)


def _key(text: str, version: str) -> Key:
    read = _VERSION.fullmatch(text)
    if read is None:
        raise VersionUnreadable("semver", version)
    numbers, label = read.groups()
    core = [int(number) for number in numbers.split(".")]
    while core and core[-1] == 0:
        core.pop()
    if not label:
        return tuple(core), 1, ()
    return tuple(core), 0, tuple(map(_identifier, label.split(".")))


def _identifier(text: str) -> tuple[int, int, str]:
    """Numbers are before words."""
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
