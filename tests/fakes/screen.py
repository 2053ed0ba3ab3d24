"""A small terminal: what a person sees, and what has scrolled away, after a program has written to it."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])")


class Screen:
    """Knows what bars are written with: text, line ends, the cursor up and down, a line erased; nothing else changes a
    cell."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.lines = [""] * height
        self.scrolled: list[str] = []
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        """Take what was written."""
        position = 0
        while position < len(text):
            sequence = _SEQUENCE.match(text, position)
            if sequence:
                self._obey(sequence[2], sequence[1])
                position = sequence.end()
            else:
                self._put(text[position])
                position += 1

    @property
    def shown(self) -> list[str]:
        """All lines that hold anything, those that scrolled away first."""
        return [line.rstrip() for line in (*self.scrolled, *self.lines) if line.strip()]

    def _obey(self, command: str, count: str) -> None:
        if command == "A":
            self._row = max(0, self._row - int(count or 1))
        elif command == "B":
            self._row = min(len(self.lines) - 1, self._row + int(count or 1))
        elif command == "K" and count == "2":
            self.lines[self._row] = ""

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._feed_line()
        else:
            if self._column == self.width:  # a terminal begins the next line only when there is something to write
                self._column = 0
                self._feed_line()
            line = self.lines[self._row].ljust(self._column)
            self.lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
            self._column += 1

    def _feed_line(self) -> None:
        if self._row + 1 < len(self.lines):
            self._row += 1
        else:
            self.scrolled.append(self.lines.pop(0))
            self.lines.append("")
