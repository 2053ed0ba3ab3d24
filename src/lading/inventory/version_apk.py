"""Versions of Alpine packages, and of others in its format: `1.2.3b_rc4-r5` (apk-package(5), PKGINFO METADATA)."""

from __future__ import annotations

import re

from lading.inventory.version_unreadable import VersionUnreadable

_BEFORE = ("alpha", "beta", "pre", "rc")
_AFTER = ("cvs", "svn", "git", "hg", "p")
_SUFFIXES = {name: place - len(_BEFORE) for place, name in enumerate(_BEFORE + _AFTER)}

_VERSION = re.compile(
    r"(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?:(?P<letter>[a-z])(?P<after>[0-9]*))?"
    rf"(?P<suffixes>(?:_(?:{'|'.join(_SUFFIXES)})[0-9]*)*)(?P<hash>~[0-9a-f]+)?(?:-r(?P<revision>[0-9]+))?",
    re.ASCII,
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")

Part = tuple[int, int, str]
Key = tuple[Part, ...]

# What a version may go on with, from the oldest: suffixes such as `_rc` are before its end.
_PRE_SUFFIX, _END, _REVISION, _HASH, _SUFFIX_NUMBER, _POST_SUFFIX, _LETTER, _NUMBER = range(8)


def key(version: str) -> Key:
    """Keys stand in the order of their versions. Raises VersionUnreadable."""
    read = _VERSION.fullmatch(version)
    if read is None:
        raise VersionUnreadable("apk", version)
    first, *others = read["numbers"].split(".")
    parts: list[Part] = [(_NUMBER, int(first), "")]
    parts += map(_component, others)
    parts += [(_LETTER, 0, read["letter"])] if read["letter"] else []
    parts += [(_NUMBER, int(read["after"]), "")] if read["after"] else []
    for name, number in _SUFFIX.findall(read["suffixes"]):
        place = _SUFFIXES[name]
        parts.append((_PRE_SUFFIX if place < 0 else _POST_SUFFIX, place, ""))
        parts += [(_SUFFIX_NUMBER, int(number), "")] if number else []
    parts += [(_HASH, 0, read["hash"])] if read["hash"] else []
    parts += [(_REVISION, int(read["revision"]), "")] if read["revision"] else []
    return (*parts, (_END, 0, ""))


def _component(digits: str) -> Part:
    """One that begins with a nought is a decimal fraction: it compares by its text, and is before all others."""
    return (_NUMBER, -1, digits) if digits.startswith("0") else (_NUMBER, int(digits), "")
