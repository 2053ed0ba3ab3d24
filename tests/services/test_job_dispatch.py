"""Jobs handed over to other processes: once in a while, whatever fails; and whoever took one hears of its end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import pytest

from lading.services.jobs.job import Job, JobState
from lading.services.running.dispatch import AGAIN_SECONDS, HandOver, NobodyElse, Taken
from lading.services.running.leases import LOST_SECONDS
from tests.fakes.job_records import MemoryJobRecords
from tests.fakes.jobs import MemoryDispatch, asked


def job(number: int, kind: str = "push") -> Job:
    return Job(f"job-{number}", asked(kind), 1, "alice", JobState.QUEUED, 0, 0.0, 0.0, 0)


@pytest.fixture
def records() -> MemoryJobRecords:
    return MemoryJobRecords()


def test_a_process_alone_does_what_it_makes(records: MemoryJobRecords) -> None:
    assert not HandOver(NobodyElse(), records).handed(job(1))


def test_what_was_handed_over_waits_for_room_before_anybody_looks_at_it_again(records: MemoryJobRecords) -> None:
    """Whoever looks for jobs that nobody holds would find all those that wait, every few seconds, in each process."""
    hand_over = HandOver(MemoryDispatch(), records)
    for number in (1, 2):
        records.add(job(number), None)
    assert hand_over.handed(job(1))

    hand_over.settle()
    records.clock.advance(LOST_SECONDS)
    assert [each.id for each in records.left(LOST_SECONDS)] == ["job-2"]
    records.clock.advance(AGAIN_SECONDS)
    assert [each.id for each in records.left(LOST_SECONDS)] == ["job-1", "job-2"]


def test_what_was_begun_since_is_not_put_off(records: MemoryJobRecords) -> None:
    hand_over = HandOver(MemoryDispatch(), records)
    records.add(job(1), None)
    assert hand_over.handed(job(1))
    records.claim("job-1", 0.0)
    records.release("job-1", 1, 0.0)

    hand_over.settle()

    assert [each.id for each in records.left(LOST_SECONDS)] == ["job-1"]


def test_what_is_for_this_process_is_asked_each_time(records: MemoryJobRecords) -> None:
    dispatch = MemoryDispatch(keeps=["import"])
    hand_over = HandOver(dispatch, records)

    assert [hand_over.handed(job(1, "import")) for _ in range(2)] == [False, False]
    assert dispatch.handed == []


def test_what_cannot_be_handed_over_is_nobodys_yet_and_tried_again(
    records: MemoryJobRecords, caplog: pytest.LogCaptureFixture
) -> None:
    dispatch = MemoryDispatch()
    hand_over = HandOver(dispatch, records)
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
