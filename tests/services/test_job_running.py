"""Running jobs: one end each, shared runs, shutdown and restarts."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

import pytest

from lading.errors import Refused, StorageFailed
from lading.services.access import LADING, Actor, Denied, Permission
from lading.services.audit import Result
from lading.services.job import Job, JobState, JsonObject, Telling
from lading.services.job_fields import JobFieldsUnreadable
from lading.services.job_leases import LOST_SECONDS
from lading.services.job_records import Held, Told
from lading.services.job_recovery import RUNS_LIMIT
from lading.services.job_writer import WAITING_LINES
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Piece, Planned, State
from tests.fakes.job_records import MemoryJobRecords
from tests.fakes.jobs import ALICE, BOB, HandQueue, MemoryActors, Stage, asked, nothing


class NoRoom(Refused):
    code = "no_room"
    why = "It is full."
    hint = "Make room."

    def __str__(self) -> str:
        return "there is no room"


def test_an_error_is_told_with_its_code_and_hint() -> None:
    stage = Stage()

    def refused(telling: Telling, cancel: Cancel) -> JsonObject:
        raise NoRoom

    stage.play(refused)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.jobs.get(ALICE, job.id).state is JobState.ERROR
    assert stage.jobs.get(ALICE, job.id).result == {
        "status": "error",
        "error": "there is no room",
        "code": "no_room",
        "side": "caller",
        "cause": "refused",
        "hint": "Make room.",
        "detail": "It is full.",
    }
    assert stage.trail.kept[-1] == ("alice", "push", Result.FAILED)


def test_what_nobody_foresaw_is_logged_once_and_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()

    def broken(telling: Telling, cancel: Cancel) -> JsonObject:
        raise KeyError("internal detail")

    stage.play(broken)
    job = stage.jobs.start(ALICE, asked())
    with caplog.at_level(logging.ERROR, "lading.jobs"):
        stage.run()

    assert stage.jobs.get(ALICE, job.id).result == {
        "status": "error",
        "error": "Failed to push image",
        "code": "failed",
    }
    assert len(caplog.records) == 1


def test_a_kind_that_nobody_knows_ends_its_job() -> None:
    stage = Stage()
    job = stage.jobs.start(ALICE, asked("unheard"))
    stage.run()

    ended = stage.jobs.get(ALICE, job.id)
    assert ended.state is JobState.INTERRUPTED
    assert ended.result is not None
    assert ended.result["hint"]


def test_a_transfer_becomes_lines_with_totals() -> None:
    stage = Stage()

    def pushed(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.line({"status": "pushing"})
        telling.event(Planned("t", (Piece("sha256:" + "a" * 64, size=10),)))
        for state, current in ((State.MOVING, 0), (State.MOVING, 5), (State.DONE, 10)):
            telling.event(Advanced("t", "sha256:" + "a" * 64, state, current, 10))
        return {}

    stage.play(pushed)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.statuses(job.id) == ["pushing", "Preparing", "Pushing", "Pushed", "complete"]
    totals = stage.jobs.get(ALICE, job.id).totals
    assert totals is not None
    assert totals["sent"] == 10


# ── shared runs


def test_equal_requests_share_one_run_and_end_each_for_itself() -> None:
    stage = Stage()
    work = stage.play(nothing)
    jobs = [stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB)]
    other = stage.jobs.start(ALICE, asked(sharing="else"))
    stage.run()

    assert len(work.actors) == 2
    for job in (*jobs, other):
        assert stage.statuses(job.id) == ["complete"]
    ends = [(name, result) for name, _, result in stage.trail.kept if result is Result.DONE]
    assert ends == [("alice", Result.DONE), ("bob", Result.DONE), ("alice", Result.DONE)]


def test_a_shared_run_goes_on_for_those_who_still_may() -> None:
    stage = Stage()

    def admit(actor: Actor, fields: JsonObject) -> None:
        if actor.name == "alice":
            raise Denied(Permission.IMAGES_PUSH)

    work = stage.play(nothing, admit=admit)
    first, second = [stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB)]
    stage.run()

    assert [actor.name for actor in work.actors] == ["bob"]
    assert stage.statuses(first.id) == ["error"]
    assert "Permission denied" in str(stage.jobs.get(ALICE, first.id).result)
    assert stage.statuses(second.id) == ["complete"]


def test_a_run_whose_first_job_was_cancelled_works_for_the_next() -> None:
    stage = Stage()
    work = stage.play(nothing)
    first, second = [stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB)]
    stage.jobs.cancel(ALICE, first.id)
    stage.run()

    assert [actor.name for actor in work.actors] == ["bob"]
    assert stage.statuses(second.id) == ["complete"]


def test_who_joins_late_is_told_where_things_stand() -> None:
    stage = Stage()
    joined: list[Job] = []

    def joined_by_bob(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.line({"status": "pushing"})
        telling.event(Planned("t", (Piece("a", size=1), Piece("b", size=1))))
        telling.event(Advanced("t", "a", State.DONE, 1, 1))
        joined.append(stage.jobs.start(BOB, asked(sharing="same")))
        telling.event(Advanced("t", "b", State.DONE, 1, 1))
        return {}

    stage.play(joined_by_bob)
    stage.jobs.start(ALICE, asked(sharing="same"))
    stage.run()

    assert stage.statuses(joined[0].id) == ["pushing", "Pushed", "Preparing", "Pushed", "complete"]
    assert stage.jobs.get(BOB, joined[0].id).run == 1


def test_cancelling_one_leaves_the_others() -> None:
    stage = Stage()
    jobs: list[Job] = []

    def cancelled_by_alice(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.jobs.cancel(ALICE, jobs[0].id)
        cancel.check()
        telling.line({"status": "pushing"})
        return {}

    stage.play(cancelled_by_alice)
    jobs.extend(stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB))
    stage.run()

    assert [stage.statuses(job.id) for job in jobs] == [["error"], ["pushing", "complete"]]
    assert [stage.jobs.get(LADING, job.id).state for job in jobs] == [JobState.CANCELLED, JobState.DONE]


def test_the_run_is_cancelled_when_nobody_is_left_and_takes_nobody_in_any_more() -> None:
    stage = Stage()
    jobs: list[Job] = []

    def cancelled_by_both(telling: Telling, cancel: Cancel) -> JsonObject:
        for actor, job in zip((ALICE, BOB), tuple(jobs), strict=True):
            stage.jobs.cancel(actor, job.id)
        stage.play(nothing)
        jobs.append(stage.jobs.start(ALICE, asked(sharing="same")))
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(cancelled_by_both)
    jobs.extend(stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB))
    stage.run()
    stage.run()

    states = [stage.jobs.get(LADING, job.id).state for job in jobs]
    assert states == [JobState.CANCELLED, JobState.CANCELLED, JobState.DONE]


def test_work_that_was_done_before_it_noticed_the_cancel_is_done() -> None:
    stage = Stage()
    jobs: list[Job] = []

    def cancelled_too_late(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.jobs.cancel(ALICE, jobs[0].id)
        return {}

    stage.play(cancelled_too_late)
    jobs.append(stage.jobs.start(ALICE, asked()))
    stage.run()

    assert stage.jobs.get(ALICE, jobs[0].id).state is JobState.DONE


def test_nothing_stays_in_memory_of_what_has_ended() -> None:
    stage = Stage()
    stage.play(nothing)
    for _ in range(3):
        stage.jobs.start(ALICE, asked(sharing="same"))
    stage.run()

    assert not stage.runner.held()
    assert stage.runner.find("job-1") is None
    assert stage.runner.feeds.find("job-1") is None


# ── shutdown and restart


@pytest.mark.parametrize(
    ("resumes", "state", "after"),
    [(True, JobState.QUEUED, JobState.DONE), (False, JobState.INTERRUPTED, JobState.INTERRUPTED)],
)
def test_a_shutdown_keeps_what_can_be_gone_on_with(resumes: bool, state: JobState, after: JobState) -> None:
    stage = Stage()

    def stopped(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.line({"status": "pushing"})
        stage.runner.stop(0)
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(stopped, resumes=resumes)
    job, waiting = stage.jobs.start(ALICE, asked()), stage.jobs.start(ALICE, asked("other"))
    stage.run()

    assert stage.jobs.get(ALICE, job.id).state is state
    assert stage.jobs.get(ALICE, waiting.id).state is JobState.QUEUED
    again = stage.restarted()
    again.play(nothing, resumes=resumes)
    again.play(nothing, "other")
    again.runner.recover(0)
    again.run()
    assert again.jobs.get(ALICE, job.id).state is after
    assert again.jobs.get(ALICE, waiting.id).state is JobState.DONE
    words = ["pushing", "note", "complete"] if resumes else ["pushing", "error"]
    assert again.statuses(job.id) == words


def test_what_a_killed_process_left_ends_truthfully() -> None:
    stage = Stage()
    stage.play(nothing, "goes on", resumes=True)
    stage.play(nothing, "ends")
    going, ending, waiting, gone = (stage.jobs.start(ALICE, asked(kind)) for kind in ("goes on", "ends", "ends", "?"))
    for job in (going, ending, gone):
        stage.records.claim(job.id, stage.clock.now)

    again = stage.restarted()
    assert again.runner.recover(0) == 4
    again.run()

    states = [again.jobs.get(ALICE, job.id).state for job in (going, ending, waiting, gone)]
    assert states == [JobState.DONE, JobState.INTERRUPTED, JobState.DONE, JobState.INTERRUPTED]
    result = again.jobs.get(ALICE, ending.id).result
    assert result is not None
    assert (result["code"], bool(result["hint"])) == ("interrupted", True)
    assert ("alice", "ends", Result.INTERRUPTED) in stage.trail.kept
    assert again.runner.recover(0) == 0


def test_a_row_that_cannot_be_taken_up_keeps_no_other_waiting() -> None:
    stage = Stage()
    stage.play(nothing)
    strange, broken, sound = (stage.jobs.start(actor, asked(kind)) for actor, kind in STRANGE)
    again = stage.restarted()
    again.actors = Forgetful()
    again.__post_init__()

    assert again.runner.recover(0) == 3
    again.run()

    assert again.jobs.get(ALICE, sound.id).state is JobState.DONE
    ended = again.jobs.get(ALICE, strange.id)
    assert ended.state is JobState.INTERRUPTED
    assert ended.result is not None
    assert "version" in str(ended.result["hint"])
    assert again.jobs.get(BOB, broken.id).state is JobState.QUEUED
    again.actors.known[BOB.user] = BOB
    assert again.runner.recover(0) == 1


STRANGE = ((ALICE, "transmogrify"), (BOB, "push"), (ALICE, "push"))


class Forgetful(MemoryActors):
    """Fails about everybody whom it does not know."""

    def __init__(self) -> None:
        super().__init__()
        del self.known[BOB.user]

    def again(self, job: Job) -> Actor:
        return self.known[job.owner]


def test_fields_that_cannot_be_read_end_their_job_with_what_to_do() -> None:
    stage = Stage()

    def read(telling: Telling, cancel: Cancel) -> JsonObject:
        raise JobFieldsUnreadable("targets")

    stage.play(read)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    ended = stage.jobs.get(ALICE, job.id)
    assert ended.state is JobState.INTERRUPTED
    assert ended.result is not None
    assert (ended.result["code"], bool(ended.result["hint"])) == ("interrupted", True)


def test_a_kind_of_a_later_version_is_left_to_a_server_that_knows_it() -> None:
    """It stopped, and let its jobs go; another of its version may be about to take them up."""
    stage = Stage()
    stage.play(nothing, "transmogrify", resumes=True)
    job = stage.jobs.start(ALICE, asked("transmogrify"))
    stage.runner.stop(0)
    older = stage.restarted()
    older.kinds = {}
    older.__post_init__()

    older.runner.recover()
    stage.clock.advance(LOST_SECONDS / 2)
    older.runner.recover()
    assert older.jobs.get(ALICE, job.id).state is JobState.QUEUED
    stage.clock.advance(LOST_SECONDS / 2)
    older.runner.recover()
    assert older.jobs.get(ALICE, job.id).state is JobState.INTERRUPTED


def test_a_question_that_nobody_foresaw_ends_its_job_and_not_the_others() -> None:
    stage = Stage()

    def admit(actor: Actor, fields: JsonObject) -> None:
        if actor.name == "alice":
            raise KeyError("environment")

    stage.play(nothing, admit=admit)
    first, second = [stage.jobs.start(actor, asked(sharing="same")) for actor in (ALICE, BOB)]
    stage.run()

    assert stage.statuses(first.id) == ["error"]
    assert stage.statuses(second.id) == ["complete"]


def test_what_a_process_let_go_is_taken_up_by_another_at_once() -> None:
    stage = Stage()

    def stopped(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.runner.stop(0)
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(stopped, resumes=True)
    running, waiting = stage.jobs.start(ALICE, asked()), stage.jobs.start(ALICE, asked("other"))
    stage.run()
    other = stage.restarted()
    other.play(nothing, resumes=True)
    other.play(nothing, "other")

    assert other.runner.recover() == 2
    other.run()
    assert {other.jobs.get(ALICE, job.id).state for job in (running, waiting)} == {JobState.DONE}


def test_a_job_that_takes_the_server_down_each_time_ends() -> None:
    stage = Stage()
    stage.play(nothing, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    for run in range(1, RUNS_LIMIT + 1):
        stage.records.claim(job.id, stage.clock.now)
        if run < RUNS_LIMIT:
            stage.records.release(job.id, run, stage.clock.now)

    again = stage.restarted()
    again.runner.recover(0)
    again.run()

    assert again.jobs.get(ALICE, job.id).state is JobState.INTERRUPTED


def test_a_living_process_keeps_its_jobs() -> None:
    stage = Stage()
    stage.play(nothing)
    job = stage.jobs.start(ALICE, asked())
    stage.clock.advance(LOST_SECONDS + 1)
    stage.runner.leases.beat()

    other = stage.restarted()
    assert other.runner.recover() == 0
    stage.clock.advance(LOST_SECONDS + 1)
    assert other.runner.recover() == 1
    assert isinstance(other.queue, HandQueue)
    assert job.id in other.queue.waiting


def test_a_frozen_run_that_wakes_beside_its_successor_writes_nothing() -> None:
    stage = Stage()
    other = stage.restarted()

    def frozen(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.clock.advance(LOST_SECONDS + 1)
        stage.play(nothing, resumes=True)
        other.runner.recover()
        other.run()
        telling.line({"status": "late"})
        stage.runner.writer.write()
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(frozen, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.statuses(job.id) == ["note", "complete"]
    assert not stage.runner.held()


class UnfitRecords(MemoryJobRecords):
    """Whose claims fail in a way that is not ours, while `unfit`."""

    unfit = False

    def claim(self, job: str, at: float) -> Job | None:
        if self.unfit:
            raise ValueError("the statement does not fit")
        return super().claim(job, at)


def test_a_claim_that_fails_as_nobody_foresaw_ends_its_job(caplog: pytest.LogCaptureFixture) -> None:
    records = UnfitRecords()
    stage = Stage(records=records)
    stage.play(nothing)
    jobs = [stage.jobs.start(ALICE, asked(sharing="same")) for _ in range(2)]
    records.unfit = True
    with caplog.at_level(logging.ERROR, "lading.jobs"):
        stage.run()

    for job in jobs:
        kept = stage.jobs.get(ALICE, job.id)
        assert kept.state is JobState.ERROR
        assert kept.result == {"status": "error", "error": "Failed to push image", "code": "failed"}
    assert not stage.runner.held()
    assert "does not fit" in caplog.text


def test_who_cannot_join_as_nobody_foresaw_holds_nothing_for_ever() -> None:
    records = UnfitRecords()
    stage = Stage(records=records)

    def meanwhile(telling: Telling, cancel: Cancel) -> JsonObject:
        records.unfit = True
        late.append(stage.jobs.start(BOB, asked(sharing="same")).id)
        return {}

    late: list[str] = []
    stage.play(meanwhile)
    first = stage.jobs.start(ALICE, asked(sharing="same"))
    stage.run()

    assert stage.jobs.get(ALICE, first.id).state is JobState.DONE
    assert stage.jobs.get(BOB, late[0]).state is JobState.ERROR
    assert not stage.runner.held()


def test_a_run_that_was_lost_says_nothing_on_the_trail() -> None:
    stage = Stage()

    def taken_over(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.records.release(job.id, 1, stage.clock.now)
        stage.records.claim(job.id, stage.clock.now)
        return {}

    stage.play(taken_over)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.trail.kept == [("alice", "push", Result.STARTED)]


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
