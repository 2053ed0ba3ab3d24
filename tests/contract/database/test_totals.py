"""What is very many is counted now and then, not for each page."""

from __future__ import annotations

from lading.backends.database.totals import MOST_REMEMBERED, SHARE, STANDS_SECONDS, Totals
from tests.fakes.records import Clock


class Counting:
    """Counts how often it was counted; it takes `seconds` each time."""

    def __init__(self, clock: Clock, found: int, seconds: float = 0.0) -> None:
        self.times, self.found, self._clock, self._seconds = 0, found, clock, seconds

    def __call__(self) -> int:
        self.times += 1
        self._clock.now += self._seconds
        return self.found


def totals(clock: Clock) -> Totals[str, int]:
    return Totals(lambda count: count > 10, clock)


def test_few_are_counted_each_time() -> None:
    clock = Clock()
    known, count = totals(clock), Counting(clock, 10)

    assert [known.of("jobs", count), known.of("jobs", count)] == [10, 10]
    assert count.times == 2


def test_many_are_counted_once_for_as_long_as_the_number_stands() -> None:
    clock = Clock()
    known, count = totals(clock), Counting(clock, 11)

    known.of("jobs", count)
    count.found, clock.now = 12, clock.now + STANDS_SECONDS - 1
    assert known.of("jobs", count) == 11

    clock.now += 1
    assert known.of("jobs", count) == 12
    assert count.times == 2


def test_what_takes_long_to_count_stands_so_much_longer() -> None:
    clock = Clock()
    known, count = totals(clock), Counting(clock, 11, seconds=2.0)

    known.of("jobs", count)
    clock.now += 2 * SHARE - 1
    known.of("jobs", count)
    assert count.times == 1

    clock.now += 1
    known.of("jobs", count)
    assert count.times == 2


def test_while_one_counts_the_others_are_told_what_was_there() -> None:
    clock = Clock()
    known = totals(clock)
    known.of("jobs", lambda: 11)
    clock.now += STANDS_SECONDS
    told: list[int] = []

    def meanwhile() -> int:
        told.append(known.of("jobs", _never))
        return 13

    assert known.of("jobs", meanwhile) == 13
    assert told == [11]


def test_one_that_shrank_is_counted_each_time_again() -> None:
    clock = Clock()
    known, count = totals(clock), Counting(clock, 11)
    known.of("jobs", count)
    count.found, clock.now = 3, clock.now + STANDS_SECONDS
    known.of("jobs", count)

    count.found = 4
    assert known.of("jobs", count) == 4


def test_lists_are_told_apart_and_the_oldest_is_forgotten() -> None:
    clock = Clock()
    known, count = totals(clock), Counting(clock, 11)

    for number in range(MOST_REMEMBERED + 1):
        known.of(f"list {number}", count)
    known.of(f"list {MOST_REMEMBERED}", _never)
    known.of("list 0", count)

    assert count.times == MOST_REMEMBERED + 2


def _never() -> int:
    raise AssertionError("it is remembered")
