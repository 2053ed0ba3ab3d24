"""What a scan tells while it runs, in the words of interfaces §2 (Pull, events).

    {"status":"scanning","message":"Starting vulnerability scan..."}                                        once
    {"status":"scan-progress","stage":"analyzing","message":"Analyzing image layers","progress":45}         often
    {"status":"scan-complete","message":"Scan complete - found 12 vulnerabilities","results":[…]}           once

Each is a line of its job, which is kept: so they are few.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from lading.services.findings.scanner import ScanProgress, ScanResult, ScanStage
from lading.services.jobs.job import JsonObject
from lading.services.scans.words import outcome_text

MOST_A_SECOND = 4
"""Lines of progress."""

LEAST_SECONDS = 1 / MOST_A_SECOND
"""Between two lines of one stage; a new stage need not wait."""


class ScanEvents:
    """Of one scan; `clock` is any clock in seconds that never goes back. For any number of threads."""

    def __init__(self, tell: Callable[[JsonObject], None], clock: Callable[[], float]) -> None:
        self._tell, self._clock = tell, clock
        self._lock = threading.Lock()
        self._told: deque[float] = deque(maxlen=MOST_A_SECOND)
        self._stage: ScanStage | None = None
        self._percent = 0
        self._over = False

    def begin(self) -> None:
        """Before anything is looked at."""
        self._tell({"status": "scanning", "message": "Starting vulnerability scan..."})

    def progress(self, progress: ScanProgress) -> None:
        """Fulfils services.findings.scanner.ScanReport: what comes too soon after another is not told, and no percent
        goes back. The end has a line of its own."""
        if progress.stage is ScanStage.COMPLETE:
            return
        now = self._clock()
        with self._lock:
            if self._over or not self._due(progress.stage, now):
                return
            self._told.append(now)
            self._stage = progress.stage
            self._percent = max(self._percent, min(max(progress.percent, 0), 100))
            self._tell(_line(progress, self._percent))

    def complete(self, results: Sequence[ScanResult], listed: Sequence[JsonObject]) -> None:
        """`listed` are the results as JSON (json.scan_json). Nothing is told of the scan afterwards."""
        with self._lock:
            self._over = True
        self._tell({"status": "scan-complete", "message": outcome_text(results), "results": list(listed)})

    def _due(self, stage: ScanStage, now: float) -> bool:
        if len(self._told) == MOST_A_SECOND and now - self._told[0] < 1:
            return False
        return stage is not self._stage or now - self._told[-1] >= LEAST_SECONDS


def _line(progress: ScanProgress, percent: int) -> JsonObject:
    line: dict[str, object] = {
        "status": "scan-progress",
        "stage": progress.stage.value,
        "message": progress.message,
        "progress": percent,
    }
    return line | ({"scanner": progress.scanner} if progress.scanner else {})
