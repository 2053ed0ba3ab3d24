"""Agents: how one gets in, and that it goes when what let it in ends.

    hello ─▶ login ─▶ Admitted ─▶ the front attaches the socket to the hub ─▶ arrived ──▶ … ──▶ left
                └── AgentRefused: the sentence for the agent, and how the socket is closed

A token may end while its agent is connected, also by another process, or by the command line: then its socket is closed
as soon as that is known, a few seconds later at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lading.services.access import Actor, Permission
from lading.services.agents.logins import Admitted, AgentLogins
from lading.services.agents.tokens import AgentTokens
from lading.services.agents.watch import AgentWatch
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit_somewhere
from lading.services.clocks import Clocks
from lading.services.environments.records import EnvironmentRecords
from lading.services.hub.hub import AgentLink, AgentPresence, Hub
from lading.services.hub.records import AgentTokenRecords
from lading.services.schedules import Chore
from lading.services.wakes import Wakes
from lading.wire.tunnel_frames import Hello


class Agents:
    """For every door, and any number of threads."""

    def __init__(
        self,
        records: AgentTokenRecords,
        environments: EnvironmentRecords,
        hub: Hub,
        trail: Trail,
        *,
        clocks: Clocks,
        random: Callable[[int], bytes],
        wakes: Wakes,
    ) -> None:
        """`random` gives so many bytes that nobody can guess. `watch` runs where sockets are: in a server."""
        self._hub, self._trail = hub, trail
        self.watch = AgentWatch(records, environments, clocks.wall)
        self._logins = AgentLogins(records, environments, trail, clocks)
        self.tokens = AgentTokens(records, environments, hub, trail, clock=clocks.wall, random=random, wakes=wakes)

    # ── the front that holds the sockets

    def login(self, hello: Hello, address: str, request: str) -> Admitted:
        """Whose agent says this, from this address, in this request of ours. It reads and writes rows: not for an event
        loop. Raises AgentRefused; StorageFailed, after which nobody was let in."""
        return self._logins.login(hello, address, request)

    def arrived(self, admitted: Admitted, link: AgentLink) -> None:
        """Its socket is attached to the hub, and is closed from now on when its token ends; also where that was
        between `login` and this. Returns at once."""
        self.watch.arrived(admitted, link)

    def left(self, link: AgentLink) -> None:
        """The socket is gone; harmless twice. Returns at once."""
        self.watch.left(link)

    # ── what people see

    def presences(self, actor: Actor) -> Sequence[AgentPresence]:
        """The connected agents of the environments that the actor may see, in order of these. Raises Denied."""
        admit_somewhere(self._trail, actor, Permission.ENVIRONMENTS_VIEW, Deed("list", "agent", "", ""))
        return [each for each in self._hub.presences() if actor.may(Permission.ENVIRONMENTS_VIEW, each.environment)]

    def presence(self, environment: int) -> AgentPresence | None:
        """For who has been asked already whether it may see the environment; None where no agent is connected."""
        return self._hub.presence(environment)

    # ── what runs by itself

    def chores(self) -> Sequence[Chore]:
        """What is done about tokens from time to time."""
        return self.tokens.chores()
