from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_flow import WINDOW, Inflow, Outflow
from lading.wire.tunnel_pieces import PIECE_LIMIT, BodyPiece

ID = "0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0"
SMALL = 16


def piece(offset: int, content: bytes) -> BodyPiece:
    return BodyPiece(ID, offset, content)


def shown(pieces: Sequence[BodyPiece]) -> list[tuple[int, bytes]]:
    return [(each.offset, bytes(each.content)) for each in pieces]


def test_a_body_goes_out_in_pieces_of_the_limit() -> None:
    flow = Outflow(ID)

    sizes = [(each.offset, len(each.content)) for each in flow.give(bytes(2 * PIECE_LIMIT + 1))]

    assert sizes == [(0, PIECE_LIMIT), (PIECE_LIMIT, PIECE_LIMIT), (2 * PIECE_LIMIT, 1)]
    assert flow.room == WINDOW - 2 * PIECE_LIMIT - 1


def test_no_more_is_given_than_the_window_holds() -> None:
    flow = Outflow(ID, SMALL)
    list(flow.give(bytes(SMALL)))

    assert flow.room == 0
    with pytest.raises(ValueError, match="room"):
        flow.give(b"x")


def test_what_is_received_makes_room() -> None:
    flow = Outflow(ID, SMALL)
    list(flow.give(bytes(SMALL)))

    flow.received(5)
    flow.received(3)

    assert flow.room == 5


def test_what_arrived_is_not_sent_again_and_makes_no_room_yet() -> None:
    flow = Outflow(ID, SMALL)
    list(flow.give(b"0123"))
    list(flow.give(b"456789"))

    assert shown(list(flow.resume(3))) == [(3, b"3"), (4, b"456789")]
    assert flow.room == SMALL - 10


def test_a_body_goes_on_twice_from_where_it_is() -> None:
    flow = Outflow(ID, SMALL)
    list(flow.give(b"0123456789"))

    assert shown(list(flow.resume(0))) == [(0, b"0123456789")]
    assert shown(list(flow.resume(10))) == []


@pytest.mark.parametrize("count", [11, 2**62])
def test_more_than_was_sent_cannot_be_received(count: int) -> None:
    flow = Outflow(ID, SMALL)
    list(flow.give(b"0123456789"))

    with pytest.raises(FrameInvalid):
        flow.received(count)
    with pytest.raises(FrameInvalid):
        flow.resume(count)


def test_a_body_cannot_go_on_before_what_was_received() -> None:
    flow = Outflow(ID, SMALL)
    list(flow.give(b"0123456789"))
    flow.received(6)

    with pytest.raises(FrameInvalid):
        flow.resume(5)


def test_what_is_here_already_is_dropped() -> None:
    flow = Inflow(SMALL)

    assert bytes(flow.take(piece(0, b"0123"))) == b"0123"
    assert bytes(flow.take(piece(0, b"012"))) == b""
    assert bytes(flow.take(piece(2, b"2345"))) == b"45"
    assert flow.arrived == 6


def test_a_hole_is_refused() -> None:
    flow = Inflow(SMALL)
    flow.take(piece(0, b"0123"))

    with pytest.raises(FrameInvalid):
        flow.take(piece(5, b"5"))


def test_more_than_the_window_is_refused() -> None:
    flow = Inflow(SMALL)
    flow.take(piece(0, bytes(SMALL)))
    flow.handed(3)

    flow.take(piece(SMALL, b"123"))
    with pytest.raises(FrameInvalid):
        flow.take(piece(SMALL + 3, b"4"))


def test_received_is_told_every_quarter_of_the_window_and_after_a_reconnection() -> None:
    flow = Inflow(SMALL)
    flow.take(piece(0, bytes(9)))

    assert [flow.handed(3), flow.handed(1), flow.handed(3)] == [None, 4, None]
    assert flow.again() == 7
    assert flow.handed(2) is None


def test_the_end_tells_whether_all_is_here() -> None:
    flow = Inflow(SMALL)
    flow.take(piece(0, b"0123"))

    assert [flow.whole(4), flow.whole(5)] == [True, False]
    with pytest.raises(FrameInvalid):
        flow.whole(3)


class Journey:
    """A body through a connection that loses what is under way whenever it is cut, either way."""

    def __init__(self, body: bytes, window: int) -> None:
        self.body, self.out, self.into = body, Outflow(ID, window), Inflow(window)
        self.under_way: list[BodyPiece] = []
        self.told: list[int] = []
        self.waiting = b""
        self.handed_on = b""

    def give(self, count: int) -> None:
        content = self.body[self.out.given :][: min(count, self.out.room)]
        self.under_way += self.out.give(content)

    def arrive(self, count: int) -> None:
        for each in self.under_way[:count]:
            self.waiting += self.into.take(each)
        del self.under_way[:count]

    def hand_on(self, count: int) -> None:
        content, self.waiting = self.waiting[:count], self.waiting[count:]
        self.handed_on += content
        told = self.into.handed(len(content))
        self.told += [] if told is None else [told]

    def hear(self, count: int) -> None:
        for each in self.told[:count]:
            self.out.received(each)
        del self.told[:count]

    def reconnect(self) -> None:
        self.under_way, self.told = list(self.out.resume(self.into.arrived)), [self.into.again()]

    def finish(self) -> None:
        while len(self.handed_on) < len(self.body):
            before = self.out.given, len(self.handed_on)
            for step in (self.give, self.arrive, self.hand_on, self.hear):
                step(len(self.body))
            assert (self.out.given, len(self.handed_on)) != before


STEPS = st.tuples(st.sampled_from(["give", "arrive", "hand_on", "hear", "reconnect"]), st.integers(0, 9))


@given(st.binary(max_size=120), st.integers(4, 24), st.lists(STEPS, max_size=60))
def test_whatever_happens_on_the_way_the_same_bytes_come_out(
    body: bytes, window: int, steps: list[tuple[str, int]]
) -> None:
    journey = Journey(body, window)
    for name, count in steps:
        if name == "reconnect":
            journey.reconnect()
        else:
            getattr(journey, name)(count)
        assert journey.out.given - len(journey.handed_on) <= window + window // 4

    journey.finish()

    assert journey.handed_on == body
    assert journey.into.whole(len(body))


@pytest.mark.parametrize("cut", range(33))
def test_a_body_goes_on_at_every_byte(cut: int) -> None:
    body = bytes(range(32))
    out, into = Outflow(ID, 64), Inflow(64)
    list(out.give(body))
    came = bytes(into.take(piece(0, body[:cut]))) if cut else b""

    came += b"".join(bytes(into.take(each)) for each in out.resume(into.arrived))

    assert came == body
