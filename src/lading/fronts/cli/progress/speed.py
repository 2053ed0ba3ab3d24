"""How fast bytes move, over the last seconds, and what follows from it."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 8.0


class Speed:
    """Bytes a second over a sliding window; times are the caller's monotonic clock."""

    def __init__(self, window: float = WINDOW_SECONDS) -> None:
        self._window = window
        self._seen: deque[tuple[float, int]] = deque()

    def at(self, now: float, moved: int) -> float:
        """Take that `moved` bytes have moved by `now`; the speed as it stands."""
        self._seen.append((now, moved))
        while len(self._seen) > 2 and now - self._seen[0][0] > self._window:
            self._seen.popleft()
        (start, first) = self._seen[0]
        return max(moved - first, 0) / (now - start) if now > start else 0.0


def seconds_left(left: int | None, speed: float) -> float | None:
    """How long the rest takes at this speed; None where either is not known."""
    return left / speed if left is not None and speed > 0 else None
