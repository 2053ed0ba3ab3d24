"""Strangers' texts on their way to somebody's terminal."""

from __future__ import annotations

_KEPT = "\n\t"
"""What a message may be laid out with."""


def shown_text(text: str) -> str:
    """The text with everything spelled out that a terminal would obey instead of showing: escape sequences, carriage
    returns, and what turns the direction of writing."""
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n")
    return "".join(each if each.isprintable() or each in _KEPT else _spelled(each) for each in lines)


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
