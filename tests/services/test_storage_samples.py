"""Samples of what storage takes: taken by the hour, thinned, and shown to who may see settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from lading.services.access import Denied
from lading.services.content.storage_figures import DiskFigures, Figures, NamedFigures, Sum
from lading.services.content.storage_samples import (
    DAY,
    HOURLY_DAYS,
    KEPT_DAYS,
    StorageHistory,
    StorageSample,
    sample_json,
)
from tests.fakes.jobs import ADMIN, BOB, MemoryTrail
from tests.fakes.records import Clock

FIGURES = Figures(
    1_800_000_000.9,
    NamedFigures(2, 3, 1000, Sum(5, 400)),
    DiskFigures(Sum(6, 450), Sum(0, 0), Sum(0, 0), 7000, 8000),
)


@dataclass
class Samples:
    """SampleRecords that remember what was asked."""

    kept: list[StorageSample] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)

    def add_sample(self, sample: StorageSample) -> None:
        self.kept.append(sample)

    def samples(self, since: float) -> Sequence[StorageSample]:
        return [each for each in self.kept if each.at >= since]

    def thin_samples(self, before: float) -> int:
        self.asked.append(before)
        return 0

    def forget_samples(self, before: float) -> int:
        self.asked.append(before)
        return 0


def test_the_chore_takes_a_sample_and_lets_go_of_old_ones() -> None:
    records, clock = Samples(), Clock()
    history = StorageHistory(records, lambda: FIGURES, MemoryTrail(), clock)
    (chore,) = history.chores()

    chore.run()

    assert records.asked == [clock() - HOURLY_DAYS * DAY, clock() - KEPT_DAYS * DAY]
    assert [sample_json(each) for each in history.samples(ADMIN, 1)] == [
        {
            "at": "2027-01-15T08:00:00.000Z",
            "logical": 1000,
            "unique": 400,
            "stored": 450,
            "reclaimable": 50,
            "free": 7000,
            "capacity": 8000,
            "images": 2,
            "repositories": 3,
        }
    ]
    with pytest.raises(Denied):
        history.samples(BOB, 1)
