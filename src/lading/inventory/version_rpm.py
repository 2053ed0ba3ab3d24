"""Versions of rpm packages: `[epoch:]version[-release]`, as rpmvercmp puts them in order (rpm-version(7))."""

from __future__ import annotations

import re

_SEGMENTS = re.compile(r"[0-9]+|[A-Za-z]+|~|\^", re.ASCII)
_VERSION = re.compile(r"(?:([0-9]*):)?(.*?)(?:-([^-]*))?", re.ASCII | re.DOTALL)

Segments = tuple[tuple[int, int, str], ...]
Key = tuple[int, Segments, tuple[Segments, ...]]

# What a version may go on with, from the oldest: `~` is before its end and `^` just after it; a number beats letters.
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(5)
_SIGNS = {"~": (_TILDE, 0, ""), "^": (_CARET, 0, "")}


def key(version: str) -> Key:
    """Keys stand in the order of their versions. Everything is a version to rpm; one without a release is older than
    all that have one. Raises nothing."""
    read = _VERSION.fullmatch(version)
    assert read is not None  # the pattern takes any text
    epoch, upstream, release = read.groups()
    return int(epoch or 0), _ordered(upstream), () if release is None else (_ordered(release),)


def _ordered(text: str) -> Segments:
    """What stands between segments only parts them."""
    return (*map(_segment, _SEGMENTS.findall(text)), (_END, 0, ""))


def _segment(text: str) -> tuple[int, int, str]:
    if text in _SIGNS:
        return _SIGNS[text]
    return (_NUMBER, int(text), "") if text.isdigit() else (_LETTERS, 0, text)
