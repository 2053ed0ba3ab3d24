"""The hub: agents that stand at Docker hosts nobody can dial, each spoken to over the socket that it opened itself.

    front (WebSocket) ── login ──▶ services.agents ── attach ──▶ Hub ── transport(environment) ──▶ Docker environment

The front owns the socket and the hub what is said over it; neither knows the other. A hub that holds an agent gives its
Transport; one whose agent is held by another process asks that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.errors import Side, Unreachable
from lading.wire.message import Cancel, Transport
from lading.wire.tunnel_frames import Hello

BACK_SECONDS = 90.0
"""How long work that broke off waits for the agent it ran at: agents look for their server every minute at least."""


class AgentAway(Unreachable):
    """The environment's agent holds no connection to us (interfaces §2, Push: the sentence is fixed)."""

    side = Side.HOST
    hint = "Start the agent on that host; its log says why where it runs and cannot connect."

    def __init__(self, environment: int) -> None:
        super().__init__(environment)
        self.environment = environment

    def __str__(self) -> str:
        return "Edge agent not connected"


@dataclass(frozen=True, slots=True)
class AgentPresence:
    """An agent that is connected. `hello` is what it said of itself (its token left out), `address` from where it
    comes; `connected` and `seen`, when its last frame came, are seconds since 1970."""

    environment: int
    hello: Hello
    address: str
    connected: float
    seen: float


class AgentLink(Protocol):
    """The socket of an agent that has logged in, as the front lends it. Both may be called from any thread, return at
    once, and do nothing where the socket is gone."""

    def send(self, frame: str | bytes) -> None:
        """Frames go out in the order in which they were given."""

    def close(self, code: int, reason: str) -> None:
        """After what was given before has gone out (RFC 6455, 7.4: the code)."""


class AgentLine(Protocol):
    """What becomes of an agent's frames. Called on the front's own loop: it neither waits nor works for long."""

    def receive(self, frame: str | bytes) -> None:
        """One message, in the order of the wire."""

    def lost(self) -> None:
        """The socket is gone; harmless twice."""


class Hub(Protocol):
    """For any number of threads."""

    def transport(self, environment: int) -> Transport:
        """To the engine of the environment's agent. It is one and the same while agents come and go; sending raises
        AgentAway at once where there is none."""

    def presence(self, environment: int) -> AgentPresence | None:
        """None where no agent of it is connected."""

    def presences(self) -> Sequence[AgentPresence]:
        """Of all that are connected, in order of their environments."""

    def back(self, environment: int, cancel: Cancel, seconds: float) -> bool:
        """Whether the agent is here: at once where it is, else after waiting so long at most. Raises Cancelled."""

    def dismiss(self, environment: int, code: int, reason: str) -> None:
        """Closes its socket, and gives up what runs over it: its token was taken back, or its environment is gone."""


class Attach(Protocol):
    """What the front calls once an agent has logged in."""

    def __call__(self, environment: int, hello: Hello, address: str, link: AgentLink) -> AgentLine:
        """From now on it is the environment's agent; an older one is replaced. The welcome is sent by this."""
