"""Jobs that a process left behind: gone on with, ended truthfully, or left to who knows their kind."""

from __future__ import annotations

import threading

from lading.backends.job_queue.threads import ThreadQueue
from lading.services.access import Actor
from lading.services.audit.audit import Result
from lading.services.jobs.job import Job, JobState, JsonObject, Telling
from lading.services.jobs.records import Held
from lading.services.running.leases import LOST_SECONDS
from lading.services.running.recovery import LOSSES_LIMIT
from lading.wire.message import Cancel
from tests.fakes.jobs import ALICE, BOB, BOUND_SECONDS, HandQueue, MemoryActors, Stage, asked, nothing


def test_a_server_takes_up_by_itself_what_another_lost() -> None:
    """No chore comes into it: one that takes long would put it off."""
    stage, done = Stage(), threading.Event()

    def work(telling: Telling, cancel: Cancel) -> JsonObject:
        done.set()
        return {}

    stage.play(work, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    stage.records.claim(job.id, stage.clock.now)
    stage.clock.advance(LOST_SECONDS + 1)
    other = stage.restarted()
    other.queue = ThreadQueue(4, 4)
    other.__post_init__()

    other.runner.begin()
    assert done.wait(BOUND_SECONDS)
    assert other.runner.stop(BOUND_SECONDS)

    assert other.jobs.get(ALICE, job.id).state is JobState.DONE


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
    for _ in range(LOSSES_LIMIT):
        assert stage.jobs.get(ALICE, job.id).state is JobState.QUEUED
        stage.records.claim(job.id, stage.clock.now)
        stage.restarted().runner.recover(0)

    ended = stage.jobs.get(ALICE, job.id)
    assert ended.state is JobState.INTERRUPTED
    assert ended.result is not None
    assert f"{LOSSES_LIMIT} times" in str(ended.result["error"])


def test_a_job_outlives_any_number_of_stops_in_good_order() -> None:
    stage = Stage()

    def stopped(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.runner.stop(0)
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(stopped, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    for _ in range(LOSSES_LIMIT + 1):
        stage.run()
        stage = stage.restarted()
        stage.runner.recover(0)
    stage.play(nothing, resumes=True)
    stage.run()

    done = stage.jobs.get(ALICE, job.id)
    assert (done.state, done.losses) == (JobState.DONE, 0)


def test_a_job_that_outlasts_the_stop_of_its_server_was_not_lost() -> None:
    """The server waited as long as it may, let its jobs go, and was gone."""
    stage = Stage()
    stage.play(nothing, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    claimed = stage.records.claim(job.id, stage.clock.now)
    assert claimed is not None
    stage.records.let_go([Held(job.id, claimed.run)])

    again = stage.restarted()
    again.runner.recover(0)
    again.run()

    done = again.jobs.get(ALICE, job.id)
    assert (done.state, done.losses) == (JobState.DONE, 0)


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
