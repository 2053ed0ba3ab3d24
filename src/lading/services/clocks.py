"""What time it is: for people, and for how long something takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds since 1970, and seconds that never go back."""

    wall: Callable[[], float]
    steady: Callable[[], float]
