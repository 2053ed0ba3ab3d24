"""What one turn of work came to, for whoever counts: of jobs that share it, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lading.services.jobs.job import JobRequest, JobState, JsonObject


@dataclass(frozen=True, slots=True)
class Worked:
    """`state` None: the process stopped, and the job goes on later. `totals` are the bytes of this turn; `seconds` is
    how long it took."""

    request: JobRequest
    state: JobState | None
    totals: JsonObject
    seconds: float


Count = Callable[[Worked], None]
"""For any thread; returns at once and never raises."""


def uncounted(worked: Worked) -> None:
    """Nobody counts."""
