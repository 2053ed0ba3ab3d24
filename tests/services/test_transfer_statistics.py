"""How transfers went: by the hour, by kind, by cause; and only those that whoever asks may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from lading.services.access import Actor, NotLoggedIn
from lading.services.jobs.job import JobState
from lading.services.jobs.sight import JobSight
from lading.services.server.statistics import EndedJob, TransferStatistics, quantile, statistics_json
from tests.fakes.jobs import ADMIN, ALICE
from tests.fakes.records import Clock

HOUR = 3600.0


@dataclass
class Rows:
    """Ended jobs."""

    jobs: Sequence[EndedJob]
    slow: Callable[[], None] = lambda: None
    asked: int = 0

    def ended(self, kinds: Sequence[str], since: float, sight: JobSight) -> Sequence[EndedJob]:
        self.asked += 1
        self.slow()
        return [job for job in self.jobs if job.kind in kinds and job.ended >= since]


def test_transfers_are_counted_by_the_hour_they_ended_in() -> None:
    clock = Clock()
    totals = {"image": 10, "sent": 4, "kept": 1, "exists": 2, "mounted": 3, "left": None}
    pushed = EndedJob("push", JobState.DONE, 1, 1, None, clock() - 90.0, clock() - 60.0, totals)
    failed = replace(pushed, state=JobState.ERROR, ended=clock() - 2 * HOUR, code="rate_limited", totals={})
    rows = [
        pushed,
        failed,
        replace(failed, code=None),
        replace(pushed, state=JobState.CANCELLED),
        replace(pushed, owner=2),
    ]
    statistics = TransferStatistics(Rows([*rows, replace(pushed, kind="scan")]), clock)

    told = statistics_json(statistics.counted(ALICE, 3))

    start = "2027-01-15T0{}:00:00.000Z"
    assert told == {
        "buckets": [
            {"start": start.format(6), "moved": 0, "saved": 0, "done": 0, "failed": 2},
            {"start": start.format(7), "moved": 8, "saved": 12, "done": 1, "failed": 0},
            {"start": start.format(8), "moved": 0, "saved": 0, "done": 0, "failed": 0},
        ],
        "durations": {"push": {"p50": 30.0, "p95": 30.0, "count": 1}},
        "failures": [{"code": "rate_limited", "count": 1}, {"code": "failed", "count": 1}],
    }
    assert sum(bucket.done for bucket in statistics.counted(ADMIN, 3).buckets) == 2


def test_nobody_in_particular_is_told_nothing() -> None:
    with pytest.raises(NotLoggedIn):
        TransferStatistics(Rows([]), Clock()).counted(Actor("nobody"), 1)


def test_what_took_long_to_count_is_told_again_for_a_while() -> None:
    clock = Clock()
    job = EndedJob("push", JobState.DONE, 1, 1, None, clock() - 90.0, clock() - 60.0, {})
    rows = Rows([job])
    statistics = TransferStatistics(rows, clock)
    for _ in range(3):
        statistics.counted(ADMIN, 3)
    assert rows.asked == 3, "nothing took any time"

    def two_seconds() -> None:
        clock.now += 2.0

    rows.slow = two_seconds
    first = statistics.counted(ADMIN, 3)
    assert statistics.counted(ADMIN, 3) is first
    assert statistics.counted(ALICE, 3) is not first
    assert rows.asked == 5
    clock.now += 41.0
    assert statistics.counted(ADMIN, 3) is not first


@pytest.mark.parametrize(("part", "expected"), [(0.5, 10.0), (0.95, 19.0), (1.0, 20.0)])
def test_quantiles_are_of_what_there_is(part: float, expected: float) -> None:
    assert quantile([float(each) for each in range(20, 0, -1)], part) == expected
    assert quantile([7.0], part) == 7.0
