"""Versions of Debian and Ubuntu packages: `[epoch:]upstream[-revision]` (deb-version(7), Sorting algorithm)."""

from __future__ import annotations

import re

from lading.inventory.version_unreadable import VersionUnreadable

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_VERSION = re.compile(r"(?:([0-9]{1,9}):)?([A-Za-z0-9.+~:-]+)", re.ASCII)

Key = tuple[int, tuple[int, ...], tuple[int, ...]]


def key(version: str) -> Key:
    """Keys stand in the order of their versions. Raises VersionUnreadable."""
    read = _VERSION.fullmatch(version)
    if read is None or (read[1] is None and ":" in version):
        raise VersionUnreadable("dpkg", version)
    epoch, rest = read.groups()
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch or 0), _ordered(upstream), _ordered(revision)


def _ordered(text: str) -> tuple[int, ...]:
    """Signs and numbers by turns: each run of signs ends with 0, which stands after `~` and before all others. No text
    is as good as a nought."""
    order: list[int] = []
    for signs, digits in _PARTS.findall(text or "0"):
        order += [_weight(sign) for sign in signs]
        order += [0, int(digits)] if digits else [0, 0] if signs else []
    return (*order, 0)


def _weight(sign: str) -> int:
    """The tilde before the end, letters before everything else."""
    if sign == "~":
        return -1
    return ord(sign) if sign.isalpha() else ord(sign) + 256
