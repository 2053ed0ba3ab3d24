"""The slowest that a client may be: whoever sends or takes a body more slowly would keep a connection for ever."""

from __future__ import annotations

from lading.fronts.http.exchange import Peer
from lading.fronts.http.limits import Limits
from lading.wire.message import Stalled


class TooSlow(Stalled):
    """Bytes came or went, but fewer than a client must manage."""

    def __init__(self, host: str, seconds: float, slowest: int) -> None:
        super().__init__(host, seconds)
        self.args = (host, seconds, slowest)
        self.slowest = slowest

    def __str__(self) -> str:
        return f"{self.host} has been slower than {self.slowest} bytes a second for {self.seconds:g} s"


class Pace:
    """Of one connection in one direction. Only the time counts that is spent waiting for the client: a slow disk of
    ours is not its fault."""

    __slots__ = ("_limits", "_moved", "_peer", "_waited")

    def __init__(self, peer: Peer, limits: Limits) -> None:
        self._peer, self._limits = peer, limits
        self._waited, self._moved = 0.0, 0

    def moved(self, count: int, waited: float) -> None:
        """So many bytes came or went, after so many seconds of waiting for the client. Raises TooSlow."""
        self._moved += count
        self._waited += waited
        if self._waited < self._limits.stall_seconds:
            return
        if self._moved < self._limits.slowest * self._waited:
            raise TooSlow(str(self._peer), self._limits.stall_seconds, self._limits.slowest)
        self._waited, self._moved = 0.0, 0
