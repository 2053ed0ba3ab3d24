"""What every JobRecords and ScheduleRecords does. A test class inherits these and gives `records`."""

from __future__ import annotations

from dataclasses import replace

from lading.services.audit import Deed
from lading.services.job import Job, JobRequest, JobState, Line
from lading.services.job_records import LET_GO, JobFilter, JobRecords, Told
from lading.services.schedules import Schedule, ScheduleRecords

NOW = 1_800_000_000.0
FIRST = "11111111-1111-4111-8111-111111111111"
SECOND = "22222222-2222-4222-8222-222222222222"
THIRD = "33333333-3333-4333-8333-333333333333"


def a_job(id: str = FIRST, *, created: float = NOW, owner: int | None = None, **request: object) -> Job:  # noqa: A002
    fields = {"image": "docker.io/library/alpine:3", "number": 7, "none": None, "list": ["a", {"b": True}]}
    deed = Deed("pull", "image", "alpine:3", "alpine:3", None, {"targetTag": "x"})
    asked = replace(JobRequest("pull", fields, None, "equal", deed), **request)  # type: ignore[arg-type]
    return Job(id, asked, owner, "lading", JobState.QUEUED, 0, created, created, 0)


def line(number: int, status: str = "pushing") -> Line:
    return Line(number, NOW + number, {"status": status, "progressDetail": {"current": 2**40}})


class JobRecordsContract:
    def test_a_job_comes_back_as_it_was(self, records: JobRecords) -> None:
        job = a_job()

        assert records.add(job, None) == job
        assert records.find(FIRST) == job
        assert records.find(SECOND) is None

    def test_a_key_stands_for_one_job(self, records: JobRecords) -> None:
        first = records.add(a_job(FIRST), "key")

        assert records.add(a_job(SECOND), "key") == first
        assert records.find(SECOND) is None
        assert records.add(a_job(THIRD), "other").id == THIRD
        assert records.keyed(None, "key") == first
        assert records.keyed(None, "another") is None
        assert records.keyed(7, "key") is None

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
        assert [job.id for job in records.left(LET_GO + 1)] == [FIRST]
        again = records.claim(FIRST, NOW + 2)

        assert again is not None
        assert again.run == 2
        assert not records.left(LET_GO + 1)

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

    def test_a_job_that_waits_can_end(self, records: JobRecords) -> None:
        records.add(a_job(), None)
        end = line(1, "error")

        assert not records.tell([Told(FIRST, 0, NOW, (end,), None, JobState.CANCELLED, end.data)])

        assert records.claim(FIRST, NOW) is None

    def test_what_has_no_heartbeat_was_left(self, records: JobRecords) -> None:
        for id, created in ((SECOND, NOW + 1), (FIRST, NOW), (THIRD, NOW + 2)):  # noqa: A001
            records.add(a_job(id, created=created), None)
        records.claim(SECOND, NOW + 1)
        end = line(1, "complete")
        records.tell([Told(THIRD, 0, NOW, (end,), None, JobState.DONE, end.data)])

        assert [job.id for job in records.left(NOW + 100)] == [FIRST, SECOND]
        records.claim(FIRST, NOW + 40)
        assert [job.id for job in records.left(NOW + 40)] == [SECOND]
        records.beat([FIRST], NOW + 50)
        assert [job.id for job in records.left(NOW + 50)] == [SECOND]
        assert [job.id for job in records.left(float("inf"))] == [FIRST, SECOND]

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
            records.add(a_job(id), id)
            records.tell([Told(id, 0, NOW, (end,), None, JobState.DONE, end.data)])
        records.add(a_job(THIRD), None)

        assert records.forget(NOW, 10) == 0
        assert records.forget(NOW + 1, 1) == 1
        assert records.forget(NOW + 1, 10) == 1
        assert records.find(FIRST) is None
        assert not records.lines(FIRST, 0, 10)
        assert records.find(THIRD) is not None
        assert records.add(a_job(FIRST), FIRST).id == FIRST

    def test_an_old_key_may_be_used_again(self, records: JobRecords) -> None:
        records.add(a_job(FIRST), "key")

        assert records.forget_keys(NOW) == 0
        assert records.forget_keys(NOW + 1) == 1
        assert records.add(a_job(SECOND), "key").id == SECOND


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
