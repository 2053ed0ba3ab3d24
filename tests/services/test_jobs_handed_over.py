"""Servers that hand jobs over, and workers that take them: a job is begun where it was taken, and nowhere else."""

from __future__ import annotations

import logging
import threading

import pytest

from lading.backends.job_queue.threads import ThreadQueue
from lading.errors import StorageFailed
from lading.services.access import Actor
from lading.services.audit.audit import Result
from lading.services.jobs.job import Job, JobState, JsonObject, Telling
from lading.services.running.dispatch import AGAIN_SECONDS
from lading.services.running.leases import LOST_SECONDS
from lading.wire.message import Cancel
from tests.fakes.job_records import MemoryJobRecords
from tests.fakes.jobs import ALICE, BOUND_SECONDS, HandQueue, MemoryActors, MemoryDispatch, Stage, asked, nothing


class Place:
    """A server, and a worker over the same rows, which takes what the test gives it."""

    def __init__(self, *, keeps: tuple[str, ...] = ()) -> None:
        self.dispatch = MemoryDispatch(keeps)
        self.server = Stage(dispatch=self.dispatch)
        self.worker = self.server.restarted()
        self.over: list[str] = []

    def take(self, job: Job) -> None:
        self.worker.runner.take(job.id, lambda: self.over.append(job.id))

    def state(self, job: Job) -> JobState:
        return self.server.jobs.get(ALICE, job.id).state


def waiting(stage: Stage) -> list[str]:
    assert isinstance(stage.queue, HandQueue)
    return list(stage.queue.waiting)


def test_a_job_that_is_handed_over_is_begun_by_who_takes_it() -> None:
    place = Place()
    work = place.server.play(nothing)

    job = place.server.jobs.start(ALICE, asked())
    assert place.dispatch.handed == [job.id]
    assert waiting(place.server) == []
    place.take(job)
    assert place.over == []
    place.worker.run()

    assert place.over == [job.id]
    assert place.state(job) is JobState.DONE
    assert work.actors == [ALICE]
    assert place.server.trail.kept == [("alice", "push", Result.STARTED), ("alice", "push", Result.DONE)]


def test_what_only_its_own_process_can_do_is_begun_there() -> None:
    place = Place(keeps=("import",))
    place.server.play(nothing, "import")

    job = place.server.jobs.start(ALICE, asked("import"))
    place.server.run()

    assert place.dispatch.handed == []
    assert place.state(job) is JobState.DONE


def test_what_cannot_be_handed_over_waits_and_is_handed_over_when_it_is_found() -> None:
    place = Place()
    place.server.play(nothing)
    place.dispatch.failing = True
    job = place.server.jobs.start(ALICE, asked())
    assert (place.dispatch.handed, waiting(place.server)) == ([], [])

    place.dispatch.failing = False
    place.server.clock.advance(LOST_SECONDS + 1)
    place.server.runner.recover()

    assert place.dispatch.handed == [job.id]
    assert place.state(job) is JobState.QUEUED


@pytest.mark.parametrize("state", ["ended", "running elsewhere", "unknown", "of an unknown kind"])
def test_what_is_not_to_be_begun_here_is_over_at_once(state: str) -> None:
    place = Place()
    place.server.play(nothing)
    job = place.server.jobs.start(ALICE, asked())
    if state == "ended":
        place.server.jobs.cancel(ALICE, job.id)
    elif state == "running elsewhere":
        place.server.records.claim(job.id, place.server.clock.now)
    elif state == "unknown":
        place.worker.runner.take("job-99", lambda: place.over.append("job-99"))
    else:  # a server of a later version made it
        place.worker.kinds.clear()
    before = place.state(job)
    if state != "unknown":
        place.take(job)

    assert len(place.over) == 1
    assert waiting(place.worker) == []
    assert place.state(job) is before


class Unreadable(MemoryJobRecords):
    """Fails to find anything."""

    def find(self, job: str) -> Job | None:
        raise StorageFailed("gone")


class Broken(MemoryActors):
    """Has a mistake in it."""

    def again(self, job: Job) -> Actor:
        raise KeyError(job.id)


@pytest.mark.parametrize("broken", ["records", "actors"])
def test_whatever_fails_it_is_over_here_and_left_to_others(broken: str, caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    place.server.play(nothing)
    job = place.server.jobs.start(ALICE, asked())
    if broken == "records":
        place.worker.records = Unreadable()
    else:
        place.worker.actors = Broken()
    place.worker.__post_init__()

    with caplog.at_level(logging.WARNING):
        place.take(job)

    assert place.over == [job.id]
    assert "is left to others" in caplog.text
    assert place.state(job) is JobState.QUEUED


def test_a_job_that_is_taken_twice_is_begun_once_and_both_are_told() -> None:
    place = Place()
    work = place.server.play(nothing)
    job = place.server.jobs.start(ALICE, asked())

    place.take(job)
    place.take(job)
    place.worker.run()

    assert place.over == [job.id, job.id]
    assert len(work.actors) == 1


def test_it_is_over_where_it_was_lost() -> None:
    """Somebody cancelled it at a server while it waited for room in the worker."""
    place = Place()
    place.server.play(nothing)
    job = place.server.jobs.start(ALICE, asked())
    place.take(job)

    place.server.jobs.cancel(ALICE, job.id)
    place.worker.runner.leases.look()

    assert place.over == [job.id]
    assert place.state(job) is JobState.CANCELLED


def test_a_worker_that_stops_gives_back_what_it_has_and_takes_nothing_more() -> None:
    place, begun = Place(), threading.Event()

    def work(telling: Telling, cancel: Cancel) -> JsonObject:
        begun.set()
        cancel.wait(BOUND_SECONDS)
        raise AssertionError("it must have been stopped")

    place.server.play(work, resumes=True)
    place.worker.queue = ThreadQueue(1, 1)
    place.worker.__post_init__()
    runs, waits = (place.server.jobs.start(ALICE, asked()) for _ in range(2))
    place.take(runs)
    assert begun.wait(BOUND_SECONDS)
    place.take(waits)
    later = place.server.jobs.start(ALICE, asked())

    assert place.worker.runner.stop(BOUND_SECONDS)
    place.take(later)

    assert sorted(place.over) == [runs.id, waits.id, later.id]
    assert [place.state(job) for job in (runs, waits, later)] == [JobState.QUEUED] * 3
    other = place.server.restarted()
    other.runner.recover()
    assert place.dispatch.handed[3:] == [runs.id, waits.id]  # at once; the third had no holder to let go of it


def test_what_a_dead_worker_ran_is_handed_over_and_not_begun_by_who_finds_it() -> None:
    place = Place()
    place.server.play(nothing, resumes=True)
    job = place.server.jobs.start(ALICE, asked())
    place.server.records.claim(job.id, place.server.clock.now)
    place.server.clock.advance(AGAIN_SECONDS)

    assert place.worker.runner.recover() == 1

    assert place.dispatch.handed == [job.id, job.id]
    assert waiting(place.worker) == []
    place.take(job)
    place.worker.run()
    assert place.state(job) is JobState.DONE
    assert place.server.jobs.get(ALICE, job.id).losses == 1


def test_what_cannot_be_gone_on_with_ends_wherever_it_is_found() -> None:
    place = Place()
    place.server.play(nothing)
    job = place.server.jobs.start(ALICE, asked())
    place.server.records.claim(job.id, place.server.clock.now)
    place.server.clock.advance(AGAIN_SECONDS)

    place.server.runner.recover()

    assert place.state(job) is JobState.INTERRUPTED
    assert place.dispatch.handed == [job.id]
