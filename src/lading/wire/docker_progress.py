"""How Docker writes progress: the bar that its clients and those of its API print as it is (facts: stream framing)."""

from __future__ import annotations

from lading.oci.digest import Algorithm

CELLS = 50
"""Of a bar."""

_ALGORITHMS = frozenset(each.value for each in Algorithm)
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")


def progress_text(current: int, total: int | None) -> str:
    """`[====>    ]  12.3MB/45.6MB`; no total where it is unknown or was wrong; empty where nothing is known."""
    if current <= 0 and not total:
        return ""
    count = f"{size_text(current):>8}"
    if not total:
        return count
    done = min(current * 100 // total // 2, CELLS)
    bar = f"[{'=' * done}>{' ' * (CELLS - done)}] "
    return f"{bar}{count}" if current > total else f"{bar}{count}/{size_text(total)}"


def size_text(size: int) -> str:
    """Bytes with four significant digits and decimal units: `1.049MB`."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.4g}{_UNITS[unit]}"


def short_id(piece: str) -> str:
    """As Docker's lines name a layer: the first 12 characters of a digest's hex; a daemon's own id as it is."""
    algorithm, colon, encoded = piece.partition(":")
    return encoded[:12] if colon and algorithm in _ALGORITHMS else piece
