"""Which part of some content a GET asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re

from lading.errors import InputInvalid

_RANGE = re.compile(r"bytes=\s*(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))\s*", re.IGNORECASE)


class RangeUnsatisfiable(InputInvalid):
    """A part that content of `size` bytes does not have; also one that ends before it begins."""

    def __init__(self, text: str, size: int) -> None:
        super().__init__(text, size)
        self.text, self.size = text, size

    def __str__(self) -> str:
        return f"content of {self.size} bytes has no range {self.text[:80]!r}"


def part_of(size: int, text: str | None) -> tuple[int, int] | None:
    """Offset and length, at least 1 byte; None for the whole: no range, several, or a unit we do not know.

    Raises RangeUnsatisfiable.
    """
    match = _RANGE.fullmatch(text) if text is not None else None
    if text is None or match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        start, end = max(size - int(suffix), 0), size
    else:
        start, end = int(first), size if last is None else min(int(last) + 1, size)
    if start >= end:
        raise RangeUnsatisfiable(text, size)
    return start, end - start
