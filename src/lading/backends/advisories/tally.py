"""What an import is told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bringing:
    """What is imported: the source's name, where it comes from, at what time (seconds since 1970), and of what time it
    says it is. `whole`: what the source does not have any more goes; else what it has is added to what is there."""

    name: str
    location: str
    now: float
    whole: bool
    built: float | None = None


@dataclass(slots=True)
class Tally:
    """What came of it (services.scans.advisories.Imported)."""

    records: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    unread: int = 0
    seen: int = 0
