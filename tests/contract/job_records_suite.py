"""What every JobRecords and ScheduleRecords does. A test class inherits these and gives `records`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from lading.services.audit.audit import Deed
from lading.services.jobs.idempotency import KeyUsed, RequestKey
from lading.services.jobs.job import Job, JobRequest, JobState, Line
from lading.services.jobs.records import Held, JobFilter, JobRecords, Told
from lading.services.schedules import Schedule, ScheduleRecords

Age = Callable[[str, float], None]
"""Makes a job's heartbeat older by so many seconds: no test turns a database's clock."""

NOW = 1_800_000_000.0
FIRST = "11111111-1111-4111-8111-111111111111"
SECOND = "22222222-2222-4222-8222-222222222222"
THIRD = "33333333-3333-4333-8333-333333333333"


def a_job(id: str = FIRST, *, created: float = NOW, owner: int | None = None, **request: object) -> Job:  # noqa: A002
    fields = {"image": "docker.io/library/alpine:3", "number": 7, "none": None, "list": ["a", {"b": True}]}
    deed = Deed("pull", "image", "alpine:3", "alpine:3", None, {"targetTag": "x"})
    asked = replace(JobRequest("pull", fields, None, "equal", deed), **request)  # type: ignore[arg-type]
    return Job(id, asked, owner, "lading", JobState.QUEUED, 0, created, created, 0)


def key(text: str = "key", digest: str = "of a request") -> RequestKey:
    return RequestKey(text, digest)


def line(number: int, status: str = "pushing") -> Line:
    return Line(number, NOW + number, {"status": status, "progressDetail": {"current": 2**40}})


class JobRecordsContract:
    def test_a_job_comes_back_as_it_was(self, records: JobRecords) -> None:
        job = a_job()

        assert records.add(job, None) == job
        assert records.find(FIRST) == job
        assert records.find(SECOND) is None

    def test_jobs_are_found_together(self, records: JobRecords) -> None:
        first, again = records.add(a_job(FIRST), None), replace(a_job(SECOND), retry_of=FIRST)
        records.add(again, None)

        found = records.among([SECOND, THIRD, FIRST])
        assert sorted(found, key=lambda job: job.id) == [first, again]
        assert records.among([]) == []

    def test_a_job_was_begun_when_it_was_claimed_first(self, records: JobRecords) -> None:
        records.add(a_job(), None)
        begun = records.claim(FIRST, NOW + 1)
        records.release(FIRST, 1, NOW + 2)
        again = records.claim(FIRST, NOW + 3)

        assert begun is not None
        assert again is not None
        assert (begun.started, again.started, again.run) == (NOW + 1, NOW + 1, 2)

    def test_a_key_stands_for_one_job(self, records: JobRecords) -> None:
        first = records.add(a_job(FIRST), key())

        assert records.add(a_job(SECOND), key()) == first
        assert records.find(SECOND) is None
        assert records.add(a_job(THIRD), key("other")).id == THIRD
        assert records.keyed(None, key()) == first
        assert records.keyed(None, key("another")) is None
        assert records.keyed(7, key()) is None

    def test_a_key_stands_for_one_request(self, records: JobRecords) -> None:
        records.add(a_job(FIRST), key())

        with pytest.raises(KeyUsed):
            records.add(a_job(SECOND), key(digest="of another request"))
        with pytest.raises(KeyUsed):
            records.keyed(None, key(digest="of another request"))
        assert records.find(SECOND) is None
        assert records.add(a_job(SECOND, owner=7), key(digest="of another request")).id == SECOND

    def test_a_job_that_waits_is_claimed_once(self, records: JobRecords) -> None:
        records.add(a_job(), None)

        claimed = records.claim(FIRST, NOW + 5)

        assert claimed is not None
        assert (claimed.state, claimed.run, claimed.updated) == (JobState.RUNNING, 1, NOW + 5)
        assert records.find(FIRST) == claimed
        assert records.claim(FIRST, NOW + 6) is None
        assert records.claim(SECOND, NOW) is None

    def test_a_released_job_is_claimed_again(self, records: JobRecords) -> None:
        records.add(a_job(), None)
        records.claim(FIRST, NOW)

        assert not records.release(FIRST, 0, NOW + 1)
        assert records.release(FIRST, 1, NOW + 1)
        assert [job.id for job in records.left(1000)] == [FIRST]
        again = records.claim(FIRST, NOW + 2)

        assert again is not None
        assert again.run == 2
        assert not records.left(1000)

    def test_a_loss_counts_where_nobody_let_the_job_go(self, records: JobRecords) -> None:
        records.add(a_job(), None)
        records.claim(FIRST, NOW)

        assert records.take_up(FIRST, 0, NOW + 1) is None
        taken = records.take_up(FIRST, 1, NOW + 1)
        assert taken is not None
        assert (taken.state, taken.run, taken.updated, taken.losses) == (JobState.QUEUED, 1, NOW + 1, 1)
        assert records.find(FIRST) == taken
        assert [job.id for job in records.left(1000)] == [FIRST]
        assert records.take_up(FIRST, 1, NOW + 2) is None

        records.claim(FIRST, NOW + 3)
        records.let_go([Held(FIRST, 2)])
        taken = records.take_up(FIRST, 2, NOW + 4)
        assert taken is not None
        assert taken.losses == 1

    def test_lines_are_kept_in_order(self, records: JobRecords) -> None:
        records.add(a_job(), None)
        records.claim(FIRST, NOW)

        assert not records.tell([Told(FIRST, 1, NOW + 2, (line(1), line(2)), {"image": None, "sent": 5})])
        assert not records.tell([Told(FIRST, 1, NOW + 3, (line(3),))])

        assert list(records.lines(FIRST, 0, 10)) == [line(1), line(2), line(3)]
        assert list(records.lines(FIRST, 1, 1)) == [line(2)]
        job = records.find(FIRST)
        assert job is not None
        assert (job.cursor, job.updated, job.totals) == (3, NOW + 3, {"image": None, "sent": 5})

    def test_an_end_comes_once(self, records: JobRecords) -> None:
        records.add(a_job(), None)
        records.claim(FIRST, NOW)
        end = line(1, "complete")

        assert not records.tell([Told(FIRST, 1, NOW + 1, (end,), None, JobState.DONE, end.data)])
        assert set(records.tell([Told(FIRST, 1, NOW + 2, (line(2),))])) == {FIRST}

        job = records.find(FIRST)
        assert job is not None
        assert (job.state, job.result, job.cursor) == (JobState.DONE, end.data, 1)
        assert records.claim(FIRST, NOW) is None

    def test_a_late_writer_writes_nothing(self, records: JobRecords) -> None:
        records.add(a_job(FIRST), None)
        records.add(a_job(SECOND), None)
        for job in (FIRST, SECOND):
            records.claim(job, NOW)
        records.release(FIRST, 1, NOW)
        records.claim(FIRST, NOW)

        lost = records.tell([Told(FIRST, 1, NOW, (line(1),)), Told(SECOND, 1, NOW, (line(1),))])

        assert set(lost) == {FIRST}
        assert not records.lines(FIRST, 0, 10)
        assert list(records.lines(SECOND, 0, 10)) == [line(1)]

    def test_lines_that_do_not_follow_are_not_written(self, records: JobRecords) -> None:
        """Two who write for one run: the second has not seen what the first wrote."""
        records.add(a_job(), None)
        records.claim(FIRST, NOW)
        records.tell([Told(FIRST, 1, NOW, (line(1), line(2)))])

        assert set(records.tell([Told(FIRST, 1, NOW, (line(2, "error"),), None, JobState.ERROR, {})])) == {FIRST}
        assert set(records.tell([Told(FIRST, 1, NOW, (line(4),))])) == {FIRST}
        assert list(records.lines(FIRST, 0, 10)) == [line(1), line(2)]

    def test_what_stands_there_already_is_written_once(self, records: JobRecords) -> None:
        """The answer to a commit was lost: who wrote it says it again."""
        records.add(a_job(), None)
        records.claim(FIRST, NOW)
        said = Told(FIRST, 1, line(2).at, (line(1), line(2)), {"sent": 5})
        last = (line(1), line(2), line(3, "complete"))
        end = Told(FIRST, 1, line(3).at, last, None, JobState.DONE, line(3, "complete").data)
        for told in (said, end):
            assert not records.tell([told])
            assert not records.tell([told])

        assert list(records.lines(FIRST, 0, 10)) == list(last)
        assert set(records.tell([said])) == {FIRST}
        late = Told(FIRST, 1, line(3).at, (line(3, "error"),), None, JobState.CANCELLED, line(3, "error").data)
        assert set(records.tell([late])) == {FIRST}

    def test_a_job_that_waits_can_end(self, records: JobRecords) -> None:
        records.add(a_job(), None)
        end = line(1, "error")

        assert not records.tell([Told(FIRST, 0, NOW, (end,), None, JobState.CANCELLED, end.data)])

        assert records.claim(FIRST, NOW) is None

    def test_what_has_no_heartbeat_was_left(self, records: JobRecords, age: Age) -> None:
        for id, created in ((SECOND, NOW + 1), (FIRST, NOW), (THIRD, NOW + 2)):  # noqa: A001
            records.add(a_job(id, created=created), None)
            age(id, 100)
        end = line(1, "complete")
        records.tell([Told(THIRD, 0, NOW, (end,), None, JobState.DONE, end.data)])

        assert [job.id for job in records.left(100)] == [FIRST, SECOND]
        assert not records.left(1000)
        records.claim(FIRST, NOW)
        assert [job.id for job in records.left(50)] == [SECOND]
        assert not records.beat([Held(SECOND, 0)])
        assert not records.left(50)
        assert [job.id for job in records.left(None)] == [FIRST, SECOND]

    def test_what_servers_clocks_say_is_never_compared(self, records: JobRecords, age: Age) -> None:
        """One is an hour ahead, the other an hour behind."""
        records.add(a_job(FIRST, created=NOW + 3600), None)
        records.add(a_job(SECOND, created=NOW - 3600), None)
        records.claim(FIRST, NOW + 3600)
        records.claim(SECOND, NOW - 3600)

        assert not records.left(10)
        age(FIRST, 20)
        assert [job.id for job in records.left(10)] == [FIRST]

    def test_a_heartbeat_is_refused_to_who_does_not_hold_the_job(self, records: JobRecords, age: Age) -> None:
        for id in (FIRST, SECOND, THIRD):  # noqa: A001
            records.add(a_job(id), None)
            records.claim(id, NOW)
        records.release(SECOND, 1, NOW)
        records.claim(SECOND, NOW)
        end = line(1, "error")
        records.tell([Told(THIRD, 1, NOW, (end,), None, JobState.CANCELLED, end.data)])
        for id in (FIRST, SECOND):  # noqa: A001
            age(id, 100)
        held = [Held(FIRST, 1), Held(SECOND, 1), Held(THIRD, 1), Held("unheard of", 0)]

        assert set(records.lost(held)) == {SECOND, THIRD, "unheard of"}
        assert [job.id for job in records.left(50)] == [FIRST, SECOND]
        assert set(records.beat(held)) == {SECOND, THIRD, "unheard of"}
        assert [job.id for job in records.left(50)] == [SECOND]
        records.let_go(held)
        assert [job.id for job in records.left(1000)] == [FIRST]
        assert not records.lost([]) and not records.beat([])  # noqa: PT018  neither is anybody's

    def test_what_waits_elsewhere_is_not_left_for_a_while(self, records: JobRecords) -> None:
        for job in (FIRST, SECOND, THIRD):
            records.add(a_job(job), None)
        records.claim(SECOND, NOW)
        for job in (FIRST, SECOND, THIRD):
            records.let_go([Held(job, 1 if job == SECOND else 0)])

        records.put_off([Held(FIRST, 0), Held(SECOND, 1), Held(THIRD, 7), Held("unheard of", 0)], 1000)

        assert [job.id for job in records.left(50)] == [SECOND, THIRD]  # it runs, and is not held so
        records.claim(FIRST, NOW)
        records.release(FIRST, 1, NOW)
        assert FIRST in {job.id for job in records.left(50)}

    def test_a_list_is_filtered_and_paged(self, records: JobRecords) -> None:
        records.add(a_job(FIRST), None)
        records.add(a_job(SECOND, created=NOW + 1, kind="push"), None)
        records.add(a_job(THIRD, created=NOW + 2), None)
        records.claim(THIRD, NOW)

        everything = records.page(JobFilter(), 0, 2)
        assert ([job.id for job in everything.jobs], everything.total) == ([THIRD, SECOND], 3)
        assert [job.id for job in records.page(JobFilter(), 2, 2).jobs] == [FIRST]
        assert [job.id for job in records.page(JobFilter(kind="push"), 0, 9).jobs] == [SECOND]
        queued = records.page(JobFilter(states=frozenset({JobState.QUEUED})), 0, 9)
        assert ([job.id for job in queued.jobs], queued.total) == ([SECOND, FIRST], 2)
        for part in ("2222-4222", "PUSH"):
            assert [job.id for job in records.page(JobFilter(text=part), 0, 9).jobs] == [SECOND], part
        for part in ("LADing", "Alpine:3"):
            assert records.page(JobFilter(text=part), 0, 9).total == 3, part
        for part in ("%", "_", "entity", "a\0\ud800", "\\"):
            assert records.page(JobFilter(text=part), 0, 9).total == 0, part
        assert records.page(JobFilter(owner=12345), 0, 9).total == 0
        assert records.page(JobFilter(token=12345), 0, 9).total == 0
        assert records.page(JobFilter(environment=12345), 0, 9).total == 0

    def test_who_waits_is_counted_by_owner(self, records: JobRecords) -> None:
        records.add(a_job(FIRST), None)
        records.add(a_job(SECOND), None)
        end = line(1, "complete")
        records.tell([Told(SECOND, 0, NOW, (end,), None, JobState.DONE, end.data)])

        assert records.waiting(None) == 1
        assert records.waiting(12345) == 0

    def test_old_jobs_go_with_their_lines_and_keys(self, records: JobRecords) -> None:
        end = line(1, "complete")
        for id in (FIRST, SECOND):  # noqa: A001
            records.add(a_job(id), key(id))
            records.tell([Told(id, 0, NOW, (end,), None, JobState.DONE, end.data)])
        records.add(a_job(THIRD), None)

        assert records.forget(NOW, 10) == 0
        assert records.forget(NOW + 1, 1) == 1
        assert records.forget(NOW + 1, 10) == 1
        assert records.find(FIRST) is None
        assert not records.lines(FIRST, 0, 10)
        assert records.find(THIRD) is not None
        assert records.add(a_job(FIRST), key(FIRST)).id == FIRST

    def test_an_old_key_may_be_used_again(self, records: JobRecords) -> None:
        records.add(a_job(FIRST), key())

        assert records.forget_keys(NOW) == 0
        assert records.forget_keys(NOW + 1) == 1
        assert records.add(a_job(SECOND), key()).id == SECOND


class ScheduleRecordsContract:
    def test_a_schedule_is_added_once_and_never_put_off(self, schedules: ScheduleRecords) -> None:
        schedules.ensure_schedule(Schedule("sweep", 60, NOW))
        schedules.ensure_schedule(Schedule("sweep", 30, NOW + 100))

        assert list(schedules.schedules()) == [Schedule("sweep", 30, NOW)]

    def test_a_schedule_comes_nearer_when_its_steps_get_shorter(self, schedules: ScheduleRecords) -> None:
        schedules.ensure_schedule(Schedule("sweep", 600, NOW + 600))
        schedules.ensure_schedule(Schedule("sweep", 60, NOW + 60))

        assert list(schedules.schedules()) == [Schedule("sweep", 60, NOW + 60)]

    def test_a_due_time_is_taken_once(self, schedules: ScheduleRecords) -> None:
        schedules.ensure_schedule(Schedule("sweep", 60, NOW + 0.1))

        assert schedules.take_schedule("sweep", NOW + 0.1, NOW + 60.1, NOW + 1)
        assert not schedules.take_schedule("sweep", NOW + 0.1, NOW + 60.1, NOW + 2)
        assert not schedules.take_schedule("other", NOW, NOW + 60, NOW)

        assert list(schedules.schedules()) == [Schedule("sweep", 60, NOW + 60.1, NOW + 1)]
