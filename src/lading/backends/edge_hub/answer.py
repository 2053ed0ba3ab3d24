"""What comes back of one request: brought by the event loop, awaited and read by the thread that asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lading.backends.edge_hub.awaited import Awaited
from lading.backends.edge_hub.buffer import Buffer
from lading.backends.edge_hub.failures import AgentGone
from lading.errors import LadingError
from lading.wire.message import Cancel


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """Its status and headers, whose names are in lower case."""

    status: int
    headers: Mapping[str, str]


class Answer:
    """head ─▶ pieces ─▶ end, or at any time a failure, which whoever reads meets behind the pieces from before it.

    Pieces come from one thread at a time, and one reads; failures come from anywhere.
    """

    def __init__(self, buffer: Buffer, monotonic: Callable[[], float]) -> None:
        self._buffer = buffer
        self._changed = Awaited(monotonic)
        self._lock = threading.Lock()
        self._head: AnswerHead | None = None
        self._error: LadingError | None = None
        self._whole = False
        self._adrift_from: float | None = None

    @property
    def head(self) -> AnswerHead | None:
        """None where it has not come."""
        return self._head

    @property
    def settled(self) -> bool:
        """Whether nothing comes any more."""
        return self._whole or self._error is not None

    # ── brought

    def begin(self, head: AnswerHead) -> None:
        """Its head has come."""
        self._head = head
        self.wake()

    def put(self, piece: bytes | memoryview) -> None:
        """Raises AgentStreamTooFar, BufferBehind."""
        if not self.settled:
            self._buffer.put(piece)
            self.wake()

    def end(self) -> None:
        """Its body is whole."""
        with self._lock:
            self._whole = self._error is None
        self.wake()

    def fail(self, error: LadingError) -> None:
        """Nothing comes any more, and why. What has ended stays as it ended."""
        with self._lock:
            if not self.settled:
                self._error = error
        self.wake()

    def adrift(self, now: float) -> None:
        """The agent is gone, and may come back to it."""
        self._adrift_from = now

    def found(self) -> None:
        """The agent has come back to it."""
        self._adrift_from = None

    def wake(self) -> None:
        """Something has changed."""
        self._changed.wake()

    def tick(self, now: float, adrift_seconds: float) -> None:
        """What has waited for too long fails."""
        since = self._adrift_from
        if since is not None and now - since >= adrift_seconds:
            self.fail(AgentGone(f"it went away and did not come back to this within {adrift_seconds:g} s"))
        self._changed.tick(now)

    # ── read

    def wait(self, ready: Callable[[], bool], seconds: float, cancel: Cancel) -> None:
        """Until it is ready, which `wake` has looked at. Raises Stalled, Cancelled."""
        self._changed.wait(ready, seconds, cancel)

    def await_head(self, seconds: float, cancel: Cancel) -> AnswerHead:
        """Raises what it failed with, Stalled, Cancelled."""
        self.wait(lambda: self._head is not None or self.settled, seconds, cancel)
        if self._head is None:
            raise self._failure()
        return self._head

    def read(self, buffer: memoryview, seconds: float, cancel: Cancel) -> int:
        """At least one byte; 0 at the end. Raises what it failed with, Stalled after so long a silence, Cancelled."""
        while True:
            last = self.settled  # asked first: what was brought before that is read below
            count = self._buffer.read(buffer)
            if count or not buffer:
                return count
            if last and self._error is not None:
                raise self._failure()
            if last:
                return 0
            self.wait(lambda: self.settled or not self._buffer.empty, seconds, cancel)

    def _failure(self) -> LadingError:
        """Anew: whoever reads on meets it again."""
        assert self._error is not None
        return self._error.but()

    def close(self) -> None:
        """Nobody reads any more."""
        self._buffer.close()
