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

    with awaited(opening(*errors), told.append, cancel) as found:
        assert found == "it"

    assert told == errors
    assert pauses.seconds == [1, 2, 4, *[LONGEST_PAUSE_SECONDS] * 3]


def test_what_another_try_would_not_change_is_raised(pauses: Pauses, cancel: Cancellation) -> None:
    wrong = StorageFailed("the password is wrong")

    with pytest.raises(StorageFailed) as failure, awaited(opening(Unavailable(), wrong), lambda _: None, cancel):
        pass

    assert failure.value is wrong
    assert len(pauses.seconds) == 1


def test_who_waits_can_be_stopped(cancel: Cancellation) -> None:
    with pytest.raises(Cancelled), awaited(opening(Unavailable()), lambda _: cancel.cancel(), cancel):
        pass


def test_what_goes_away_later_does_not_begin_it_anew(pauses: Pauses, cancel: Cancellation) -> None:
    with pytest.raises(Unavailable), awaited(opening(), lambda _: None, cancel):
        raise Unavailable

    assert pauses.seconds == []
