"""LocalHub: which agent holds the line of which environment, in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from lading.backends.edge_hub.seat import Seat
from lading.backends.edge_hub.session import Times
from lading.backends.edge_hub.spill import WAITING_LIMIT, Room, Spill, no_bound
from lading.backends.edge_hub.timers import Timers
from lading.backends.edge_hub.transport import EdgeTransport
from lading.services.hub.hub import AgentLine, AgentLink, AgentPresence
from lading.wire.message import Cancel, Transport
from lading.wire.tunnel_frames import Hello
from lading.wire.tunnel_login import CloseCode

ADRIFT_SECONDS = 90.0
"""How long what runs on an agent that has gone may wait for it to come back."""

PING_SECONDS = 10.0
"""How often an agent is asked whether it is there."""

SILENT_SECONDS = 45.0
"""An agent that has said nothing for so long is gone, whatever its socket says."""

_CLOSED = "Server shutting down"

_TICK_SECONDS = 0.5
"""How often is looked at what is due; more often where something is allowed little time."""


class LocalHub:
    """Fulfils Hub, and Attach by `attach`. `folder` is where buffers spill to, made if need be, and `buffer_bytes` the
    most that is held of one stream, as far as there is `room`. `clock` is seconds since 1970, `monotonic` seconds that
    never jump, `new_id` the text of a new UUID in lower case. Owns one thread for its timers and one that writes
    buffers; `close` ends both."""

    def __init__(
        self,
        folder: Path,
        buffer_bytes: int,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        new_id: Callable[[], str],
        *,
        adrift_seconds: float = ADRIFT_SECONDS,
        ping_seconds: float = PING_SECONDS,
        silent_seconds: float = SILENT_SECONDS,
        room: Room = no_bound,
    ) -> None:
        self._times = Times(clock, monotonic, adrift_seconds, ping_seconds, silent_seconds)
        self._spill = Spill(folder, WAITING_LIMIT, room)
        self._buffer_bytes, self._new_id = buffer_bytes, new_id
        self._timers = Timers(self.tick, min(_TICK_SECONDS, adrift_seconds / 4, ping_seconds / 4, silent_seconds / 4))
        self._lock = threading.Lock()
        self._seats: dict[int, Seat] = {}
        self._closed = False

    def attach(self, environment: int, hello: Hello, address: str, link: AgentLink) -> AgentLine:
        """See Attach: sends the welcome; an older agent's socket is closed, and what ran over it goes adrift."""
        line = self._seat(environment).attach(hello, address, link)
        if self._closed:
            line.end(CloseCode.GOING_AWAY, _CLOSED)
        return line

    def transport(self, environment: int) -> Transport:
        """See Hub."""
        return EdgeTransport(
            self._seat(environment), self._spill, self._buffer_bytes, self._times.monotonic, self._new_id
        )

    def presence(self, environment: int) -> AgentPresence | None:
        """See Hub."""
        session = self._seat(environment).session
        return None if session is None else session.presence

    def presences(self) -> Sequence[AgentPresence]:
        """See Hub."""
        sessions = [seat.session for seat in self._all()]
        return [session.presence for session in sessions if session is not None]

    def back(self, environment: int, cancel: Cancel, seconds: float) -> bool:
        """See Hub."""
        return self._seat(environment).back(cancel, seconds)

    def dismiss(self, environment: int, code: int, reason: str) -> None:
        """See Hub."""
        self._seat(environment).dismiss(code, reason)

    def tick(self) -> None:
        """Does what is due now; the hub's own thread calls it."""
        now = self._times.monotonic()
        for seat in self._all():
            seat.tick(now)

    def close(self) -> None:
        """Closes every agent's socket; what runs over them fails. Harmless twice."""
        self._closed = True
        self._timers.close()
        for seat in self._all():
            seat.dismiss(CloseCode.GOING_AWAY, _CLOSED)
        self._spill.close()

    def _seat(self, environment: int) -> Seat:
        with self._lock:
            seat = self._seats.get(environment)
            if seat is None:
                seat = self._seats[environment] = Seat(environment, self._times)
        self._timers.start()
        return seat

    def _all(self) -> list[Seat]:
        """In order of their environments."""
        with self._lock:
            return [seat for _, seat in sorted(self._seats.items())]
