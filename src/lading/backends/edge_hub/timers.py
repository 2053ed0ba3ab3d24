"""The hub's one thread for what is due at some time: signs of life, cancels said again, waits that are over."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Timers:
    """Calls `tick` every so many seconds, from `start` to `close`."""

    def __init__(self, tick: Callable[[], None], seconds: float) -> None:
        self._tick, self._seconds = tick, seconds
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Harmless twice, and after `close`."""
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._run, name="agent-timers", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Waits for a tick that has begun. Harmless twice."""
        self._ended.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            self._tick()
