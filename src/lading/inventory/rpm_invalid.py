"""What an rpm database may turn out to be."""

from __future__ import annotations

from lading.errors import ContentCorrupt


class RpmDatabaseInvalid(ContentCorrupt):
    """Bytes that are no package database of rpm, or a broken one; `rule` says what is wrong, after `it`."""

    code = "rpm_database_invalid"

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule

    def __str__(self) -> str:
        return f"the rpm database cannot be read: it {self.rule}"
