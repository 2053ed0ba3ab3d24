"""What is no version where one was expected."""

from __future__ import annotations

from lading.errors import InputInvalid

LENGTH_LIMIT = 500
"""The longest version read, in characters: real ones stay below 100, and numbers of thousands of digits take long."""


class VersionUnreadable(InputInvalid):
    """`version` is not one that `ecosystem` knows an order for: nothing can be said of it, neither good nor bad."""

    code = "version_unreadable"

    def __init__(self, ecosystem: str, version: str) -> None:
        super().__init__(ecosystem, version)
        self.ecosystem, self.version = ecosystem, version

    def __str__(self) -> str:
        return f"{self.version[:80]!r} is not a version that {self.ecosystem} can put in order"
