"""Lengths of time on the command line: 30m, 12h, 30d, 52w."""

from __future__ import annotations

import re

from lading.errors import InputInvalid

_UNITS = {"m": 60, "h": 60 * 60, "d": 24 * 60 * 60, "w": 7 * 24 * 60 * 60}


class DurationInvalid(InputInvalid):
    """A time that a token is to last, and is none."""

    hint = "Write 12h, 30d or 52w."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} is no time that a token can last"


def lasting_seconds(text: str) -> float:
    """How long a token is to last. Raises DurationInvalid."""
    seconds = duration_seconds(text)
    if seconds is None:
        raise DurationInvalid(text)
    return seconds


def duration_seconds(text: str) -> float | None:
    """None where it is none, or no time at all."""
    match = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    return float(int(match[1]) * _UNITS[match[2]]) if match and int(match[1]) else None
