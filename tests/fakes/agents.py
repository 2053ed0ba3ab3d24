"""Agents in memory: their rows, a hub that holds whom a test says, and a socket that remembers how it was closed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from lading.services.environments.records import EnvironmentRecords
from lading.services.hub.hub import AgentAway, AgentPresence
from lading.services.hub.records import AgentTokenRow, PresenceRow
from lading.wire.message import Cancel, Request, Response, Transport
from lading.wire.tunnel_frames import Hello

HELLO = Hello(
    version="0.2.14",
    protocol="1.0",
    agent_id="5f2b",
    agent_name="far",
    docker_version="28.0.1",
    hostname="far.example",
    capabilities=frozenset({"exec", "metrics"}),
)


def hello(token: str) -> Hello:
    return replace(HELLO, token=token)


def presence_of(environment: int, connected: float = 1_800_000_000.0, address: str = "192.0.2.7") -> AgentPresence:
    return AgentPresence(environment, HELLO, address, connected, connected)


class PlayedHub:
    """Fulfils Hub with the agents that a test puts there, none of which answers; remembers who was dismissed."""

    def __init__(self) -> None:
        self.here: dict[int, AgentPresence] = {}
        self.dismissed: list[tuple[int, int, str]] = []

    def transport(self, environment: int) -> Transport:
        return _Away(environment)

    def presence(self, environment: int) -> AgentPresence | None:
        return self.here.get(environment)

    def presences(self) -> Sequence[AgentPresence]:
        return [self.here[environment] for environment in sorted(self.here)]

    def back(self, environment: int, cancel: Cancel, seconds: float) -> bool:
        cancel.check()
        return environment in self.here

    def dismiss(self, environment: int, code: int, reason: str) -> None:
        self.dismissed.append((environment, code, reason))


@dataclass(frozen=True)
class _Away:
    """Fulfils Transport."""

    environment: int

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _count: None) -> Response:
        cancel.check()
        raise AgentAway(self.environment)


@dataclass(eq=False)
class PlayedLink:
    """Fulfils AgentLink."""

    sent: list[str | bytes] = field(default_factory=list)
    closed: list[tuple[int, str]] = field(default_factory=list)

    def send(self, frame: str | bytes) -> None:
        self.sent.append(frame)

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


class MemoryAgents:
    """Fulfils AgentTokenRecords and PresenceRecords; rows go with their environment."""

    def __init__(self, environments: EnvironmentRecords, clock: Callable[[], float] = lambda: 0.0) -> None:
        """`clock` is that of the rows."""
        self._environments, self._clock = environments, clock
        self._tokens: dict[int, AgentTokenRow] = {}
        self._presences: dict[int, PresenceRow] = {}
        self._next = 1

    def add_agent_token(self, make: Callable[[int], AgentTokenRow]) -> AgentTokenRow | None:
        made = make(self._next)
        if self._environments.environment(made.environment) is None:
            return None
        self._next += 1
        others = {row.id: replace(row, active=False) for row in self.agent_tokens(made.environment)}
        self._tokens |= others | {made.id: made}
        return made

    def agent_tokens(self, environment: int | None = None) -> Sequence[AgentTokenRow]:
        rows = [self._tokens[key] for key in sorted(self._tokens)]
        there = {row.id for row in self._environments.environments()}
        return [row for row in rows if row.environment in ({environment} if environment is not None else there)]

    def agent_token(self, id: int) -> AgentTokenRow | None:  # noqa: A002
        return next((row for row in self.agent_tokens() if row.id == id), None)

    def agent_token_of_hash(self, hash: str) -> AgentTokenRow | None:  # noqa: A002
        return next((row for row in self.agent_tokens() if row.hash == hash), None)

    def agent_token_used(self, id: int, used: float) -> None:  # noqa: A002
        row = self._tokens.get(id)
        if row is not None and (row.used is None or row.used < used):
            self._tokens[id] = replace(row, used=used)

    def remove_agent_token(self, id: int) -> bool:  # noqa: A002
        return self._tokens.pop(id, None) is not None

    def forget_agent_tokens(self, before: float) -> int:
        gone = [
            row.id
            for row in self._tokens.values()
            if (row.expires is not None and row.expires < before) or (not row.active and row.created < before)
        ]
        for key in gone:
            del self._tokens[key]
        return len(gone)

    def put_presences(self, rows: Sequence[PresenceRow]) -> Collection[int]:
        known = [row for row in rows if self._environments.environment(row.presence.environment)]
        return [row.presence.environment for row in known if not self._put(row)]

    def _put(self, row: PresenceRow) -> bool:
        environment = row.presence.environment
        before = self._presences.get(environment)
        if before and before.process != row.process and not row.fresh:
            return False
        hello = replace(row.presence.hello, token="", requests={})
        self._presences[environment] = replace(row, presence=replace(row.presence, hello=hello), told=self._clock())
        return True

    def presence(self, environment: int) -> PresenceRow | None:
        return next((row for row in self.presences() if row.presence.environment == environment), None)

    def presences(self) -> Sequence[PresenceRow]:
        there = {row.id for row in self._environments.environments()}
        rows = [self._presences[environment] for environment in sorted(there & self._presences.keys())]
        return [replace(row, silent=self._clock() - row.told) for row in rows]

    def remove_presences(self, environments: Collection[int], process: str) -> None:
        for environment in environments:
            row = self._presences.get(environment)
            if row is not None and row.process == process:
                del self._presences[environment]
