"""Copies with several troubles at once: whatever happens, the end is one of the few that are allowed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from random import Random

import pytest

from lading.engine.arrival import Destination, SourceCorrupt
from lading.engine.cancel import Cancellation
from lading.errors import AccessDenied, Cancelled
from lading.wire.message import ConnectionLost
from lading.wire.progress import Event
from tests.fakes.images import layers_of, put_image
from tests.fakes.memory import Cut, Fail, Lie, MemoryStore, Trouble
from tests.fakes.work import Events, run_copy


@pytest.fixture(autouse=True)
def restless_threads() -> Iterator[None]:
    """Threads change places as often as they can, so that what is not locked shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class CancelAfter(Events):
    """Cancels once so many events were told."""

    def __init__(self, cancel: Cancellation, after: int) -> None:
        super().__init__()
        self._cancel, self._after = cancel, after

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if len(self) == self._after:
            self._cancel.cancel()


@pytest.mark.parametrize("seed", range(60))
def test_a_storm_ends_with_whole_targets_or_clear_errors(seed: int) -> None:
    random = Random(seed)
    source = MemoryStore("there", buffer=random.choice([3, 16, 64]))
    root = put_image(source, layers_of(random.randint(1, 6), random.choice([30, 300])))
    signed = random.random() < 0.5
    if signed:
        put_image(source, [b"signature" * 9], subject=root, artifact_type="application/signature")
    blobs = list(source.blobs)
    targets = [
        MemoryStore(f"target {number}", verifies=random.random() < 0.5, buffer=random.choice([3, 16, 64]))
        for number in range(random.randint(1, 4))
    ]
    for target in targets:
        if random.random() < 0.3:
            troubles: list[Trouble] = [Cut(5), Fail(AccessDenied())]
            target.writing[random.choice(blobs)].append(random.choice(troubles))
    if random.random() < 0.3:
        lies: list[Trouble] = [Lie(), Cut(5)]
        source.reading[random.choice(blobs)].append(random.choice(lies))
    cancel = Cancellation()
    events = CancelAfter(cancel, random.randint(1, 200) if random.random() < 0.4 else -1)
    before = threading.active_count()

    try:
        arrivals = run_copy(
            source,
            root,
            [Destination(target.name, target, ("v1",)) for target in targets],
            referrers=source if signed else None,
            lanes=random.randint(1, 4),
            events=events,
            cancel=cancel,
        )
    except (SourceCorrupt, ConnectionLost):
        assert not cancel.cancelled
    except Cancelled:
        assert cancel.cancelled
    else:
        for arrival, target in zip(arrivals, targets, strict=True):
            assert arrival.error is None or isinstance(arrival.error, AccessDenied)
            assert ("v1" in target.names) == (arrival.error is None)
            assert arrival.error is not None or target.blobs == source.blobs
    for target in targets:
        events.ended(target.name)
    assert source.all_closed
    assert threading.active_count() == before
