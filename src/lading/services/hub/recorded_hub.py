"""The hub of a process that holds no agents and works beside servers that do: it knows from their rows who is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lading.services.hub.hub import AgentAway, AgentPresence
from lading.services.hub.records import TOPIC, PresenceRecords
from lading.services.wakes import Wakes
from lading.wire.message import Cancel, Request, Response, Transport


class AgentAtServer(AgentAway):
    """The agent is connected to a server, and this process is none."""

    hint = "Ask the server that runs on this data folder, over its API."
    command = "lading --server URL --env NAME and the command: the server that runs on this data folder does it"

    def __str__(self) -> str:
        return "the edge agent is connected to the server, and only that can talk to it"


class RecordedHub:
    """Fulfils Hub for a command beside servers. Its methods raise StorageFailed besides."""

    def __init__(self, records: PresenceRecords, wakes: Wakes) -> None:
        self._records, self._wakes = records, wakes

    def transport(self, environment: int) -> Transport:
        """Raises AgentAway or AgentAtServer at whatever is asked."""
        return _AtServer(self, environment)

    def presence(self, environment: int) -> AgentPresence | None:
        row = self._records.presence(environment)
        return row.presence if row is not None and row.stands else None

    def presences(self) -> Sequence[AgentPresence]:
        return [row.presence for row in self._records.presences() if row.stands]

    def back(self, environment: int, cancel: Cancel, seconds: float) -> bool:  # noqa: ARG002  as Hub asks
        """Nobody comes here, so nobody is waited for. Raises Cancelled."""
        cancel.check()
        return False

    def dismiss(self, environment: int, code: int, reason: str) -> None:  # noqa: ARG002  as Hub asks
        """The server sees for itself that the token or the environment is gone, when it is told to look."""
        self._wakes.tell(TOPIC)


class _AtServer:
    """The Transport to an agent that is not here."""

    def __init__(self, hub: RecordedHub, environment: int) -> None:
        self._hub, self._environment = hub, environment

    def send(
        self,
        request: Request,  # noqa: ARG002  as Transport asks
        cancel: Cancel,
        passed: Callable[[int], None] | None = None,  # noqa: ARG002
    ) -> Response:
        """Raises AgentAway, AgentAtServer, Cancelled, StorageFailed."""
        cancel.check()
        away = AgentAway if self._hub.presence(self._environment) is None else AgentAtServer
        raise away(self._environment)
