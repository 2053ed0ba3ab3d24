"""What is found in a data folder."""

from __future__ import annotations

from pathlib import Path

from lading.backends.advisories.lookup import KeptAdvisories
from lading.services.scans.advisories import Imported


def ids(data: Path, name: str = "demo", ecosystem: str = "PyPI") -> list[str]:
    with KeptAdvisories.opened(data / "advisories.db") as kept:
        return [each.id for each in kept.of_package(ecosystem, name)]


def counts(done: Imported) -> tuple[int, int, int, int, int]:
    return done.records, done.new, done.changed, done.gone, done.unread
