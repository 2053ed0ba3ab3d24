"""What registries say of their rate limits, told to transfers."""

from __future__ import annotations

from lading.main.places import HeldRelay
from lading.wire.progress import Event, Held
from tests.fakes.records import Clock


def test_transfers_that_run_and_those_that_begin_meanwhile_are_told() -> None:
    clock = Clock()
    relay, running, later, over = HeldRelay(clock), list[Event](), list[Event](), list[Event]()
    held = Held("r.example", "30 s for the rate limit", clock.now + 30)
    short = Held("other.example", "5 s for the rate limit", clock.now + 5)

    with relay.telling(running.append):
        relay(held)
        relay(short)
        clock.advance(10)
        with relay.telling(later.append):
            assert later == [held]
    clock.advance(30)
    with relay.telling(over.append):
        pass

    assert running == [held, short]
    assert over == []
