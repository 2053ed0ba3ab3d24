"""Many jobs and many followers on real threads: nobody misses a line, nothing is told twice, nothing is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from lading.backends.job_queue.threads import ThreadQueue
from lading.services.jobs.job import JobState, JsonObject, Telling
from lading.services.jobs.records import JobFilter
from lading.services.running.follower import Follower
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Piece, Planned, State
from tests.fakes.jobs import ADMIN, ALICE, BOB, BOUND_SECONDS, Stage, asked, nothing

JOBS = 200
FOLLOWERS = 1000
LINES = 30


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage(ThreadQueue(16, 8))
    stage.runner.begin()
    yield stage
    assert stage.runner.stop(BOUND_SECONDS)


class Wakes:
    """Lets a thread wait until something is new about a job."""

    def __init__(self, stage: Stage) -> None:
        self._changed = threading.Condition()
        self._count = 0
        stage.runner.feeds.subscribe(self._wake)

    def _wake(self, job: str) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    @property
    def count(self) -> int:
        return self._count

    def wait(self, seen: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._count != seen, BOUND_SECONDS)


def talk(telling: Telling, cancel: Cancel) -> JsonObject:
    """A transfer of a few layers, told in every detail."""
    telling.event(Planned("t", tuple(Piece(f"sha256:{number:064}", size=1000) for number in range(5))))
    for number in range(LINES):
        telling.line({"status": "line", "number": number})
        for current in range(0, 1000, 100):
            telling.event(Advanced("t", f"sha256:{number % 5:064}", State.MOVING, current, 1000))
    return {}


def ids(text: bytes) -> list[int]:
    return [int(line[4:]) for line in text.split(b"\n") if line.startswith(b"id: ")]


def read_to_the_end(followers: list[Follower], wakes: Wakes) -> list[bytes]:
    """One thread for all of them, as an event loop is."""
    texts = [b""] * len(followers)
    reading = dict(enumerate(followers))
    while reading:
        seen, busy = wakes.count, False
        for number, follower in list(reading.items()):
            there = follower.read()
            if there.behind:
                there = follower.catch_up()
            texts[number] += there.text
            busy = busy or bool(there.text)
            if there.ended:
                follower.close()
                del reading[number]
        if reading and not busy:
            wakes.wait(seen)
    return texts


def test_every_follower_has_every_line_once_and_in_order(stage: Stage) -> None:
    begun = threading.Event()

    def watched(telling: Telling, cancel: Cancel) -> JsonObject:
        assert begun.wait(BOUND_SECONDS)
        return talk(telling, cancel)

    stage.play(watched, "watched")
    stage.play(talk)
    wakes = Wakes(stage)
    job = stage.jobs.start(ALICE, asked("watched"))
    followers = [stage.jobs.follow(ALICE, job.id) for _ in range(FOLLOWERS)]
    others = [stage.jobs.start(ALICE, asked(environment=number % 3)) for number in range(JOBS)]
    begun.set()

    texts = read_to_the_end(followers, wakes)
    others_followed = [stage.jobs.follow(ALICE, other.id) for other in others]
    read_to_the_end(others_followed, wakes)

    cursor = stage.jobs.get(ALICE, job.id).cursor
    assert cursor >= LINES + 1
    for text in texts:
        assert ids(text) == list(range(1, cursor + 1))
        assert text.count(b"event: result\n") == 1
    assert {one.state for one in stage.jobs.page(ADMIN, JobFilter(), 0, 1000).jobs} == {JobState.DONE}
    assert not stage.runner.held()


def test_jobs_that_run_are_cancelled_from_another_thread(stage: Stage) -> None:
    running = threading.Barrier(3)

    def blocked(telling: Telling, cancel: Cancel) -> JsonObject:
        running.wait(BOUND_SECONDS)
        cancel.wait(BOUND_SECONDS)
        return {}

    stage.play(blocked)
    wakes = Wakes(stage)
    jobs = [stage.jobs.start(actor, asked()) for actor in (ALICE, BOB)]
    followers = [stage.jobs.follow(ADMIN, job.id) for job in jobs]
    running.wait(BOUND_SECONDS)
    for job in jobs:
        stage.jobs.cancel(ADMIN, job.id)
    read_to_the_end(followers, wakes)

    assert [stage.jobs.get(ADMIN, job.id).state for job in jobs] == [JobState.CANCELLED] * 2


def test_equal_jobs_started_from_many_threads_share_their_runs(stage: Stage) -> None:
    work = stage.play(nothing)
    wakes = Wakes(stage)
    jobs: list[str] = []
    begin = threading.Barrier(8)

    def start() -> None:
        begin.wait(BOUND_SECONDS)
        for _ in range(20):
            jobs.append(stage.jobs.start(ALICE, asked(sharing="same")).id)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_SECONDS)
    read_to_the_end([stage.jobs.follow(ALICE, job) for job in jobs], wakes)

    assert len(set(jobs)) == 160
    assert len(work.actors) <= 160
    for job in jobs:
        assert stage.statuses(job) == ["complete"]


def test_a_stop_waits_for_what_runs_and_loses_nothing() -> None:
    stage = Stage(ThreadQueue(4, 4))
    stage.runner.begin()
    running = threading.Barrier(5)

    def blocked(telling: Telling, cancel: Cancel) -> JsonObject:
        telling.line({"status": "pushing"})
        running.wait(BOUND_SECONDS)
        cancel.wait(BOUND_SECONDS)
        return {}

    stage.play(blocked, resumes=True)
    jobs = [stage.jobs.start(ALICE, asked()) for _ in range(9)]
    running.wait(BOUND_SECONDS)
    assert stage.runner.stop(BOUND_SECONDS)

    assert [stage.statuses(job.id) for job in jobs] == [["pushing"]] * 4 + [[]] * 5
    assert {stage.jobs.get(ALICE, job.id).state for job in jobs} == {JobState.QUEUED}
    again = stage.restarted()
    again.play(nothing, resumes=True)
    again.runner.recover(0)
    again.run()
    assert {again.jobs.get(ALICE, job.id).state for job in jobs} == {JobState.DONE}
