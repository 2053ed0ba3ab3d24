"""Transfers that break off: whether the host comes back, and how often they are begun again.

    broken off ─> the host is back ─> it has arrived, as host and registry show ─> done
                                  └─> begun again, while attempts bring something: what is there is not moved twice

A connection that is lost says nothing of what the daemon goes on with, and an answer that just ends nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lading.errors import Unreachable
from lading.wire.docker_lines import Line, LinesCut, Story
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Event, Piece, Planned, Report, State

Back = Callable[[Cancel], bool]
"""Whether a host whose connection broke may be asked again; waits for it where it dials us. Raises Cancelled."""

IDLE_ATTEMPTS = 2
"""So many attempts in a row that brought no layer more end a transfer."""

MOST_ATTEMPTS = 200
"""More than an image has layers."""


def at_once(cancel: Cancel) -> bool:
    """A host that is dialled: the next question tells whether it answers."""
    cancel.check()
    return True


Break = Unreachable | LinesCut
"""How a transfer breaks off."""


def heard(lines: Iterable[Line], story: Story, report: Report) -> Break | None:
    """Hear a transfer out: how it broke off; None where it ended by itself. Raises the typed faults of
    wire.docker_faults, LinesBroken."""
    try:
        for line in lines:
            for event in story.hear(line):
                report(event)
    except (Unreachable, LinesCut) as error:
        return error
    return None


@dataclass(slots=True)
class _Layer:
    size: int | None
    through: bool = False


class Attempts:
    """What the attempts of one transfer have brought so far. `report` tells of each layer only until it is through:
    that a later attempt finds it there is no news."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._layers: dict[str, _Layer] = {}
        self._made = self._idle = self._before = 0

    def report(self, event: Event) -> None:
        """Fulfils Report."""
        match event:
            case Planned(target, pieces):
                new = tuple(piece for piece in pieces if piece.id not in self._layers)
                self._layers.update((piece.id, _Layer(piece.size)) for piece in new)
                if new:
                    self._report(Planned(target, new))
            case Advanced():
                layer = self._layers.setdefault(event.id, _Layer(event.total))
                if not layer.through:
                    layer.size = layer.size if event.total is None else event.total
                    layer.through = event.state.ended and event.state is not State.FAILED
                    self._report(event)
            case _:
                self._report(event)

    @property
    def left(self) -> Sequence[Piece]:
        """The layers that were told of and are not through; the largest first."""
        open_ = [Piece(id, size=layer.size) for id, layer in self._layers.items() if not layer.through]  # noqa: A001
        return sorted(open_, key=lambda piece: piece.size or 0, reverse=True)

    def again(self) -> bool:
        """After one that broke off: whether another may bring more."""
        through = sum(layer.through for layer in self._layers.values())
        self._made += 1
        self._idle = 0 if through > self._before else self._idle + 1
        self._before = through
        return self._idle < IDLE_ATTEMPTS and self._made < MOST_ATTEMPTS
