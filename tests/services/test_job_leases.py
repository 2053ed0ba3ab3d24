"""Whose jobs they are: what is ended or taken over elsewhere stops here, even where nothing is said any more."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import pytest

from lading.backends.job_queue.threads import ThreadQueue
from lading.errors import StorageFailed
from lading.services.audit.audit import Result
from lading.services.jobs.job import Job, JobState, JsonObject, Telling
from lading.services.jobs.records import Held, Told
from lading.services.running.leases import LOST_SECONDS, SILENT_SECONDS
from lading.wire.message import Cancel
from tests.fakes.job_records import MemoryJobRecords
from tests.fakes.jobs import ALICE, BOB, BOUND_SECONDS, Stage, asked, nothing


class CountingRecords(MemoryJobRecords):
    """Counts what is asked about jobs that are held."""

    def __init__(self) -> None:
        super().__init__()
        self.looked = 0
        self.refusing = False

    def lost(self, held: Collection[Held]) -> Collection[str]:
        self.looked += 1
        return super().lost(held)

    def beat(self, held: Collection[Held]) -> Collection[str]:
        if self.refusing:
            raise StorageFailed("gone")
        return super().beat(held)


class Stalled:
    """A work that says nothing and waits until it is cancelled."""

    def __init__(self) -> None:
        self.begun, self.stopped = threading.Event(), threading.Event()

    def __call__(self, telling: Telling, cancel: Cancel) -> JsonObject:
        self.begun.set()
        try:
            cancel.wait(BOUND_SECONDS)
        finally:
            self.stopped.set()
        raise AssertionError("it must have been stopped")


@contextmanager
def at_work(stage: Stage) -> Iterator[None]:
    """With all its threads, and woken by other processes; its clock stands still, so no heartbeat comes to its help."""
    with stage.wakes.listening(stage.runner.woken):
        stage.runner.begin()
        yield
        assert stage.runner.stop(BOUND_SECONDS)


@pytest.mark.parametrize("topic", ["told", "anything"])
def test_a_stalled_job_that_another_process_cancels_stops(topic: str) -> None:
    records = CountingRecords()
    stage = Stage(ThreadQueue(4, 4), records)
    stalled = Stalled()
    stage.play(stalled)
    with at_work(stage):
        job = stage.jobs.start(ALICE, asked())
        assert stalled.begun.wait(BOUND_SECONDS)
        other = stage.restarted()
        if topic == "anything":  # the wake-up was lost
            other.wakes = type(other.wakes)()
            other.__post_init__()
        other.jobs.cancel(ALICE, job.id)
        if topic == "anything":
            stage.runner.woken(None)

        assert stalled.stopped.wait(BOUND_SECONDS)
        assert stage.jobs.get(ALICE, job.id).state is JobState.CANCELLED
    assert stage.statuses(job.id) == ["error"]
    assert not stage.runner.held()


def test_nobody_is_asked_about_jobs_because_they_speak() -> None:
    records = CountingRecords()
    stage = Stage(ThreadQueue(4, 4), records)
    said = threading.Event()

    def talk(telling: Telling, cancel: Cancel) -> JsonObject:
        for number in range(50):
            telling.line({"status": "line", "number": number})
        assert said.wait(BOUND_SECONDS)
        return {}

    stage.play(talk)
    with at_work(stage):
        job = stage.jobs.start(ALICE, asked())
        follower = stage.jobs.follow(ALICE, job.id)
        while follower.cursor < 50:
            follower.read()
        follower.close()
        said.set()

    assert records.looked == 0


def test_a_run_that_was_taken_over_stops_when_its_heartbeat_is_refused() -> None:
    stage = Stage()

    def taken_over(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.records.release(job.id, 1, stage.clock.now)
        stage.records.claim(job.id, stage.clock.now)
        stage.runner.leases.beat()
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(taken_over, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.statuses(job.id) == []
    kept = stage.records.find(job.id)
    assert kept is not None
    assert (kept.state, kept.run) == (JobState.RUNNING, 2)
    assert not stage.runner.held()


def test_a_job_that_waits_here_and_was_ended_elsewhere_is_given_up() -> None:
    stage = Stage()
    work = stage.play(nothing)
    job = stage.jobs.start(ALICE, asked())
    stage.restarted().jobs.cancel(ALICE, job.id)
    stage.runner.leases.look()
    stage.run()

    assert not stage.runner.held()
    assert not work.actors


def test_a_cancel_reaches_a_job_that_was_taken_over_though_this_process_has_not_heard_of_it() -> None:
    stage = Stage()
    stage.play(nothing, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    stage.records.age(job.id, LOST_SECONDS)
    other = stage.restarted()

    def goes_on(telling: Telling, cancel: Cancel) -> JsonObject:
        assert stage.jobs.cancel(ALICE, job.id).state is JobState.CANCELLED
        stage.runner.writer.write()
        other.runner.leases.look()
        cancel.check()
        raise AssertionError("it must have been stopped")

    other.play(goes_on, resumes=True)
    assert other.runner.recover() == 1
    other.run()

    assert stage.jobs.get(ALICE, job.id).state is JobState.CANCELLED
    assert [result for _, action, result in stage.trail.kept if action == "push"] == [Result.STARTED, Result.CANCELLED]
    assert not stage.runner.held()
    assert not other.runner.held()


def test_a_heartbeat_during_the_claim_gives_nothing_up() -> None:
    """The row is a step ahead of what is known here."""

    class Claiming(MemoryJobRecords):
        def claim(self, job: str, at: float) -> Job | None:
            claimed = super().claim(job, at)
            stage.runner.leases.beat()
            return claimed

    stage = Stage(records=Claiming())
    stage.play(nothing)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert stage.statuses(job.id) == ["complete"]


def test_a_heartbeat_between_the_end_and_its_telling_gives_nothing_up() -> None:
    class Ending(MemoryJobRecords):
        def tell(self, told: Sequence[Told]) -> Collection[str]:
            lost = super().tell(told)
            stage.runner.leases.beat()
            return lost

    stage = Stage(records=Ending())
    stage.play(nothing)
    job = stage.jobs.start(ALICE, asked())
    follower = stage.jobs.follow(ALICE, job.id)
    follower.read()
    stage.run()
    reading = follower.read()
    follower.close()

    assert reading.ended
    assert b"event: result" in reading.text


def test_a_process_that_cannot_say_that_it_lives_gives_its_jobs_up_before_others_take_them() -> None:
    records = CountingRecords()
    stage = Stage(records=records)

    def cut_off(telling: Telling, cancel: Cancel) -> JsonObject:
        stage.runner.leases.beat()
        records.refusing = True
        stage.clock.advance(SILENT_SECONDS - 1)
        stage.runner.leases.beat()
        stage.runner.leases.watch()
        cancel.check()
        stage.clock.advance(1)
        stage.runner.leases.watch()
        cancel.check()
        raise AssertionError("it must have been stopped")

    stage.play(cut_off, resumes=True)
    job = stage.jobs.start(ALICE, asked())
    stage.run()

    assert SILENT_SECONDS < LOST_SECONDS
    assert not stage.runner.held()
    assert not stage.restarted().runner.recover()
    stage.clock.advance(LOST_SECONDS)
    again = stage.restarted()
    again.play(nothing, resumes=True)
    assert again.runner.recover() == 1
    again.run()
    assert again.jobs.get(ALICE, job.id).state is JobState.DONE


class SilentRecords(MemoryJobRecords):
    """Answers no heartbeat: it hangs, or fails in a way that is not ours."""

    def __init__(self, hangs: bool) -> None:
        super().__init__()
        self.hangs = hangs
        self.asked, self.go = threading.Event(), threading.Event()

    def beat(self, held: Collection[Held]) -> Collection[str]:
        self.asked.set()
        if not self.hangs:
            raise ValueError("the statement does not fit")
        assert self.go.wait(BOUND_SECONDS)
        raise StorageFailed("gone")


@pytest.mark.parametrize("hangs", [True, False])
def test_a_heartbeat_that_is_not_answered_keeps_nothing_from_being_given_up(hangs: bool) -> None:
    records = SilentRecords(hangs)
    stage, stalled = Stage(ThreadQueue(4, 4), records), Stalled()
    stage.play(stalled, resumes=True)
    stage.runner.begin()
    try:
        stage.jobs.start(ALICE, asked())
        assert stalled.begun.wait(BOUND_SECONDS)
        stage.clock.advance(SILENT_SECONDS)
        stage.runner.leases.woken()
        assert records.asked.wait(BOUND_SECONDS)

        assert stalled.stopped.wait(BOUND_SECONDS), "it goes on where somebody else may take it up"
        assert not stage.runner.held()
    finally:
        records.go.set()
        assert stage.runner.stop(BOUND_SECONDS)


def test_jobs_of_two_owners_are_asked_about_at_once() -> None:
    records = CountingRecords()
    stage = Stage(records=records)
    stage.play(nothing)
    for actor in (ALICE, BOB):
        stage.jobs.start(actor, asked())
    stage.runner.leases.look()

    assert records.looked == 1
