"""Jobs and schedules in a database: the suites of their records, and what only several connections show."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from lading.backends.database.engine import POOL
from lading.backends.database.failures import DatabaseBusy
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.services.audit.audit import Deed, Result
from lading.services.audit.records import AuditEntry
from lading.services.jobs.job import UNREADABLE, JobState, Line
from lading.services.jobs.records import Held, JobFilter, JobRecords, Told
from lading.services.jobs.sight import JobSight
from lading.services.running.leases import SILENT_SECONDS
from lading.services.schedules import ScheduleRecords
from tests.contract.job_records_suite import (
    FIRST,
    NOW,
    SECOND,
    THIRD,
    Age,
    JobRecordsContract,
    ScheduleRecordsContract,
    a_job,
    key,
    line,
)
from tests.peers.postgres_server import RunningPostgres
from tests.peers.service_process import until

HUGE = 10**30


@pytest.fixture
def records(database: ServiceDatabase) -> JobRecords:
    return database.jobs


@pytest.fixture
def age(place: Path | str) -> Age:
    """By a connection of its own, past everything that Lading would say."""

    def older(job: str, seconds: float) -> None:
        write(place, "UPDATE job SET heartbeat = heartbeat - :seconds WHERE id = :job", seconds=seconds, job=job)

    return older


def write(place: Path | str, statement: str, **values: object) -> None:
    """What no server would write."""
    url = f"sqlite:///{place}" if isinstance(place, Path) else make_url(place).set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


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
        made.append(records.add(a_job(job), key()).id)

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
            lost.extend(records.beat([Held(job, 1) for job in order]))

    threads = [threading.Thread(target=tell, args=(order,)) for order in (jobs, jobs[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not lost


def test_what_strangers_say_is_kept_as_far_as_it_can_be(records: JobRecords) -> None:
    odd = "a\0b\ud800c"
    records.add(a_job(fields={"image": odd, "deep": [{"x": odd}]}, sharing=odd), key(odd))

    job = records.find(FIRST)

    assert job is not None
    assert str(job.request.fields["image"]).startswith("a")
    assert records.add(a_job(SECOND), key(odd)).id == FIRST
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


OTHER_VERSIONS = {
    "kind": "UPDATE job SET kind = 'transmogrify' WHERE id = :job",
    "fields": "UPDATE job SET fields = '[1, 2]' WHERE id = :job",
    "deed": """UPDATE job SET deed = '{"action": 7, "reason": "none"}', result = '[]', totals = '3' WHERE id = :job""",
    "state": "UPDATE job SET state = 'paused' WHERE id = :job",
    "text": "UPDATE job SET fields = 'no json', deed = '{', result = '', totals = 'x' WHERE id = :job",
}


@pytest.mark.parametrize("what", OTHER_VERSIONS)
def test_a_row_of_another_version_keeps_no_other_from_being_read(
    place: Path | str, records: JobRecords, what: str
) -> None:
    if what == "text" and isinstance(place, str):
        pytest.skip("PostgreSQL keeps no text that is no JSON")
    records.add(a_job(FIRST), None)
    records.add(a_job(SECOND, created=NOW + 1), None)
    write(place, OTHER_VERSIONS[what], job=FIRST)

    found = records.find(FIRST)

    assert found is not None
    assert isinstance(found.request.fields, dict)
    assert found.state is (JobState.INTERRUPTED if what == "state" else JobState.QUEUED)
    assert SECOND in [job.id for job in records.left(None)]
    assert records.page(JobFilter(), 0, 9).total == 2
    assert len(records.page(JobFilter(), 0, 9).jobs) == 2
    assert SECOND in [job.id for job in records.page(JobFilter(text=SECOND), 0, 9).jobs]


@pytest.mark.parametrize("kept", ["[1]", "{", ""])
def test_a_damaged_line_keeps_no_other_from_being_read(place: Path | str, records: JobRecords, kept: str) -> None:
    if kept != "[1]" and isinstance(place, str):
        pytest.skip("PostgreSQL keeps no text that is no JSON")
    records.add(a_job(), None)
    records.claim(FIRST, NOW)
    records.tell([Told(FIRST, 1, NOW, (line(1), line(2), line(3)))])
    write(place, "UPDATE job_line SET data = :kept WHERE number = 2", kept=kept)

    assert [each.data for each in records.lines(FIRST, 0, 9)] == [line(1).data, UNREADABLE, line(3).data]


@pytest.mark.peer("postgres")
def test_a_heartbeat_does_not_wait_long_for_a_row_that_somebody_holds(postgres: RunningPostgres) -> None:
    url = postgres.prepared()
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with closing(open_service_database(url, lambda: NOW)) as database:
        database.jobs.add(a_job(), None)
        with engine.begin() as holder:
            holder.execute(text("SELECT id FROM job FOR UPDATE"))
            begun = time.monotonic()
            with pytest.raises(DatabaseBusy):
                database.jobs.beat([Held(FIRST, 0)])

            assert time.monotonic() - begun < SILENT_SECONDS
        assert not database.jobs.beat([Held(FIRST, 0)])


def test_the_trail_says_what_the_rows_say(database: ServiceDatabase) -> None:
    """What is made or ended is on the trail once, and what was not, is not."""

    def entry(result: Result) -> AuditEntry:
        return AuditEntry(NOW, "alice", None, None, Deed("push", "image", "app", "app"), result)

    def told(result: Result, run: int = 1) -> Told:
        return Told(FIRST, run, line(1).at, (line(1),), None, JobState.DONE, line(1).data, entry(result))

    database.jobs.add(a_job(), key(), entry(Result.STARTED))
    database.jobs.add(a_job(SECOND), key(), entry(Result.STARTED))
    database.jobs.claim(FIRST, NOW)
    assert database.jobs.tell([told(Result.FAILED, run=0)])
    for _ in range(2):  # again, because the answer was lost
        assert not database.jobs.tell([told(Result.DONE)])
    assert database.jobs.tell([replace(told(Result.CANCELLED), state=JobState.CANCELLED)])

    assert [row.entry.result for row in database.audit.each()] == [Result.STARTED, Result.DONE]


@pytest.mark.peer("postgres")
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_jobs_are_held_while_every_connection_waits_for_somebody(
    place: str, database: ServiceDatabase, records: JobRecords
) -> None:
    records.add(a_job(), None)
    engine = create_engine(make_url(place).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    stuck = [threading.Thread(target=lambda: suppressed(database.settings.settings)) for _ in range(POOL)]
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with closing(engine.connect()) as other, closing(engine.connect()) as watcher:
        other.execute(text("LOCK TABLE setting IN ACCESS EXCLUSIVE MODE"))
        for thread in stuck:
            thread.start()
        until(lambda: watcher.scalar(waiting) == POOL, "all of them wait")

        assert records.beat([Held(FIRST, 0)]) == ()
        assert not records.lost([Held(FIRST, 0)])
        assert all(thread.is_alive() for thread in stuck)
        other.rollback()
    for thread in stuck:
        thread.join()


def suppressed(ask: Callable[[], object]) -> None:
    with suppress(DatabaseBusy):
        ask()


def test_ended_jobs_are_counted_and_read_for_statistics(database: ServiceDatabase) -> None:
    """What failed says why; what waits, is of another kind, or ended before, is left out."""
    records, totals = database.jobs, {"sent": 4, "exists": 6}
    for number, state in enumerate((JobState.DONE, JobState.ERROR, None), 1):
        made = a_job(str(number))
        job = replace(made, owner=7, request=replace(made.request, environment=3))
        records.add(job, None)
        records.claim(job.id, NOW + 1)
        result = {"status": "error", "code": "rate_limited"} if state is JobState.ERROR else {"status": "complete"}
        if state is not None:
            last = Line(1, NOW + 60, result)
            assert not records.tell([Told(job.id, 1, last.at, (last,), totals, state, result)])

    all_jobs = JobSight(everywhere=True)
    found = sorted(records.ended(("pull",), NOW, all_jobs), key=lambda job: job.state)

    assert [(job.state, job.code, job.moved, job.saved, job.started, job.ended, job.owner) for job in found] == [
        (JobState.DONE, None, 4, 6, NOW + 1, NOW + 60, 7),
        (JobState.ERROR, "rate_limited", 4, 6, NOW + 1, NOW + 60, 7),
    ]
    assert not list(records.ended(("pull",), NOW + 61, all_jobs))
    assert not list(records.ended(("push",), NOW, all_jobs))
    assert len(list(records.ended(("pull",), NOW, JobSight(False, owner=7)))) == 2
    assert len(list(records.ended(("pull",), NOW, JobSight(False, frozenset({3}), owner=8)))) == 2
    assert not list(records.ended(("pull",), NOW, JobSight(False, frozenset({99}), owner=8)))
    assert not list(records.ended(("pull",), NOW, JobSight(False)))
    assert records.counts() == {("pull", "done"): 1.0, ("pull", "error"): 1.0, ("pull", "running"): 1.0}
