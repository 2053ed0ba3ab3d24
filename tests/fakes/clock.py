"""Time that passes only when somebody waits."""

from __future__ import annotations

import threading


class WaitingClock:
    """Seconds as a clock gives them, and a pause that lets them pass at once; `waited` keeps each wait."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def pause(self, event: threading.Event, seconds: float) -> None:
        with self._lock:
            self.waited.append(seconds)
            if not event.is_set():
                self.now += seconds
