"""How reference pages are written: tables, cells, and paragraphs of one line each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

MADE = "This page is made from the program: `python -m tests.docs.reference`."


def flowing(text: str) -> str:
    """Paragraphs that are written over several lines, each on one."""
    return re.sub(r"(?<=[^\n])\n(?=[^\n])", " ", text)


def escaped(text: str) -> str:
    """For a cell of a table, on one line, with nothing in it that Markdown reads."""
    return re.sub(r"([|<>])", r"\\\1", " ".join(text.split()))


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """With a line of dashes beneath its head."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)
