"""Joining a run at every moment: each joiner rides along or has a run of its own, and ends as it deserves.

The moments are made by hand: a claim is held up until the test has done what happens meanwhile. At the end many real
threads join and leave as they like.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from lading.backends.job_queue.threads import ThreadQueue
from lading.errors import Cancelled, StorageFailed
from lading.services.access import Actor, Denied, Permission
from lading.services.jobs.job import Job, JobState, JsonObject, Telling
from lading.services.jobs.records import JobFilter
from lading.services.running.ending import ending_of
from lading.wire.message import Cancel
from tests.fakes.job_records import MemoryJobRecords
from tests.fakes.jobs import ADMIN, ALICE, BOB, BOUND_SECONDS, Stage, asked


class HeldUpRecords(MemoryJobRecords):
    """Lets the test hold up one job's claim, and spoil it."""

    def __init__(self) -> None:
        super().__init__()
        self.held_up, self.go = threading.Event(), threading.Event()
        self.job = ""
        self.spoilt = False

    def claim(self, job: str, at: float) -> Job | None:
        if job == self.job:
            self.held_up.set()
            assert self.go.wait(BOUND_SECONDS)
            if self.spoilt:
                self.job = ""
                raise StorageFailed("spoilt")
        return super().claim(job, at)


@dataclass
class Work:
    """Goes on until it is let go, or cancelled."""

    begun: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    times: int = 0
    cancelled: int = 0

    def __call__(self, telling: Telling, cancel: Cancel) -> JsonObject:
        self.times += 1
        telling.line({"status": "pushing"})
        self.begun.set()
        try:
            with cancel.closing(self.go.set):
                assert self.go.wait(BOUND_SECONDS)
            cancel.check()
        except Cancelled:
            self.cancelled += 1
            self.go.clear()  # whoever comes next is let go by itself
            raise
        finally:
            self.over.set()
        return {}


@dataclass
class Scene:
    """Alice's job runs; Bob's equal one, `job-2`, is being claimed for the same run, and held up there."""

    stage: Stage
    records: HeldUpRecords
    work: Work
    alice: Job
    joining: threading.Thread

    def bob(self) -> Job:
        """When his start has returned."""
        self.records.go.set()
        self.joining.join(BOUND_SECONDS)
        assert not self.joining.is_alive()
        return self.stage.jobs.get(ADMIN, "job-2")

    def ended(self, job: str) -> JobState:
        return ended(self.stage, job)


def ended(stage: Stage, job: str) -> JobState:
    """Its state, once it is over."""
    over = threading.Event()
    end = stage.runner.feeds.subscribe(lambda told: over.set() if told == job else None)
    follower = stage.jobs.follow(ADMIN, job)
    try:
        while not (found := stage.jobs.get(ADMIN, job)).state.ended:
            assert over.wait(BOUND_SECONDS), f"{job} never ends"
            over.clear()
    finally:
        follower.close()
        end()
    return found.state


@contextmanager
def scene(*, resumes: bool = False) -> Iterator[Scene]:
    records, work = HeldUpRecords(), Work()
    stage = Stage(ThreadQueue(8, 8), records)
    stage.play(work, resumes=resumes)
    stage.runner.begin()
    alice = stage.jobs.start(ALICE, asked(sharing="same"))
    assert work.begun.wait(BOUND_SECONDS)
    records.job = "job-2"
    joining = threading.Thread(target=lambda: stage.jobs.start(BOB, asked(sharing="same")))
    joining.start()
    assert records.held_up.wait(BOUND_SECONDS)
    try:
        yield Scene(stage, records, work, alice, joining)
    finally:
        records.go.set()
        work.go.set()
        joining.join(BOUND_SECONDS)
        assert stage.runner.stop(BOUND_SECONDS)


def test_who_joins_while_the_last_one_leaves_rides_on() -> None:
    with scene() as there:
        there.stage.jobs.cancel(ALICE, there.alice.id)
        assert there.ended(there.alice.id) is JobState.CANCELLED
        bob = there.bob()
        there.work.go.set()

        assert there.ended(bob.id) is JobState.DONE
        assert (there.work.times, there.work.cancelled) == (1, 0)
        assert there.stage.statuses(bob.id) == ["pushing", "complete"]


def test_who_joins_while_the_run_ends_ends_with_it() -> None:
    with scene() as there:
        there.work.go.set()
        assert there.ended(there.alice.id) is JobState.DONE
        bob = there.bob()

        assert there.ended(bob.id) is JobState.DONE
        assert there.work.times == 1


def test_who_is_cancelled_while_joining_leaves_the_others() -> None:
    with scene() as there:
        there.stage.jobs.cancel(BOB, "job-2")
        bob = there.bob()
        assert there.ended(bob.id) is JobState.CANCELLED
        there.work.go.set()

        assert there.ended(there.alice.id) is JobState.DONE
        assert there.work.cancelled == 0


def test_when_both_leave_while_one_joins_the_work_stops() -> None:
    with scene() as there:
        there.stage.jobs.cancel(BOB, "job-2")
        there.stage.jobs.cancel(ALICE, there.alice.id)
        bob = there.bob()

        assert {there.ended(bob.id), there.ended(there.alice.id)} == {JobState.CANCELLED}
        assert there.work.cancelled == 1


