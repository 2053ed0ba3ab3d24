"""How bad a finding is: one scale for every source of ratings."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """From the worst down. `UNKNOWN` means that nobody rated it: neither harmless nor grave."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEGLIGIBLE = "negligible"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """Greater is worse; an unknown one ranks lowest."""
        return _RANKS[self]

    def at_least(self, other: Severity) -> bool:
        """Whether it is as bad as `other`, or worse."""
        return self.rank >= other.rank


_RANKS = {severity: rank for rank, severity in enumerate(reversed(Severity))}
