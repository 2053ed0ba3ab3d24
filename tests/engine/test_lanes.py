"""Lanes: largest first, small ones not kept waiting, and threads that end."""

from __future__ import annotations

import threading

import pytest

from lading.engine.lanes import Queue
from lading.engine.together import Awaited, each, together
from lading.errors import Cancelled
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from tests.fakes.work import bounded


def pieces(*sizes: int) -> list[Descriptor]:
    return [Descriptor("x", Digest.of(str(number).encode()), size) for number, size in enumerate(sizes)]


def taken(queue: Queue, lane: int, count: int) -> list[int]:
    found = [queue.take(lane) for _ in range(count)]
    return [piece.size for piece in found if piece is not None]


def test_one_lane_takes_the_largest_first() -> None:
    assert taken(Queue(pieces(3, 9, 5), 1), 0, 4) == [9, 5, 3]


def test_the_last_lane_takes_the_small_ones() -> None:
    queue = Queue(pieces(3, 9, 5, 1, 7), 3)

    assert taken(queue, 0, 1) == [9]
    assert taken(queue, 2, 2) == [1, 3]
    assert taken(queue, 1, 2) == [7, 5]


def test_there_are_no_more_lanes_than_pieces() -> None:
    assert Queue(pieces(1, 2), 5).lanes == 2
    assert Queue([], 5).lanes == 0


def test_a_lane_is_spare_when_fewer_pieces_than_lanes_are_left() -> None:
    queue = Queue(pieces(1, 2, 3), 3)
    told = [queue.spare()]
    for _ in range(3):
        queue.take(0)
        told.append(queue.spare())
    queue.done()
    told.append(queue.spare())

    assert told == [False, False, False, False, True]


def test_all_works_have_ended_when_together_returns() -> None:
    done: list[int] = []

    bounded(lambda: together([lambda n=n: done.append(n) for n in range(8)], lambda: None, "test"))  # type: ignore[misc]

    assert sorted(done) == list(range(8))


def test_the_first_error_is_raised_once_all_have_ended() -> None:
    stopped = threading.Event()
    ended: list[str] = []

    def wait() -> None:
        assert stopped.wait(60)
        ended.append("waited")

    def fail() -> None:
        raise KeyError("first")

    with pytest.raises(KeyError, match="first"):
        bounded(lambda: together([wait, fail, wait], stopped.set, "test"))
    assert ended == ["waited", "waited"]


def test_answers_stand_in_the_order_of_the_questions() -> None:
    assert bounded(lambda: each(range(50), lambda number: number * 2, 4, lambda: None)) == [n * 2 for n in range(50)]
    assert each([], str, 4, lambda: None) == []


def test_what_follows_from_an_error_is_not_raised_instead_of_it() -> None:
    stopped = threading.Event()

    def follow() -> None:
        raise Cancelled

    def fail_late() -> None:
        assert stopped.wait(60)
        raise KeyError("the cause")

    with pytest.raises(KeyError, match="cause"):
        bounded(lambda: together([follow, fail_late], stopped.set, "test"))


def test_whoever_waits_for_a_value_that_could_not_be_made_is_freed() -> None:
    awaited: Awaited[int] = Awaited()

    with pytest.raises(ZeroDivisionError):
        awaited.keep(lambda: 1 // 0)
    with pytest.raises(Cancelled):
        bounded(awaited.get)
