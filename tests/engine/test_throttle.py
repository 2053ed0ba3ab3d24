"""A limit of bytes per second over all lanes; time passes only in waiting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.engine.arrival import Destination
from lading.engine.cancel import Cancellation
from lading.engine.copy import copy
from lading.engine.holders import NoLocations
from lading.engine.throttle import BURST_SECONDS, LimitedReader, RateInvalid, RateLimit
from lading.errors import Cancelled
from lading.wire.message import BytesReader
from tests.fakes.clock import WaitingClock
from tests.fakes.images import layers_of, put_image
from tests.fakes.memory import MemoryStore
from tests.fakes.work import Events, bounded


@given(st.integers(100, 10_000), st.lists(st.integers(1, 5000), min_size=1, max_size=30))
def test_so_many_bytes_take_so_many_seconds(rate: int, counts: list[int]) -> None:
    clock = WaitingClock()
    limit, cancel = RateLimit(rate, clock), Cancellation(pause=clock.pause)

    for count in counts:
        limit.pass_on(count, cancel)

    assert clock.now == pytest.approx(max(0, sum(counts) / rate - BURST_SECONDS), abs=1e-6)


def test_a_pause_earns_no_more_than_the_burst() -> None:
    clock = WaitingClock()
    limit, cancel = RateLimit(1000, clock), Cancellation(pause=clock.pause)
    clock.now = 3600

    limit.pass_on(1000, cancel)

    assert clock.waited == [pytest.approx(0.75)]


def test_buffers_are_no_larger_than_the_burst() -> None:
    clock = WaitingClock()
    reader = LimitedReader(BytesReader(bytes(1000)), RateLimit(400, clock), Cancellation(pause=clock.pause))

    assert reader.readinto(memoryview(bytearray(1000))) == 100


def test_buffers_are_smaller_the_more_wait() -> None:
    clock, told = WaitingClock(), []

    def others(event: object, seconds: float) -> None:
        told.append(limit.most)
        if len(told) < 3:
            limit.pass_on(100_000, Cancellation(pause=others))

    limit = RateLimit(400_000, clock)
    limit.pass_on(200_000, Cancellation(pause=others))

    assert told == [40_000, 26_666, 20_000]
    assert limit.most == 80_000


def test_waiting_ends_with_a_cancel() -> None:
    cancel = Cancellation()
    cancel.cancel()
    with pytest.raises(Cancelled):
        RateLimit(1, lambda: 0.0).pass_on(100, cancel)


def test_a_limit_below_one_byte_is_refused() -> None:
    with pytest.raises(RateInvalid):
        RateLimit(0, lambda: 0.0)


def test_a_copy_keeps_to_the_limit_over_all_its_lanes() -> None:
    source, target, clock = MemoryStore(buffer=100), MemoryStore(buffer=100), WaitingClock()
    root = put_image(source, layers_of(4, 1000))
    blobs = sum(len(blob) for digest, blob in source.blobs.items() if digest != root.digest)

    (arrival,) = bounded(
        lambda: copy(
            source,
            root,
            [Destination("here", target, ("v1",))],
            referrers=None,
            locations=NoLocations(),
            lanes=4,
            report=Events(),
            cancel=Cancellation(pause=clock.pause),
            limit=RateLimit(1000, clock),
        )
    )

    assert arrival.error is None
    assert clock.now >= blobs / 1000 - BURST_SECONDS - 1e-6
