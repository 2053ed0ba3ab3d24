"""Samples of what storage took, on every database."""

from __future__ import annotations

from dataclasses import replace

from lading.backends.database.service_database import ServiceDatabase
from lading.services.content.storage_samples import DAY, HOUR, StorageSample

SAMPLE = StorageSample(20_000 * DAY, 10 * 2**40, 2**40, 2**41, 5, 6, 7, 8, 9)


def test_a_sample_is_kept_once_for_each_second(database: ServiceDatabase) -> None:
    records = database.samples
    records.add_sample(SAMPLE)
    records.add_sample(replace(SAMPLE, at=SAMPLE.at + HOUR))
    records.add_sample(replace(SAMPLE, images=80))

    assert records.samples(SAMPLE.at + 1.5) == [replace(SAMPLE, at=SAMPLE.at + HOUR)]
    assert records.samples(0.0) == [replace(SAMPLE, images=80), replace(SAMPLE, at=SAMPLE.at + HOUR)]


def test_of_old_days_the_last_sample_stays(database: ServiceDatabase) -> None:
    records = database.samples
    for hour in range(72):
        records.add_sample(replace(SAMPLE, at=SAMPLE.at + hour * HOUR))

    thinned = records.thin_samples(SAMPLE.at + 2 * DAY)

    left = [(sample.at - SAMPLE.at) // HOUR for sample in records.samples(0.0)]
    assert (thinned, left[:3], len(left)) == (46, [23, 47, 48], 26)
    assert records.thin_samples(SAMPLE.at + 2 * DAY) == 0
    assert records.forget_samples(SAMPLE.at + DAY) == 1
    assert records.samples(0.0)[0].at == SAMPLE.at + 47 * HOUR
