"""A Track that remembers what it was told."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from lading.wire.progress import State


@dataclass(frozen=True, slots=True)
class Told:
    """One call."""

    state: State
    current: int
    kept: int
    detail: str


class RecordingTrack:
    """`told` is every call in order; `said` is set for a state when it was first told."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.said = {state: threading.Event() for state in State}

    def __call__(
        self, state: State, current: int = 0, *, kept: int = 0, detail: str = "", seconds: float | None = None
    ) -> None:
        self.told.append(Told(state, current, kept, detail))
        self.said[state].set()

    @property
    def states(self) -> list[State]:
        """Without repetitions."""
        return [told.state for i, told in enumerate(self.told) if i == 0 or self.told[i - 1].state is not told.state]
