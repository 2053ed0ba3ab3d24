"""Two processes at one database: what one ends, the other's transfer stops for, even while it stalls."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lading.backends.database.service_database import open_service_database
from lading.backends.job_queue.threads import ThreadQueue
from lading.services.clocks import Clocks
from lading.services.jobs.job import JobState, JsonObject, Telling
from lading.services.jobs.kinds import WorkKind
from lading.services.running.jobs import Jobs
from lading.services.running.runner import JobRunner, Surroundings
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel
from tests.fakes.jobs import ALICE, BOUND_SECONDS, MemoryActors, MemoryTrail, asked, everybody
from tests.fakes.records import Clock

IDS = itertools.count(1)


@contextmanager
def server(place: Path | str, kinds: dict[str, WorkKind], skew: float = 0) -> Iterator[tuple[Jobs, JobRunner]]:
    """Its wall clock goes wrong by `skew`; its other clock stands still, so that no heartbeat comes to its help."""
    database = open_service_database(place, time.time)
    clocks, trail = Clocks(lambda: time.time() + skew, Clock()), MemoryTrail()
    runner = JobRunner(Surroundings(database.jobs, kinds, MemoryActors(), trail, ThreadQueue(4, 4), clocks))
    with ExitStack() as stack:
        stack.callback(database.close)
        stack.enter_context(database.wakes.listening(runner.woken))
        runner.begin()
        stack.callback(runner.stop, BOUND_SECONDS)
        ids = (f"{next(IDS):08}-0000-4000-8000-000000000000" for _ in itertools.count())
        yield Jobs(runner, database.jobs, trail, clocks.wall, lambda: next(ids)), runner


class Stalled:
    """Says nothing, and waits until it is stopped."""

    def __init__(self) -> None:
        self.begun, self.stopped = threading.Event(), threading.Event()

    def __call__(self, telling: Telling, cancel: Cancel) -> JsonObject:
        self.begun.set()
        try:
            cancel.wait(BOUND_SECONDS)
        finally:
            self.stopped.set()
        return {}


def kinds_of(stalled: Stalled) -> dict[str, WorkKind]:
    def work(actor: object, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        return stalled(telling, cancel)

    return {"push": WorkKind(work, everybody, Verb.PUSH, resumes=True)}


@pytest.mark.parametrize("skew", [-7200.0, 7200.0])
def test_a_stalled_transfer_stops_when_another_server_cancels_it(place: Path | str, skew: float) -> None:
    """However wrong the clock of the other one is: it takes up nothing that is held."""
    stalled = Stalled()
    kinds = kinds_of(stalled)
    with server(place, kinds) as (here, runner), server(place, kinds, skew) as (there, other):
        job = here.start(ALICE, asked())
        assert stalled.begun.wait(BOUND_SECONDS)
        assert other.recover() == 0
        there.cancel(ALICE, job.id)

        assert stalled.stopped.wait(BOUND_SECONDS)
        assert here.get(ALICE, job.id).state is JobState.CANCELLED
    assert not runner.held()


def test_a_job_that_was_let_go_is_taken_up_by_a_server_whose_clock_is_wrong(place: Path | str) -> None:
    first, second = Stalled(), Stalled()
    with server(place, kinds_of(second), -7200.0):
        with server(place, kinds_of(first)) as (here, _runner):
            here.start(ALICE, asked())
            assert first.begun.wait(BOUND_SECONDS)
        assert second.begun.wait(BOUND_SECONDS)
