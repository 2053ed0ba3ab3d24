"""Stopping work: from any thread, by a deadline, and from the outside in."""

from __future__ import annotations

import threading

import pytest

from lading.engine.cancel import Cancellation, DeadlineOver
from lading.errors import Cancelled
from tests.fakes.clock import WaitingClock
from tests.fakes.work import bounded


def test_nothing_happens_until_somebody_asks() -> None:
    cancel = Cancellation()

    cancel.check()
    cancel.cancel()
    assert cancel.cancelled
    with pytest.raises(Cancelled):
        cancel.check()


def test_waiting_is_cut_short_by_a_cancel() -> None:
    cancel = Cancellation()
    began = threading.Event()

    def wait() -> None:
        began.set()
        with pytest.raises(Cancelled):
            cancel.wait(3600)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert began.wait(60)
    cancel.cancel()
    thread.join(60)
    assert not thread.is_alive()


def test_a_deadline_is_noticed_by_check_and_wait() -> None:
    clock = WaitingClock()
    cancel = Cancellation(10, clock=clock, pause=clock.pause)

    cancel.wait(4)
    with pytest.raises(DeadlineOver) as caught:
        cancel.wait(100)
    with pytest.raises(DeadlineOver):
        cancel.check()

    assert clock.waited == [4, 6]
    assert str(caught.value) == "not done within the 10 s allowed"


def test_a_deadline_wakes_whoever_is_blocked() -> None:
    closed = threading.Event()

    with Cancellation(0.3, clock=lambda: 0.0) as cancel, cancel.closing(closed.set):
        assert closed.wait(60)
        with pytest.raises(DeadlineOver):
            cancel.check()


def test_leaving_ends_the_deadlines_watch() -> None:
    before = threading.active_count()
    with Cancellation(3600, clock=lambda: 0.0):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_a_deadline_needs_a_clock() -> None:
    with pytest.raises(ValueError, match="clock"):
        Cancellation(1)


def test_a_cancel_closes_what_is_open_and_nothing_else() -> None:
    cancel, closed = Cancellation(), []
    with cancel.closing(lambda: closed.append("left")):
        pass
    with cancel.closing(lambda: closed.append("open")):
        cancel.cancel()

    assert closed == ["open"]


def test_nothing_is_begun_once_it_was_cancelled() -> None:
    cancel = Cancellation()
    cancel.cancel()

    with pytest.raises(Cancelled), cancel.closing(lambda: None):
        pytest.fail("it went in")


def test_one_closer_that_fails_does_not_spare_the_others() -> None:
    cancel, closed = Cancellation(), []

    def broken() -> None:
        raise OSError("already closed")

    with cancel.closing(broken), cancel.closing(lambda: closed.append(1)), cancel.closing(broken):
        cancel.cancel()

    assert closed == [1]


def test_leaving_waits_for_a_closer_that_has_begun() -> None:
    cancel, order = Cancellation(), []
    inside, go_on = threading.Event(), threading.Event()

    def close() -> None:
        inside.set()
        go_on.wait(60)
        order.append("closed")

    def work() -> None:
        with cancel.closing(close):
            inside.wait(60)
            go_on.set()
        order.append("left")

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    while not cancel._closers:
        worker.join(0.001)
    cancel.cancel()
    worker.join(60)

    assert order == ["closed", "left"]


def test_what_stops_the_outer_stops_the_inner_and_not_the_other_way_round() -> None:
    outer = Cancellation()
    with Cancellation.within(outer) as first, Cancellation.within(outer) as second:
        first.cancel()
        outer.check()
        second.check()
        with pytest.raises(Cancelled):
            first.check()
        outer.cancel()
        assert second.cancelled
        with pytest.raises(Cancelled):
            second.check()


def test_the_inner_one_tells_the_outer_reason() -> None:
    clock = WaitingClock()
    outer = Cancellation(5, clock=clock, pause=clock.pause)
    with Cancellation.within(outer) as inner:
        clock.now = 6
        with pytest.raises(DeadlineOver):
            inner.check()


def test_the_inner_one_sleeps_by_the_outer_clock() -> None:
    clock = WaitingClock()
    with Cancellation.within(Cancellation(pause=clock.pause)) as inner:
        bounded(lambda: inner.wait(1000))

    assert clock.waited == [1000]
