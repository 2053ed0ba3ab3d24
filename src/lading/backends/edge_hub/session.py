"""One agent's connection, from its welcome to its loss: an AgentLine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lading.backends.edge_hub.exchange import OfRequest
from lading.services.hub.hub import AgentLink, AgentPresence
from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_frames import (
    ErrorFrame,
    Frame,
    Head,
    Hello,
    Ping,
    Received,
    ResponseFrame,
    StreamEnd,
    StreamFrame,
    ping,
)
from lading.wire.tunnel_login import CloseCode, speaks_lading_streams
from lading.wire.tunnel_pieces import BodyPiece, read_piece
from lading.wire.tunnel_text import frame_text, read_frame


@dataclass(frozen=True, slots=True)
class Times:
    """The clocks, and how long what may last, in seconds; see LocalHub."""

    clock: Callable[[], float]
    monotonic: Callable[[], float]
    adrift: float
    ping: float
    silent: float


class Seated(Protocol):
    """Where an agent sits: what its session tells of."""

    def hear(self, session: Session, frame: OfRequest) -> None:
        """It belongs to a request."""

    def lost(self, session: Session) -> None:
        """Its connection is gone; harmless twice."""


class Session:
    """`hello` has no token any more; `since` is when it began, by the steady clock."""

    def __init__(
        self, seat: Seated, hello: Hello, link: AgentLink, times: Times, *, environment: int, address: str
    ) -> None:
        self._seat, self._environment, self._address, self._times = seat, environment, address, times
        self.hello, self.link = hello, link
        self.ours = speaks_lading_streams(hello)
        self._connected = self._seen = times.clock()
        self.since = self._heard = self._pinged = times.monotonic()

    @property
    def presence(self) -> AgentPresence:
        """As whoever asks is told."""
        return AgentPresence(self._environment, self.hello, self._address, self._connected, self._seen)

    def send(self, frame: str | bytes) -> None:
        """See AgentLink."""
        self.link.send(frame)

    def receive(self, frame: str | bytes) -> None:
        """See AgentLine. A message that cannot be read may have been part of any answer: the connection ends with it,
        as with one that was lost."""
        self._heard, self._seen = self._times.monotonic(), self._times.clock()
        try:
            told = read_frame(frame) if isinstance(frame, str) else read_piece(frame)
        except FrameInvalid:
            self.end(CloseCode.PROTOCOL, "A frame cannot be read")
            return
        self._take(told)

    def _take(self, told: Frame | BodyPiece) -> None:
        match told:
            case Ping():
                self.send(frame_text(told.answered(self._times.clock())))
            case ErrorFrame(request_id=""):
                return
            case ErrorFrame() | Head() | Received() | ResponseFrame() | StreamEnd() | StreamFrame() | BodyPiece():
                self._seat.hear(self, told)
            case _:
                return

    def lost(self) -> None:
        """See AgentLine."""
        self._seat.lost(self)

    def end(self, code: CloseCode, reason: str) -> None:
        """Closes it, which counts as lost."""
        self.link.close(code, reason)
        self._seat.lost(self)

    def tick(self, now: float) -> None:
        """Asks for a sign of life, and ends what has given none for too long."""
        if now - self._heard >= self._times.silent:
            self.end(CloseCode.GOING_AWAY, f"Silent for {self._times.silent:g} s")
        elif now - self._pinged >= self._times.ping:
            self._pinged = now
            self.send(frame_text(ping(self._times.clock())))
