"""The composition root: settings in, wired objects out. No decisions; the only file that names concrete backends."""

from __future__ import annotations


def run() -> int:
    """Run the command line. Returns its exit code."""
    return 0
