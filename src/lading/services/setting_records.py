"""What is set for the whole of Lading: SettingRecords, the protocol that the database fulfils."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class SettingRecords(Protocol):
    """JSON values by key. Durable when a method returns. Every method raises StorageFailed."""

    def settings(self) -> Mapping[str, object]:
        """All that are set."""

    def setting(self, key: str) -> object:
        """None where it is not set."""

    def put_setting(self, key: str, value: object) -> None:
        """Set it; None is a value like any other."""

    def add_setting(self, key: str, value: object) -> object:
        """Set it unless it is set, and give what it holds now: of several who begin at once, one decides for all."""

    def remove_setting(self, key: str) -> bool:
        """Whether it was set."""