def test_who_cannot_be_claimed_while_the_last_one_leaves_has_a_run_of_its_own() -> None:
    with scene() as there:
        there.records.spoilt = True
        there.stage.jobs.cancel(ALICE, there.alice.id)
        there.records.go.set()
        assert there.work.over.wait(BOUND_SECONDS), "nobody wants the first run any more"
        bob = there.bob()
        there.work.go.set()

        assert there.ended(bob.id) is JobState.DONE
        assert (there.work.times, there.work.cancelled) == (2, 1)


def test_who_joins_while_the_server_stops_is_gone_on_with() -> None:
    with scene(resumes=True) as there:
        stopping = threading.Thread(target=lambda: there.stage.runner.stop(BOUND_SECONDS))
        stopping.start()
        assert there.work.over.wait(BOUND_SECONDS)
        there.bob()
        stopping.join(BOUND_SECONDS)

        states = {there.stage.jobs.get(ADMIN, job).state for job in (there.alice.id, "job-2")}
        assert states == {JobState.QUEUED}
    again = there.stage.restarted()
    again.play(lambda telling, cancel: {}, resumes=True)
    again.runner.recover(0)
    again.run()
    assert {again.jobs.get(ADMIN, job).state for job in (there.alice.id, "job-2")} == {JobState.DONE}


def test_who_is_just_joining_is_not_refused() -> None:
    with scene() as there:
        run = there.stage.runner.find(there.alice.id)
        assert run is not None
        seat = next(seat for seat in run.seats if seat.job == "job-2")
        assert seat not in run.seated
        run.refuse(seat, ending_of(Cancelled()))
        there.bob()
        there.work.go.set()

        assert {there.ended("job-2"), there.ended(there.alice.id)} == {JobState.DONE}


def test_who_joins_while_all_others_are_refused_has_a_run_of_its_own() -> None:
    records = HeldUpRecords()
    records.job = "job-3"
    stage = Stage(records=records)
    joining = threading.Thread(target=lambda: stage.jobs.start(BOB, asked(sharing="same")))

    def admit(actor: Actor, fields: JsonObject) -> None:
        if not records.held_up.is_set():
            joining.start()
            assert records.held_up.wait(BOUND_SECONDS)
        raise Denied(Permission.IMAGES_PUSH, None)

    work = stage.play(lambda telling, cancel: {}, admit=admit)
    refused = [stage.jobs.start(actor, asked(sharing="same")).id for actor in (ALICE, ADMIN)]
    stage.run()
    records.go.set()
    joining.join(BOUND_SECONDS)
    assert stage.runner.recover() == 1
    stage.run()

    assert {stage.jobs.get(ADMIN, job).state for job in refused} == {JobState.ERROR}
    assert stage.jobs.get(BOB, "job-3").state is JobState.DONE
    assert work.actors == [BOB]
    assert not stage.runner.held()


def test_a_slow_claim_holds_up_nobody_elses_start() -> None:
    with scene() as there:
        other = there.stage.jobs.start(ALICE, asked(sharing="else"))
        there.work.go.set()

        assert there.ended(other.id) is JobState.DONE


THREADS, STARTS = 6, 25


@pytest.mark.parametrize("seed", range(4))
def test_however_threads_join_and_leave_each_job_ends_as_it_was_asked(seed: int) -> None:
    """Nobody hangs, nobody inherits a cancel that another asked for, and whoever asked for one does not hang either."""
    stage = Stage(ThreadQueue(4, 4))
    stage.play(_short(random.Random(seed)))
    stage.runner.begin()
    begin = threading.Barrier(THREADS)
    unwanted: set[str] = set()

    def ask(chance: random.Random) -> None:
        begin.wait(BOUND_SECONDS)
        for _ in range(STARTS):
            job = stage.jobs.start(ALICE, asked(sharing="same")).id
            if chance.random() < 0.5:
                unwanted.add(job)
                stage.jobs.cancel(ALICE, job)

    threads = [threading.Thread(target=ask, args=[random.Random(seed * 100 + each)]) for each in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_SECONDS)
        assert not thread.is_alive()
    jobs = stage.records.page(JobFilter(), 0, 1000).jobs
    states = {job.id: ended(stage, job.id) for job in jobs}

    assert len(states) == THREADS * STARTS
    assert {states[job] for job in states if job not in unwanted} == {JobState.DONE}
    assert {states[job] for job in unwanted} <= {JobState.CANCELLED, JobState.DONE}
    assert all(stage.statuses(job)[-1] in {"complete", "error"} for job in states)
    assert stage.runner.stop(BOUND_SECONDS)
    assert not stage.runner.held()


def _short(chance: random.Random) -> Callable[[Telling, Cancel], JsonObject]:
    """A work of a few steps, which looks for its cancel between any two."""

    def work(telling: Telling, cancel: Cancel) -> JsonObject:
        for number in range(chance.randrange(6)):
            telling.line({"status": "step", "number": number})
            cancel.check()
        cancel.check()
        return {}

    return work
