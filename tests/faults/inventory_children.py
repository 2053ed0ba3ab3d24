"""Inventory children as Linux shows processes."""

from __future__ import annotations

import os
from pathlib import Path


def children(of: int | None = None) -> list[int]:
    """The inventory children that a process has started and not buried, dead ones too; by default this one's."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                command = (folder / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(parent) == (of or os.getpid()) and (b"inventory" in command or not command):
                found.append(int(folder.name))
    return found
