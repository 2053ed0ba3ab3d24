"""What is away is told once when it goes, and once when it is back, however many ask."""

from __future__ import annotations

import logging

import pytest

from lading.errors import Unavailable
from lading.services.outages import STEADY_SECONDS, Outage
from tests.fakes.records import Clock


class Silent(Unavailable):
    def __str__(self) -> str:
        return "cannot reach the cellar: nobody answers"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outage(clock: Clock, caplog: pytest.LogCaptureFixture) -> Outage:
    caplog.set_level(logging.INFO, "lading.outages")
    made = Outage("the cellar", clock)
    made.answered()
    return made


def test_it_is_told_once_when_it_goes_and_once_when_it_is_back(
    outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        outage.failed(Silent())
        clock.now += 0.1
    clock.now += STEADY_SECONDS
    for _ in range(100):
        outage.answered()

    assert caplog.messages == [
        "cannot reach the cellar: nobody answers; what needs it is put off until it answers",
        "the cellar answers again: it was away for 10 s",
    ]


def test_one_that_comes_and_goes_is_not_back(outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        outage.failed(Silent())
        clock.now += STEADY_SECONDS / 2
        outage.answered()

    assert len(caplog.messages) == 1


def test_each_time_is_told(outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        outage.failed(Silent())
        clock.now += STEADY_SECONDS
        outage.answered()

    assert len(caplog.messages) == 4


def test_what_was_never_there_is_told_by_who_opens_it(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lading.outages")
    never = Outage("the cellar", clock)

    never.failed(Silent())
    clock.now += STEADY_SECONDS
    never.answered()

    assert caplog.messages == []


def test_why_is_told_where_the_sentence_leaves_it_out(outage: Outage, caplog: pytest.LogCaptureFixture) -> None:
    outage.failed(Silent().but(why="its door is locked"))

    assert caplog.messages == [
        "cannot reach the cellar: nobody answers: its door is locked; what needs it is put off until it answers"
    ]


def test_one_that_is_too_busy_is_not_away(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Before it has answered once whoever opens it is told by the error, as of one that is away."""
    outage = Outage("the cellar", clock)
    outage.put_off(Silent())
    outage.answered()
    outage.put_off(Silent())
    outage.answered()

    assert caplog.messages == ["cannot reach the cellar: nobody answers; whoever asked is told to try again"]
