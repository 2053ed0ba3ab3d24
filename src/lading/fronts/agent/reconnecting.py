"""How long the agent waits before it tries again: longer each time, and not all agents of a server at once."""

from __future__ import annotations

from collections.abc import Callable

FIRST_SECONDS = 1.0
MOST_SECONDS = 60.0

MOST_ASKED_SECONDS = 15 * 60.0
"""A server that asks for more than the longest pause that any of them gives does not get it: it may be none."""

SCATTER = 0.25
"""How far a wait may be from what it would be, as a part of it: a server that comes back is not run over."""


class Delays:
    """Doubles from `first` to `most`, in seconds. `random` gives numbers from 0 to 1."""

    def __init__(self, random: Callable[[], float], first: float = FIRST_SECONDS, most: float = MOST_SECONDS) -> None:
        self._random, self._first, self._most = random, first, most
        self._next = first

    def next(self, least: float = 0.0) -> float:
        """What to wait now; no less than `least`, which the other side may have asked for, within reason."""
        wait = self._next * (1 - SCATTER + 2 * SCATTER * self._random())
        self._next = min(self._next * 2, self._most)
        return max(wait, min(least, MOST_ASKED_SECONDS))

    def reset(self) -> None:
        """It worked: the next wait is the first one again."""
        self._next = self._first
