"""What jobs say is made durable: later where it cannot be now, first where somebody follows, never by a run
that was lost."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lading.errors import StorageFailed
from lading.services.jobs.job import JobState, JsonObject, Telling
from lading.services.jobs.records import Held, Told
from lading.services.running.leases import LOST_SECONDS
from lading.services.running.writer import WAITING_LINES
from lading.wire.message import Cancel
from tests.fakes.job_records import MemoryJobRecords
from tests.fakes.jobs import ALICE, HandQueue, Stage, asked, nothing


class RefusingRecords(MemoryJobRecords):
    """Refuses to write while `refusing`."""

    refusing = False

    def tell(self, told: Sequence[Told]) -> Collection[str]:
        if self.refusing:
            raise StorageFailed("disk full")
        return super().tell(told)

    def beat(self, held: Collection[Held]) -> Collection[str]:
        if self.refusing:
            raise StorageFailed("disk full")
        return super().beat(held)


def test_lines_that_cannot_be_written_are_written_later() -> None:
    records = RefusingRecords()
    stage = Stage(records=records)
    stage.play(nothing)
    job = stage.jobs.start(ALICE, asked())
    records.refusing = True
    stage.run()
    assert stage.jobs.get(ALICE, job.id).state is JobState.RUNNING

    records.refusing = False
    assert stage.runner.writer.write()
    assert stage.statuses(job.id) == ["complete"]


class UnansweredRecords(MemoryJobRecords):
    """Keeps what it is told the first time, and cannot say so."""

    unanswered = True

    def tell(self, told: Sequence[Told]) -> Collection[str]:
        lost = super().tell(told)
        if self.unanswered:
            self.unanswered = False
            raise StorageFailed("the connection broke after the commit")
        return lost


def test_a_commit_whose_answer_was_lost_loses_no_job() -> None:
    stage = Stage(records=UnansweredRecords())

    def speaking(telling: Telling, cancel: Cancel) -> JsonObject:
        for status in ("one", "two"):
            telling.line({"status": status})
            stage.runner.writer.write()
            cancel.check()
        return {}

    stage.play(speaking)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.statuses(job.id) == ["one", "two", "complete"]
    assert stage.jobs.get(ALICE, job.id).state is JobState.DONE


def test_a_job_that_cannot_write_for_too_long_is_stopped() -> None:
    records = RefusingRecords()
    stage = Stage(records=records)

    def mute(telling: Telling, cancel: Cancel) -> JsonObject:
        records.refusing = True
        telling.line({"status": "pushing"})
        for seconds in (0.0, LOST_SECONDS):
            stage.clock.advance(seconds)
            assert not stage.runner.writer.write()
            cancel.check()
        stage.runner.leases.watch()
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(mute, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert not stage.runner.held()
    records.refusing = False
    assert stage.runner.writer.write()
    assert not stage.statuses(job.id), "what was given up is not kept for ever"


def test_lines_for_a_database_that_takes_only_heartbeats_do_not_wait_without_end() -> None:
    class Deaf(MemoryJobRecords):
        def tell(self, told: Sequence[Told]) -> Collection[str]:
            raise StorageFailed("no lines")

    def talking(telling: Telling, cancel: Cancel) -> JsonObject:
        for _ in range(WAITING_LINES + 1):
            telling.line({})
        stage.runner.leases.beat()
        cancel.check()
        assert not stage.runner.writer.write()
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage = Stage(records=Deaf())
    stage.play(talking, resumes=True)
    stage.jobs.start(ALICE, asked())
    stage.run()

    assert not stage.runner.held()
    assert stage.runner.writer.write(), "nothing waits any more"


def test_a_clock_that_was_set_makes_nobody_silent() -> None:
    """How long lines could not be written, the clock on the wall does not know."""
    records = RefusingRecords()
    stage = Stage(records=records)
    stage.play(nothing)
    job = stage.jobs.start(ALICE, asked())
    assert isinstance(stage.queue, HandQueue)
    stage.queue.run()
    records.refusing = True
    assert not stage.runner.writer.write()
    stage.clock.advance(LOST_SECONDS + 1)
    assert not stage.runner.writer.write()
    records.refusing = False
    assert stage.runner.writer.write()

    assert stage.statuses(job.id) == ["complete"]


def test_what_was_said_by_a_run_that_was_lost_is_not_written_into_the_next_one() -> None:
    records = RefusingRecords()
    stage = Stage(records=records)

    def mute(telling: Telling, cancel: Cancel) -> JsonObject:
        records.refusing = True
        telling.line({"status": "pushing"})
        stage.clock.advance(LOST_SECONDS)
        stage.runner.writer.write()
        stage.runner.leases.watch()
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(mute, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    stage.run()
    records.refusing = False
    stage.play(nothing, resumes=True)
    stage.clock.advance(LOST_SECONDS + 1)
    assert stage.runner.recover() == 1
    stage.run()

    assert stage.statuses(job.id) == ["note", "complete"]
    assert stage.jobs.get(ALICE, job.id).state is JobState.DONE


class RememberingRecords(MemoryJobRecords):
    """Knows which jobs each transaction told of."""

    def __init__(self) -> None:
        super().__init__()
        self.transactions: list[list[str]] = []

    def tell(self, told: Sequence[Told]) -> Collection[str]:
        self.transactions.append([each.job for each in told])
        return super().tell(told)


def test_what_somebody_follows_is_written_first() -> None:
    records = RememberingRecords()
    stage = Stage(records=records)
    stage.play(nothing)
    jobs = [stage.jobs.start(ALICE, asked()).id for _ in range(3)]
    follower = stage.jobs.follow(ALICE, jobs[1])
    stage.run()
    follower.close()

    assert records.transactions == [[jobs[1]], [jobs[0], jobs[2]]]
