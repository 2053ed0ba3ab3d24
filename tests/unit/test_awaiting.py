"""A start that waits for what it stands on, and for nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, LadingError, StorageFailed, Unavailable
from lading.main.awaiting import LONGEST_PAUSE_SECONDS, awaited


class Pauses:
    """Passes at once, and remembers for how long it should have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, _event: threading.Event, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def cancel(pauses: Pauses) -> Cancellation:
    return Cancellation(pause=pauses)


def nothing() -> None:
    """There is nothing to look at."""


def opening(*errors: LadingError) -> Callable[[], AbstractContextManager[str]]:
    """It fails so often first, by these."""
    left = list(errors)

    @contextmanager
    def opened() -> Iterator[str]:
        if left:
            raise left.pop(0)
        yield "it"

    return opened


def test_it_is_tried_until_it_can_be_had(pauses: Pauses, cancel: Cancellation) -> None:
    told: list[Unavailable] = []
    errors = [Unavailable(number) for number in range(6)]

    with awaited(nothing, opening(*errors), told.append, cancel) as found:
        assert found == "it"

    assert told == errors
    assert pauses.seconds == [1, 2, 4, *[LONGEST_PAUSE_SECONDS] * 3]


def test_what_another_try_would_not_change_is_raised(pauses: Pauses, cancel: Cancellation) -> None:
    wrong = StorageFailed("the password is wrong")

    with (
        pytest.raises(StorageFailed) as failure,
        awaited(nothing, opening(Unavailable(), wrong), lambda _: None, cancel),
    ):
        pass

    assert failure.value is wrong
    assert len(pauses.seconds) == 1


def test_who_waits_can_be_stopped(cancel: Cancellation) -> None:
    with pytest.raises(Cancelled), awaited(nothing, opening(Unavailable()), lambda _: cancel.cancel(), cancel):
        pass


def test_what_goes_away_later_does_not_begin_it_anew(pauses: Pauses, cancel: Cancellation) -> None:
    with pytest.raises(Unavailable), awaited(nothing, opening(), lambda _: None, cancel):
        raise Unavailable

    assert pauses.seconds == []


def test_it_is_looked_at_before_it_is_opened(pauses: Pauses, cancel: Cancellation) -> None:
    order, errors, told = list[str](), [Unavailable()], list[Unavailable]()

    def looked() -> None:
        order.append("looked")
        if errors:
            raise errors.pop()

    @contextmanager
    def opened() -> Iterator[None]:
        order.append("opened")
        yield

    with awaited(looked, opened, told.append, cancel):
        pass

    assert order == ["looked", "looked", "opened"]
    assert (len(told), pauses.seconds) == (1, [1])


def test_who_looks_where_nobody_answers_can_be_stopped(cancel: Cancellation) -> None:
    """As packets are dropped."""
    looks, answer = threading.Event(), threading.Event()

    def ask() -> None:
        looks.wait()
        cancel.cancel()

    asked = threading.Thread(target=ask)

    def silent() -> None:
        looks.set()
        answer.wait()

    asked.start()
    with pytest.raises(Cancelled), awaited(silent, opening(), lambda _: None, cancel):
        pass
    answer.set()
    asked.join()


def test_what_is_wrong_is_raised_as_it_is(cancel: Cancellation) -> None:
    def wrong() -> None:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"), awaited(wrong, opening(), lambda _: None, cancel):
        pass
