"""Versions of scanners' programs, as those write them: `0.116.0`, `v0.74.0`."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"v?([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?")


def numbers_of(version: str) -> tuple[int, int, int] | None:
    """What it begins with; None for a build that has no number."""
    match = _NUMBERS.match(version)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def at_least(version: str, oldest: str) -> bool:
    """True also for a build that has no number: whoever made it knows."""
    found, least = numbers_of(version), numbers_of(oldest)
    return found is None or least is None or found >= least
