"""Modules of Red Hat's family: versions of a program that stand beside each other, each mended by itself (Fedora's
modularity, Streams).

Neither packages nor records say in a field of its own which stream they are of: the release has a mark of its module's
build, and an erratum's summary the stream: `Important: nodejs:18 security update`.
"""

from __future__ import annotations

import re

from lading.inventory.advisory import Advisory, Affected, EventKind

_WITH_MODULES = frozenset({"AlmaLinux", "Red Hat", "Rocky Linux"})
_MARK = ".module"
_STREAM = re.compile(r"\b[a-z][\w+-]*:([0-9][\w.]*)")


def is_other_stream(advisory: Advisory, entry: Affected, version: str) -> bool:
    """Whether the record's versions say nothing of `version`: one of the two is of no module, or both are of different
    streams. Where the versions of a module's package do not follow its streams' names, nobody can tell."""
    if entry.ecosystem.partition(":")[0] not in _WITH_MODULES:
        return False
    mended = [event.version for events in entry.ranges for event in events if event.kind is EventKind.FIXED]
    if mended and all((_MARK in version) != (_MARK in other) for other in mended):
        return True
    named = _STREAM.search(advisory.summary)
    if named is None or _MARK not in version or not all(_is_of(other, named[1]) for other in mended):
        return False
    return not _is_of(version, named[1])


def _is_of(version: str, stream: str) -> bool:
    upstream = version.rpartition(":")[2].partition("-")[0]
    return f"{upstream}.".startswith(f"{stream}.")
