"""Figures and times as people read them; tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: int | None) -> str:
    """Bytes in steps of a thousand, as registries and docker count: `84.2 MB`; `?` where unknown."""
    if count is None:
        return "?"
    value, unit = float(count), 0
    while value >= 999.95 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{count} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def progress(current: int, total: int | None) -> str:
    """`44.1 MB/58.0 MB`; `≥` where the total is not known yet."""
    return f"{size(current)}/{size(total)}" if total is not None else f"≥ {size(current)}"


def duration(seconds: float) -> str:
    """`0.4 s`, `2 min 5 s`, `1 h 3 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def age(seconds: float) -> str:
    """How long ago, as docker says it: `3 days ago`."""
    for length, unit in ((86400 * 365, "year"), (86400 * 30, "month"), (86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "now"


def plural(count: int, noun: str) -> str:
    """`1 layer`, `12 layers`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns with two spaces between them; nothing is cut, so it can be read by a script."""
    lines = [tuple(headings), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
