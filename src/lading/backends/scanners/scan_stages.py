"""How far a scan by a program is, of which nobody knows: by hints of its log, and by the time that has passed."""

from __future__ import annotations

import threading

from lading.services.findings.scanner import ScanProgress, ScanReport, ScanStage

_PERCENT = {
    ScanStage.CHECKING: 0,
    ScanStage.UPDATING: 5,
    ScanStage.ANALYZING: 25,
    ScanStage.MATCHING: 70,
    ScanStage.PARSING: 90,
    ScanStage.COMPLETE: 100,
}
_MOST_BY_TIME = 65
_HALF_WAY_SECONDS = 30.0
_MESSAGES = {ScanStage.MATCHING: "{} holds packages against its data", ScanStage.PARSING: "{} writes what it found"}


class Stages:
    """Only what is further than before is told."""

    def __init__(self, scanner: str, report: ScanReport) -> None:
        self._scanner, self._report = scanner, report
        self._lock = threading.Lock()
        self._percent, self._message = -1, ""

    def at(self, stage: ScanStage, message: str) -> None:
        """It has come to this stage."""
        self._tell(stage, message, _PERCENT[stage])

    def hinted(self, stage: ScanStage | None) -> None:
        """A line of its log says so."""
        if stage is not None:
            self._tell(stage, _MESSAGES[stage].format(self._scanner), _PERCENT[stage])

    def ticked(self, seconds: float) -> None:
        """So long it has been running."""
        first = _PERCENT[ScanStage.ANALYZING]
        passed = first + int((_MOST_BY_TIME - first) * seconds / (seconds + _HALF_WAY_SECONDS))
        self._tell(ScanStage.ANALYZING, f"{self._scanner} reads the image", passed)

    def _tell(self, stage: ScanStage, message: str, percent: int) -> None:
        with self._lock:
            if percent < self._percent or (percent, message) == (self._percent, self._message):
                return
            self._percent, self._message = percent, message
            self._report(ScanProgress(stage, message, percent, self._scanner))
