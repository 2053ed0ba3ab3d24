"""`python -m lading`.

A command's objects are made at its start and stay until its end, so looking among them for cycles finds nothing; as
Python is set, that is a sixth of what a command with nothing to do takes, most of it at the interpreter's end.
"""

from __future__ import annotations

import gc
import sys

YOUNG_OBJECTS = 50_000
"""New objects between two looks for cycles, instead of 700: about what a command makes until it begins to work."""

INTERRUPTED = 130
"""The exit code (interfaces, 3)."""


def main() -> None:
    """The console command."""
    gc.set_threshold(YOUNG_OBJECTS)
    try:
        from lading.main import run  # noqa: PLC0415  importing makes most of those objects

        code = run()
    except KeyboardInterrupt:  # before anything has begun that could say so
        code = INTERRUPTED
    gc.freeze()  # the last look, at the interpreter's end, passes over what is here
    sys.exit(code)


if __name__ == "__main__":
    main()
