"""Figures and times as people read them; tables for the terminal, and nothing that could command it.

What strangers wrote (names in archives, configs, a registry's refusals) may hold sequences that move the cursor, change
the window's title or answer in the person's place: on a terminal they are shown as what they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

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


def visible(text: str, kept: str = "") -> str:
    r"""The text with all that does not print, but for the characters `kept`, written as Python writes it: `\x1b`.

    So are the marks that turn the direction of writing, and halves of surrogate pairs, which no terminal takes.
    """
    return _written(text, kept, lambda hidden: hidden.encode("unicode_escape").decode("ascii"))


def visible_json(text: str) -> str:
    r"""JSON with all that does not print, but for its line ends, as JSON itself writes it: `\u009b` means the same."""
    return _written(text, "\n", lambda hidden: json.dumps(hidden)[1:-1])


def _written(text: str, kept: str, write: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in kept else write(each) for each in text)


def lines(parts: Iterable[str]) -> str:
    """A line each, whatever stands in them."""
    return "\n".join(map(visible, parts))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns with two spaces between them; nothing is cut, so it can be read by a script."""
    filled = [tuple(headings), *(tuple(map(visible, row)) for row in rows)]
    widths = [max(len(line[column]) for line in filled) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in filled
    )
