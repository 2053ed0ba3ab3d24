"""What a program logs, cut into lines: each is heard once, and the end is kept for people. Never more than a little."""

from __future__ import annotations

from collections.abc import Callable

from lading.services.blotting import without_secrets

Heard = Callable[[str], None]
"""Takes one line, without its end. Returns at once and never raises."""

LINE_LIMIT = 4096
KEPT = 8192
_SHOWN = 500
"""Bytes: of a line, beyond which it is cut, and of the end that is kept; and characters of it that are shown."""


def nobody(line: str) -> None:
    """Nobody listens."""


class LogLines:
    """Bytes that are no UTF-8, and characters that would steer a terminal, are shown as marks."""

    def __init__(self, heard: Heard = nobody) -> None:
        self._heard = heard
        self._begun, self._kept = b"", b""

    def add(self, piece: bytes) -> None:
        """Some more bytes; none: it is all."""
        self._kept = (self._kept + piece)[-KEPT:]
        *whole, rest = (self._begun + piece).split(b"\n")
        for line in whole:
            self._heard(readable(line[:LINE_LIMIT]))
        self._begun = rest[:LINE_LIMIT]  # of one that is too long only its beginning is heard
        if not piece and self._begun:
            self._heard(readable(self._begun))
            self._begun = b""

    def end(self) -> str:
        """The last words, in one line for a person; empty where it said nothing."""
        lines = [line.strip() for line in readable(self._kept, keep="\n").split("\n")]
        return without_secrets(next((line for line in reversed(lines) if line), ""))[-_SHOWN:]


def readable(content: bytes, keep: str = "") -> str:
    """As text that can be shown anywhere."""
    text = content.decode("utf-8", "replace")
    return "".join(character if character.isprintable() or character in keep else " " for character in text).strip()
