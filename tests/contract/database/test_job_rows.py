"""Jobs and schedules in a database: the suites of their records, and what only several connections show."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.services.job import JobState
from lading.services.job_records import JobFilter, JobRecords, Told
from lading.services.schedules import ScheduleRecords
from tests.contract.job_records_suite import (
    FIRST,
    NOW,
    SECOND,
    THIRD,
    JobRecordsContract,
    ScheduleRecordsContract,
    a_job,
    line,
)

HUGE = 10**30


@pytest.fixture
def records(database: ServiceDatabase) -> JobRecords:
    return database.jobs


@pytest.fixture
def schedules(database: ServiceDatabase) -> ScheduleRecords:
    return database.schedules


class TestJobs(JobRecordsContract):
    pass


class TestSchedules(ScheduleRecordsContract):
    pass


def test_a_batch_tells_of_several_jobs_and_of_one_twice(records: JobRecords) -> None:
    for job in (SECOND, FIRST):
        records.add(a_job(job), None)
        records.claim(job, NOW)
    end = line(2, "complete")

    over = records.tell(
        [
            Told(SECOND, 1, NOW, (line(1),)),
            Told(FIRST, 1, NOW, (line(1),)),
            Told(SECOND, 1, NOW, (end,), None, JobState.DONE, end.data),
            Told(SECOND, 1, NOW, (line(3),)),
            Told(THIRD, 1, NOW, (line(1),)),
        ]
    )

    assert set(over) == {SECOND, THIRD}
    assert list(records.lines(SECOND, 0, 9)) == [line(1), end]
    assert list(records.lines(FIRST, 0, 9)) == [line(1)]


def test_one_of_many_claims_a_job(records: JobRecords) -> None:
    records.add(a_job(), None)
    claimed: list[object] = []
    threads = [threading.Thread(target=lambda: claimed.append(records.claim(FIRST, NOW))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([job for job in claimed if job is not None]) == 1


def test_one_of_many_with_the_same_key_makes_the_job(records: JobRecords) -> None:
    made: list[str] = []
    ids = [f"{number:08}-0000-4000-8000-000000000000" for number in range(8)]

    def make(job: str) -> None:
        made.append(records.add(a_job(job), "key").id)

    threads = [threading.Thread(target=make, args=(job,)) for job in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 8
    assert len(set(made)) == 1
    assert records.page(JobFilter(), 0, 9).total == 1


def test_writers_that_tell_of_the_same_jobs_both_get_through(records: JobRecords) -> None:
    jobs = [f"{number:08}-0000-4000-8000-000000000000" for number in range(20)]
    for job in jobs:
        records.add(a_job(job), None)
        records.claim(job, NOW)
    lost: list[object] = []

    def tell(order: list[str]) -> None:
        for _ in range(10):
            lost.extend(records.tell([Told(job, 1, NOW) for job in order]))
            records.beat(order, NOW + 1)

    threads = [threading.Thread(target=tell, args=(order,)) for order in (jobs, jobs[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not lost


def test_what_strangers_say_is_kept_as_far_as_it_can_be(records: JobRecords) -> None:
    odd = "a\0b\ud800c"
    records.add(a_job(fields={"image": odd, "deep": [{"x": odd}]}, sharing=odd), odd)

    job = records.find(FIRST)

    assert job is not None
    assert str(job.request.fields["image"]).startswith("a")
    assert records.add(a_job(SECOND), odd).id == FIRST
    assert records.find(odd) is None
    assert list(records.lines(odd, 0, 1)) == []


@pytest.mark.parametrize("number", [HUGE, -HUGE])
def test_a_number_too_great_for_any_row_finds_nothing(records: JobRecords, number: int) -> None:
    records.add(a_job(), None)

    assert records.page(JobFilter(owner=number), 0, 1).total == 0
    assert records.page(JobFilter(environment=number), 0, 1).total == 0
    assert not records.page(JobFilter(), HUGE, 1).jobs
    assert not records.lines(FIRST, HUGE, 1)


def test_a_released_job_outlives_the_process_that_ran_it(place: Path | str, database: ServiceDatabase) -> None:
    database.jobs.add(a_job(), None)
    database.jobs.claim(FIRST, NOW)
    database.jobs.tell([Told(FIRST, 1, NOW, (line(1),))])
    database.jobs.release(FIRST, 1, NOW + 1)
    database.close()

    again = open_service_database(place, lambda: NOW)
    job = again.jobs.claim(FIRST, NOW + 2)
    again.close()

    assert job is not None
    assert (job.run, job.cursor) == (2, 1)
