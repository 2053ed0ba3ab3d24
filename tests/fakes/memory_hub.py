"""A Hub of one process without sockets: agents are put there, and their engines are functions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from lading.services.hub.hub import AgentAway, AgentLine, AgentLink, AgentPresence
from lading.services.hub.records import PresenceRow
from lading.wire.message import Cancel, Request, Response
from lading.wire.tunnel_frames import Hello

HELLO = Hello("0.2.14", "1.0", "a1", "attic", "28.2.2", "attic", frozenset({"events"}), "the secret token")

Engine = Callable[[Request, Cancel], Response]


class Line:
    """Fulfils AgentLine."""

    def __init__(self, hub: MemoryHub, presence: AgentPresence) -> None:
        self._hub, self._presence = hub, presence

    def receive(self, frame: str | bytes) -> None:
        """Nothing is said in this hub."""

    def lost(self) -> None:
        if self._hub.held.get(self._presence.environment) is self._presence:
            self._hub.lose(self._presence.environment)


class Link:
    """Fulfils AgentLink."""

    def __init__(self) -> None:
        self.closed: list[tuple[int, str]] = []

    def send(self, frame: str | bytes) -> None:
        """Nobody hears it."""

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


class MemoryHub:
    """Fulfils Hub and, by `attach`, Attach."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self.engine, self._clock = engine, clock
        self._changed = threading.Condition()
        self.held: dict[int, AgentPresence] = {}
        self.links: dict[int, AgentLink] = {}
        self.dismissed: list[tuple[int, int, str]] = []

    def attach(self, environment: int, hello: Hello, address: str, link: AgentLink) -> AgentLine:
        now = self._clock()
        presence = AgentPresence(environment, hello, address, now, now)
        with self._changed:
            self.held[environment], self.links[environment] = presence, link
            self._changed.notify_all()
        return Line(self, presence)

    def lose(self, environment: int) -> None:
        with self._changed:
            self.held.pop(environment, None)

    def transport(self, environment: int) -> PlayedTransport:
        return PlayedTransport(self, environment)

    def presence(self, environment: int) -> AgentPresence | None:
        return self.held.get(environment)

    def presences(self) -> Sequence[AgentPresence]:
        return [self.held[environment] for environment in sorted(self.held)]

    def back(self, environment: int, cancel: Cancel, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: environment in self.held, seconds)

    def dismiss(self, environment: int, code: int, reason: str) -> None:
        self.dismissed.append((environment, code, reason))
        link = self.links.pop(environment, None)
        if link is not None:
            link.close(code, reason)
        self.lose(environment)

    def ask(self, environment: int, request: Request, cancel: Cancel) -> Response:
        if environment not in self.held:
            raise AgentAway(environment)
        return self.engine(request, cancel)


@dataclass(frozen=True, slots=True)
class PlayedTransport:
    """Fulfils Transport."""

    hub: MemoryHub
    environment: int

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _count: None) -> Response:
        return self.hub.ask(self.environment, request, cancel)


@dataclass
class MemoryPresences:
    """Fulfils PresenceRecords, for several servers."""

    clock: Callable[[], float]
    rows: dict[int, PresenceRow] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def put_presences(self, rows: Sequence[PresenceRow]) -> Collection[int]:
        with self.changed:
            fallen = [row.presence.environment for row in rows if not self._stands(row)]
            told = [replace(row, told=self.clock()) for row in rows if row.presence.environment not in fallen]
            self.rows |= {row.presence.environment: row for row in told}
            self.changed.notify_all()
            return fallen

    def _stands(self, row: PresenceRow) -> bool:
        held = self.rows.get(row.presence.environment)
        return held is None or held.process == row.process or row.fresh

    def presence(self, environment: int) -> PresenceRow | None:
        return next((row for row in self.presences() if row.presence.environment == environment), None)

    def presences(self) -> Sequence[PresenceRow]:
        rows = [self.rows[environment] for environment in sorted(self.rows)]
        return [replace(row, silent=self.clock() - row.told) for row in rows]

    def remove_presences(self, environments: Collection[int], process: str) -> None:
        with self.changed:
            for environment in environments:
                if environment in self.rows and self.rows[environment].process == process:
                    del self.rows[environment]
            self.changed.notify_all()

    def wait(self, condition: Callable[[dict[int, PresenceRow]], bool]) -> None:
        """Until the rows are so."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self.rows), 10)
