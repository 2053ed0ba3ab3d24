"""A listing of images that nobody makes."""

from __future__ import annotations


class Unlisted:
    """Fulfils engine.embedded.Listing where no other program reads the content."""

    def changed(self) -> None:
        """Nobody wants to know."""
