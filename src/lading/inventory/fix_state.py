"""Whether those who make a package have mended what is wrong with it."""

from __future__ import annotations

from enum import StrEnum


class FixState(StrEnum):
    """`UNKNOWN`: later versions may be sound, but no record names the first of them."""

    FIXED = "fixed"
    NOT_FIXED = "not-fixed"
    WONT_FIX = "wont-fix"
    UNKNOWN = "unknown"
