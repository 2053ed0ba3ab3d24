"""Versions of PHP's packages, as version_compare puts them in order, which Composer asks (php.net, version_compare)."""

from __future__ import annotations

import re

from lading.inventory.version_unreadable import VersionUnreadable

_VERSION = re.compile(r"[vV]?([0-9][0-9A-Za-z.+_~-]*)", re.ASCII)
_PARTS = re.compile(r"[0-9]+|[A-Za-z]+", re.ASCII)

Key = tuple[tuple[int, int], ...]

# What a version may go on with, from the oldest; a word that begins with one of these counts as it.
_OTHER, _END, _NUMBER = -1, 4, 5
_WORDS = (("dev", 0), ("alpha", 1), ("a", 1), ("beta", 2), ("b", 2), ("RC", 3), ("rc", 3), ("pl", 6), ("p", 6))


def key(version: str) -> Key:
    """Keys stand in the order of their versions. Branches (`dev-main`) have none. Raises VersionUnreadable."""
    read = _VERSION.fullmatch(version)
    if read is None:
        raise VersionUnreadable("Packagist", version)
    return (*map(_part, _PARTS.findall(read[1])), (_END, 0))


def _part(text: str) -> tuple[int, int]:
    if text.isdigit():
        return _NUMBER, int(text)
    return next((rank for word, rank in _WORDS if text.startswith(word)), _OTHER), 0
