"""What is wrong with the images that are there, counted for whoever watches Lading (GET /metrics)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lading.services.findings.records import ScanRecords
from lading.services.findings.rows import FindingQuery
from lading.services.schedules import Chore

REFRESH_SECONDS = 5 * 60.0
"""How old the figures may be: to count them takes a look at every finding."""


class ScanFigures:
    """For any number of threads."""

    def __init__(self, records: ScanRecords) -> None:
        self._records = records
        self._counts: Mapping[str, float] = {}

    def gauges(self) -> Mapping[str, float]:
        """By severity, as counted last; nothing before that."""
        return self._counts

    def refresh(self) -> None:
        """Count again. Raises StorageFailed."""
        counts = self._records.count_findings(FindingQuery(suppressed=False))
        self._counts = {severity.value: float(count) for severity, count in counts.items()}

    def chores(self) -> Sequence[Chore]:
        """Done from time to time."""
        return (Chore("scan figures", REFRESH_SECONDS, self.refresh),)
