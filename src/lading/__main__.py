"""`python -m lading`."""

from __future__ import annotations

import sys

from lading.main import run


def main() -> None:
    """The console command."""
    sys.exit(run())


if __name__ == "__main__":
    main()
