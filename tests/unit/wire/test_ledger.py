from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.ledger import NOTHING, Coalesced, Ledger, Totals
from lading.wire.progress import Advanced, Event, Held, Kind, Piece, Planned, State
from tests.fakes.progress_fixture import read_events, read_totals

TARGET = "host/app:1"


def ledger_of(*events: Event) -> Ledger:
    ledger = Ledger()
    for event in events:
        ledger.apply(event)
    return ledger


def test_the_fixture_adds_up() -> None:
    totals = ledger_of(*read_events()).totals()

    assert totals == read_totals()
    assert totals.image == totals.sent + totals.kept + totals.exists + totals.mounted + (totals.left or 0)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Advanced(TARGET, "a", State.WAITING), Totals(100, 0, 0, 0, 0, 100)),
        (Advanced(TARGET, "a", State.MOVING, 40), Totals(100, 40, 0, 0, 0, 60)),
        (Advanced(TARGET, "a", State.MOVING, 40, kept=30), Totals(100, 10, 30, 0, 0, 60)),
        (Advanced(TARGET, "a", State.COMMITTING, 100), Totals(100, 100, 0, 0, 0, 0)),
        (Advanced(TARGET, "a", State.DONE, 100, kept=30), Totals(100, 70, 30, 0, 0, 0)),
        (Advanced(TARGET, "a", State.DONE), Totals(100, 100, 0, 0, 0, 0)),
        (Advanced(TARGET, "a", State.EXISTS), Totals(100, 0, 0, 100, 0, 0)),
        (Advanced(TARGET, "a", State.MOUNTED), Totals(100, 0, 0, 0, 100, 0)),
        (Advanced(TARGET, "a", State.FAILED, 40), Totals(100, 40, 0, 0, 0, 60)),
    ],
)
def test_a_piece_counts_by_its_state(event: Advanced, expected: Totals) -> None:
    assert ledger_of(Planned(TARGET, (Piece("a", size=100),)), event).totals() == expected


def test_an_unknown_size_leaves_the_image_and_the_rest_unknown() -> None:
    totals = ledger_of(Planned(TARGET, (Piece("a", size=100), Piece("b")))).totals()

    assert (totals.image, totals.left) == (None, None)


def test_a_size_told_later_is_taken() -> None:
    ledger = ledger_of(Planned(TARGET, (Piece("a"),)), Advanced(TARGET, "a", State.MOVING, 5, total=20))

    assert ledger.totals() == Totals(20, 5, 0, 0, 0, 15)


def test_a_piece_never_planned_is_planned_by_its_first_event() -> None:
    assert ledger_of(Advanced(TARGET, "a", State.MOVING, 5, total=20)).totals().image == 20


def test_a_piece_planned_twice_counts_once() -> None:
    plan = Planned(TARGET, (Piece("a", Kind.LAYER, 100),))

    assert ledger_of(plan, Advanced(TARGET, "a", State.EXISTS), plan).totals().exists == 100


def test_targets_are_counted_apart_and_together() -> None:
    ledger = ledger_of(
        Advanced("one", "a", State.DONE, 10, total=10),
        Advanced("two", "a", State.EXISTS, 10, total=10),
    )

    assert ledger.totals("one") == Totals(10, 10, 0, 0, 0, 0)
    assert ledger.totals("two") == Totals(10, 0, 0, 10, 0, 0)
    assert ledger.totals() == Totals(20, 10, 0, 10, 0, 0)
    assert ledger.totals("three") == NOTHING


def test_saved_is_all_that_did_not_have_to_move() -> None:
    assert Totals(100, 10, 20, 30, 40, 0).saved == 90


@given(st.lists(st.tuples(st.sampled_from(State), st.integers(0, 100), st.integers(0, 100)), max_size=12))
def test_the_parts_always_make_the_whole(moves: list[tuple[State, int, int]]) -> None:
    ledger = ledger_of(Planned(TARGET, (Piece("a", size=100), Piece("b", size=7))))
    for state, current, kept in moves:
        ledger.apply(Advanced(TARGET, "a", state, current, 100, min(kept, current)))
        totals = ledger.totals()
        assert totals.left is not None
        assert totals.sent + totals.kept + totals.exists + totals.mounted + totals.left == totals.image == 107


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_ticks_of_one_piece_are_made_few() -> None:
    told: list[Event] = []
    clock = Clock()
    report = Coalesced(told.append, clock, seconds=5)

    for count in range(100):
        clock.now = count * 0.25
        report(Advanced(TARGET, "a", State.MOVING, count))

    assert [event.current for event in told if isinstance(event, Advanced)] == [0, 20, 40, 60, 80]


def test_changes_of_state_are_never_held_back() -> None:
    told: list[Event] = []
    events: list[Event] = [
        Advanced(TARGET, "a", State.MOVING, 1),
        Advanced(TARGET, "b", State.MOVING, 1),
        Advanced(TARGET, "a", State.RETRYING, 1),
        Advanced(TARGET, "a", State.MOVING, 1),
        Held("host", "busy", None),
        Advanced(TARGET, "a", State.DONE, 2),
    ]
    report = Coalesced(told.append, Clock())

    for event in events:
        report(event)

    assert told == events
