"""Periodic work: when it is due, and that it is done once."""

from __future__ import annotations

import logging
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.services.audit.audit import Result
from lading.services.jobs.chores import DAY, KEPT_DAYS, job_chores
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.records import JobFilter
from lading.services.schedules import Chore, Schedule, Schedules, next_time
from tests.fakes.job_records import MemoryScheduleRecords
from tests.fakes.jobs import ALICE, BOUND_SECONDS, Stage, asked, nothing
from tests.fakes.records import Clock


@pytest.mark.parametrize(
    ("due", "every", "now", "following"),
    [(100, 10, 100, 110), (100, 10, 109, 110), (100, 10, 110, 120), (100, 10, 1000, 1010), (100, 10, 5, 110)],
)
def test_the_next_time_is_a_step_after_now(due: float, every: float, now: float, following: float) -> None:
    assert next_time(due, every, now) == following


@given(st.floats(0, 2e9, allow_nan=False), st.floats(0.1, 1e7, allow_nan=False), st.floats(0, 2e9, allow_nan=False))
def test_the_next_time_is_never_now_or_far(due: float, every: float, now: float) -> None:
    following = next_time(due, every, now)

    assert following > max(now, due)
    assert following <= max(now, due) + 2 * every


def scheduled(*chores: Chore, clock: Clock) -> tuple[Schedules, MemoryScheduleRecords]:
    records = MemoryScheduleRecords()
    for chore in chores:
        records.ensure_schedule(Schedule(chore.name, chore.every, clock.now))
    return Schedules(records, clock, chores), records


def test_what_was_missed_is_done_once() -> None:
    clock, done = Clock(), list[str]()
    schedules, records = scheduled(Chore("a", 10, lambda: done.append("a")), clock=clock)
    clock.advance(95)

    assert schedules.run_due() == ["a"]
    assert schedules.run_due() == []
    assert done == ["a"]
    (row,) = records.schedules()
    assert (row.next - clock.now, row.last) == (5, clock.now)


def test_of_two_processes_one_does_it() -> None:
    clock, done = Clock(), list[str]()
    chore = Chore("a", 10, lambda: done.append("a"))
    first, records = scheduled(chore, clock=clock)
    second = Schedules(records, clock, [chore])

    assert [*first.run_due(), *second.run_due()] == ["a"]


def test_a_chore_that_fails_is_tried_at_its_next_time(caplog: pytest.LogCaptureFixture) -> None:
    clock, done = Clock(), list[str]()
    broken, sound = Chore("a", 10, lambda: {"a": 1}["b"]), Chore("b", 10, lambda: done.append("b"))
    schedules, _ = scheduled(broken, sound, clock=clock)
    with caplog.at_level(logging.ERROR):
        assert schedules.run_due() == ["a", "b"]

    assert done == ["b"]
    assert "a failed" in caplog.text


def test_rows_of_chores_that_are_no_more_are_left_alone() -> None:
    clock = Clock()
    schedules, records = scheduled(clock=clock)
    records.ensure_schedule(Schedule("of another version", 10, clock.now))

    assert schedules.run_due() == []


def test_a_thread_does_what_is_due_until_it_is_stopped() -> None:
    clock, done = Clock(), threading.Event()
    schedules, _ = scheduled(Chore("a", 10, done.set), clock=clock)
    schedules.begin()

    assert done.wait(BOUND_SECONDS)
    schedules.stop()


def test_old_jobs_and_keys_are_dropped() -> None:
    stage, key = Stage(), RequestKey("key", "of a request")
    stage.play(nothing)
    job = stage.jobs.start(ALICE, asked(), key)
    stage.run()
    expiry, keys = job_chores(stage.records, stage.clock, lambda: KEPT_DAYS)

    stage.clock.advance(29 * DAY)
    expiry.run()
    assert stage.jobs.start(ALICE, asked(), key).id == job.id
    keys.run()
    second = stage.jobs.start(ALICE, asked(), key)
    stage.clock.advance(2 * DAY)
    expiry.run()

    assert [job.id for job in stage.jobs.page(ALICE, JobFilter(), 0, 9).jobs] == [second.id]
    assert stage.trail.kept[0][2] is Result.STARTED
