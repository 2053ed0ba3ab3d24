"""A request's body while it arrives from the server: pieces in, read by whoever sends them on to the engine."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from lading.wire.message import Cancel, ReadFailed
from lading.wire.tunnel_flow import Inflow
from lading.wire.tunnel_frames import End
from lading.wire.tunnel_pieces import BodyPiece


class ArrivingBody:
    """Fulfils wire.message.Reader for one thread. `told` is called with every `received` that the server is to hear."""

    def __init__(self, cancel: Cancel, told: Callable[[int], None]) -> None:
        self._cancel, self._told = cancel, told
        self._flow = Inflow()
        self._changed = threading.Condition()
        self._waiting: deque[memoryview] = deque()
        self._whole = self._broken = False

    @property
    def arrived(self) -> int:
        """How many bytes have come from the start."""
        with self._changed:
            return self._flow.arrived

    def take(self, piece: BodyPiece) -> None:
        """The next piece. Raises FrameInvalid."""
        with self._changed:
            new = self._flow.take(piece)
            if new:
                self._waiting.append(new)
            self._changed.notify_all()

    def end(self, reason: End, count: int) -> None:
        """The server has sent all of it, or gives up. Raises FrameInvalid."""
        with self._changed:
            if reason is End.COMPLETED and self._flow.whole(count):
                self._whole = True
            else:
                self._broken = True
            self._changed.notify_all()

    def again(self) -> int:
        """The `received` to send after a reconnection."""
        with self._changed:
            return self._flow.again()

    def look_again(self) -> None:
        """Wakes whoever waits for a piece: the work was cancelled."""
        with self._changed:
            self._changed.notify_all()

    def readinto(self, buffer: memoryview, /) -> int:
        """See Reader. Raises ReadFailed where the server gave up, Cancelled."""
        with self._changed:
            while not self._waiting:
                self._cancel.check()
                if self._broken:
                    raise ReadFailed("the request's body", "the server broke it off")
                if self._whole:
                    return 0
                self._changed.wait()
            count = self._fill(buffer)
            told = self._flow.handed(count)
        if told is not None:
            self._told(told)
        return count

    def _fill(self, buffer: memoryview) -> int:
        first = self._waiting.popleft()
        count = min(len(buffer), len(first))
        buffer[:count] = first[:count]
        if count < len(first):
            self._waiting.appendleft(first[count:])
        return count

    def close(self) -> None:
        """Nothing waits on the other side."""
