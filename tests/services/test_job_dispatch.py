"""Jobs handed over to other processes: once in a while, whatever fails; and whoever took one hears of its end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from lading.services.jobs.job import Job, JobState
from lading.services.running.dispatch import AGAIN_SECONDS, HandOver, NobodyElse, Taken
from tests.fakes.jobs import MemoryDispatch, asked
from tests.fakes.records import Clock


def job(number: int, kind: str = "push") -> Job:
    return Job(f"job-{number}", asked(kind), 1, "alice", JobState.QUEUED, 0, 0.0, 0.0, 0)


def test_a_process_alone_does_what_it_makes() -> None:
    assert not HandOver(NobodyElse(), Clock()).handed(job(1))


def test_what_was_handed_over_waits_for_room_before_it_is_again() -> None:
    """Whoever looks for jobs that nobody holds finds those that wait, every few seconds."""
    dispatch, clock = MemoryDispatch(), Clock()
    hand_over = HandOver(dispatch, clock)

    assert hand_over.handed(job(1))
    clock.advance(AGAIN_SECONDS / 2)
    assert hand_over.handed(job(2))
    assert hand_over.handed(job(1))
    clock.advance(AGAIN_SECONDS / 2)
    assert hand_over.handed(job(1))
    assert hand_over.handed(job(2))

    assert dispatch.handed == ["job-1", "job-2", "job-1"]


def test_what_was_begun_and_given_back_since_is_handed_over_at_once() -> None:
    dispatch = MemoryDispatch()
    hand_over = HandOver(dispatch, Clock())

    assert hand_over.handed(job(1))
    assert hand_over.handed(replace(job(1), run=1))
    assert hand_over.handed(replace(job(1), run=1))

    assert dispatch.handed == ["job-1", "job-1"]


def test_what_is_for_this_process_is_asked_each_time() -> None:
    dispatch = MemoryDispatch(keeps=["import"])
    hand_over = HandOver(dispatch, Clock())

    assert [hand_over.handed(job(1, "import")) for _ in range(2)] == [False, False]
    assert dispatch.handed == []


def test_what_cannot_be_handed_over_is_nobodys_yet_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    dispatch = MemoryDispatch()
    hand_over = HandOver(dispatch, Clock())
    dispatch.failing = True

    with caplog.at_level(logging.WARNING):
        assert hand_over.handed(job(1))
    dispatch.failing = False
    assert hand_over.handed(job(1))

    assert dispatch.handed == ["job-1"]
    assert [record.getMessage() for record in caplog.records] == ["job job-1 cannot be handed over, and is again: gone"]


def told(taken: Taken, *jobs: str) -> list[str]:
    """Who is told, in order, from now on."""
    heard: list[str] = []
    for name in jobs:
        taken.expect(name, partial(heard.append, name))
    return heard


EndIt = Callable[[Taken], None]


@pytest.mark.parametrize("end", [lambda taken: taken.tell("a"), Taken.tell_all], ids=["one", "all"])
def test_whoever_took_a_job_is_told_once(end: EndIt) -> None:
    taken = Taken()
    heard = told(taken, "a")

    end(taken)
    end(taken)

    assert heard == ["a"]


def test_who_took_the_same_job_again_is_told_as_well() -> None:
    """It was handed over twice: else a place of the queue's would be lost with each."""
    taken = Taken()
    heard = told(taken, "a", "b", "a")

    taken.tell("a")

    assert heard == ["a", "a"]


def test_nobody_is_told_of_what_nobody_took() -> None:
    taken = Taken()
    heard = told(taken, "a")

    taken.tell("b")

    assert heard == []
