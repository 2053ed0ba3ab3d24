"""Lengths of time on the command line: 30m, 12h, 30d, 52w."""

from __future__ import annotations

import re

_UNITS = {"m": 60, "h": 60 * 60, "d": 24 * 60 * 60, "w": 7 * 24 * 60 * 60}


def duration_seconds(text: str) -> float | None:
    """None where it is none, or no time at all."""
    match = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    return float(int(match[1]) * _UNITS[match[2]]) if match and int(match[1]) else None
