"""What is done about jobs from time to time: the old ones go, and the keys they were asked for with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lading.services.jobs.records import JobRecords
from lading.services.schedules import Chore

DAY = 24 * 60 * 60.0

KEPT_DAYS = 30
"""How long an ended job is kept (interfaces §2, Jobs), unless a setting says otherwise."""

KEY_DAYS = 1
"""How long an idempotency key stands for its job."""

AT_ONCE = 500
"""Jobs dropped in one transaction, so that none is long."""


def job_chores(records: JobRecords, clock: Callable[[], float], kept_days: Callable[[], float]) -> Sequence[Chore]:
    """`kept_days` is asked each time: it is a setting."""
    return (
        Chore("job expiry", DAY / 24, lambda: forget_old(records, clock() - kept_days() * DAY)),
        Chore("idempotency keys", DAY / 24, lambda: records.forget_keys(clock() - KEY_DAYS * DAY)),
    )


def forget_old(records: JobRecords, before: float) -> int:
    """Drop jobs that ended before then; how many. Raises StorageFailed."""
    total = 0
    while dropped := records.forget(before, AT_ONCE):
        total += dropped
    return total
