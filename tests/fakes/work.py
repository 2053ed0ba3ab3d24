"""What every test of moving content needs: a copy with the usual arguments, its events, and a bound on waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from lading.engine.arrival import Arrival, Destination
from lading.engine.cancel import Cancellation
from lading.engine.copy import copy
from lading.engine.holders import NoLocations
from lading.engine.plan import plan
from lading.engine.stores import Locations, Referrers, Source
from lading.oci.descriptor import Descriptor
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Event, Noted, Planned, State, Tagged

T = TypeVar("T")

BOUND_SECONDS = 60
"""No test waits so long; a deadlock does."""


def bounded(call: Callable[[], T]) -> T:
    """The call's result or error; fails instead of hanging."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(BOUND_SECONDS)
    assert not thread.is_alive(), "it never ends"
    if errors:
        raise errors[0]
    return results[0]


class Events(list[Event]):
    """A Report that keeps everything."""

    def __call__(self, event: Event) -> None:
        self.append(event)

    def ended(self, target: str) -> dict[str, State]:
        """How each piece at this target ended; asserts that none ended twice."""
        ends: dict[str, State] = {}
        for event in self:
            if isinstance(event, Advanced) and event.target == target and event.state.ended:
                assert event.id not in ends, "a piece ends once"
                ends[event.id] = event.state
        return ends

    @property
    def tagged(self) -> list[tuple[str, str]]:
        return [(event.target, event.tag) for event in self if isinstance(event, Tagged)]

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self if isinstance(event, Noted)]

    def planned(self, target: str) -> list[str]:
        return [
            piece.id
            for event in self
            if isinstance(event, Planned) and event.target == target
            for piece in event.pieces
        ]


def run_copy(
    source: Source,
    root: Descriptor,
    destinations: Sequence[Destination],
    *,
    referrers: Referrers | None = None,
    locations: Locations | None = None,
    lanes: int = 3,
    events: Events | None = None,
    cancel: Cancel | None = None,
) -> tuple[Arrival, ...]:
    """`copy`, which must end."""
    return bounded(
        lambda: copy(
            source,
            root,
            destinations,
            referrers=referrers,
            locations=locations or NoLocations(),
            lanes=lanes,
            report=Events() if events is None else events,
            cancel=cancel or Cancellation(),
        )
    )


def run_plan(
    source: Source,
    root: Descriptor,
    destinations: Sequence[Destination],
    *,
    referrers: Referrers | None = None,
    locations: Locations | None = None,
    events: Events | None = None,
) -> tuple[Arrival, ...]:
    """`plan`, which must end."""
    return bounded(
        lambda: plan(
            source,
            root,
            destinations,
            referrers=referrers,
            locations=locations or NoLocations(),
            lanes=3,
            report=Events() if events is None else events,
            cancel=Cancellation(),
        )
    )
