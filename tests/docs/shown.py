"""What a page shows beside what was printed: the same, but for what differs from run to run."""

from __future__ import annotations

import re

VARIES = (
    (r"sha256:[0-9a-f]{4,64}", r"sha256:[0-9a-f]+"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", r"[0-9a-f-]{36}"),
    (r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?)?", r"\d{4}-\d\d-\d\d(?:[ T][\d:.]+Z?)?"),
    (r"\b\d+(?:\.\d+)? (?:ms|s|min)\b", r"\d+(?:\.\d+)? (?:ms|s|min)"),
    (r"\b\d+(?:\.\d+)?(?:ms|s)\b", r"\d+(?:\.\d+)?(?:ms|s)"),
    (r" {2,}", r"\s+"),
    ("…", r".*"),
)
"""What in a page stands for itself alone: digests, ids, times, the space between columns, and what is left out."""

_ANY = re.compile("|".join(f"({what})" for what, _ in VARIES))


def pattern(shown: str) -> re.Pattern[str]:
    """Matches what is printed where a page shows this. `…` is left out within a line; alone on one, it is any lines."""
    lines = [r"(?:.*\n)*" if line == "…" else _line(line) + r"[ ]*\n" for line in shown.splitlines()]
    return re.compile("".join(lines))


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether this was printed and nothing else."""
    return pattern(shown).fullmatch(printed if printed.endswith("\n") or not printed else printed + "\n") is not None


def _line(line: str) -> str:
    made, end = "", 0
    for match in _ANY.finditer(line):
        made += re.escape(line[end : match.start()]) + VARIES[(match.lastindex or 1) - 1][1]
        end = match.end()
    return made + re.escape(line[end:])
