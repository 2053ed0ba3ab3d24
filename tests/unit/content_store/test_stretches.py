"""Sharing out what is left of a blob among its connections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.backends.content_store.stretches import SMALLEST, Stretch, Stretches, is_slow, middle

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("received", "seconds", "slow"),
    [
        (0, 0.0, False),
        (1 * MIB, 1.9, False),
        (1 * MIB, 2.0, True),
        (127 * MIB, 2.0, True),
        (128 * MIB, 2.0, False),
        (1024 * MIB, 2.0, False),
        (0, 60.0, True),
    ],
)
def test_a_connection_is_slow_only_once_it_had_time(received: int, seconds: float, slow: bool) -> None:
    assert is_slow(received, seconds) is slow


@pytest.mark.parametrize(
    ("position", "end", "cut"),
    [(0, 2 * SMALLEST, SMALLEST), (0, 2 * SMALLEST - 1, None), (SMALLEST, 3 * SMALLEST, 2 * SMALLEST), (9, 9, None)],
)
def test_only_a_long_rest_is_cut(position: int, end: int, cut: int | None) -> None:
    assert middle(position, end) == cut


def test_the_first_gap_is_taken_whole() -> None:
    stretches = Stretches([(0, 100), (200, 300)])

    assert spans(stretches.take(), stretches.take(), stretches.take()) == [(0, 100), (200, 300), None]


def test_another_connection_gets_the_later_half_of_the_longest() -> None:
    stretches = Stretches([(0, 2 * SMALLEST), (3 * SMALLEST, 9 * SMALLEST)])
    first, second, third = stretches.take(), stretches.take(), stretches.take()

    assert spans(first, second, third) == [
        (0, 2 * SMALLEST),
        (3 * SMALLEST, 6 * SMALLEST),
        (6 * SMALLEST, 9 * SMALLEST),
    ]


def test_what_a_lost_connection_did_not_bring_waits_for_another() -> None:
    stretches = Stretches([(0, 100)])
    stretch = taken(stretches)
    stretches.advance(stretch, 30)
    stretches.leave(stretch)

    assert spans(stretches.take()) == [(30, 100)]


def test_a_finished_stretch_is_gone() -> None:
    stretches = Stretches([(0, 100)])
    stretch = taken(stretches)
    stretches.advance(stretch, 100)

    assert stretches.piece(stretch, 10) == 0
    stretches.leave(stretch)
    assert stretches.take() is None


def test_after_closing_nobody_reads_on() -> None:
    stretches = Stretches([(0, 100), (200, 300)])
    stretch = taken(stretches)
    stretches.close()

    assert stretches.piece(stretch, 10) == 0
    assert stretches.take() is None


@given(st.data(), st.integers(1, 40), st.integers(0, 10))
def test_connections_that_come_and_go_bring_every_byte_once(data: st.DataObject, units: int, left_out: int) -> None:
    size = units * SMALLEST // 4
    stretches = Stretches([(min(left_out, size), size)])
    active: list[Stretch] = []
    brought = 0
    while True:
        if (new := stretches.take() if len(active) < 4 else None) is not None:
            active.append(new)
        if not active:
            break
        stretch = data.draw(st.sampled_from(active))
        piece = stretches.piece(stretch, SMALLEST // 2)
        stretches.advance(stretch, piece)
        brought += piece
        if piece == 0 or data.draw(st.booleans()):
            stretches.leave(stretch)
            active.remove(stretch)

    assert brought == size - min(left_out, size)


def taken(stretches: Stretches) -> Stretch:
    stretch = stretches.take()
    assert stretch is not None
    return stretch


def spans(*stretches: Stretch | None) -> list[tuple[int, int] | None]:
    return [(stretch.position, stretch.end) if stretch else None for stretch in stretches]
