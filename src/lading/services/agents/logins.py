"""An agent's login: the token of its first frame, and how often it may try.

A right token gets in whatever its address did wrong before, as a whole site may stand behind one address: only wrong
ones are slowed down, and a look-up by hash is cheap. One token that logs in again and again is asked to wait, too; its
agent's connection breaks each time, or two agents have it and throw each other out.

The sentences are those that agents in the field know (protocol "1.0").
"""

from __future__ import annotations

from dataclasses import dataclass

from lading.errors import Refused, Side
from lading.services.access import Actor
from lading.services.agents.pace import AgentPace
from lading.services.agents.tokens import agent_token_hash, is_over
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.clocks import Clocks
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRecords, EnvironmentRow
from lading.services.hub.records import AgentTokenRecords, AgentTokenRow
from lading.services.identity.throttling import Seldom, Throttle, TooManyAttempts, place_of
from lading.wire.tunnel_frames import Hello
from lading.wire.tunnel_login import CloseCode, RefusalText, throttled_text

RECORD_SECONDS = 60.0
"""Refusals of one token, or from one address, are recorded at most so often: an agent with an old token tries for
ever."""

LONGEST_TOKEN = 200
"""Characters that are looked at; ours have 43."""

SHOWN = 100
"""Characters of what an agent says of itself that go on record."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """An agent that may speak for the environment, let in by this token's row."""

    environment: int
    token: int


class AgentRefused(Refused):
    """An agent is not let in: its sentence goes to the agent, and is the reason with which its socket is closed."""

    side = Side.HOST
    code = "unauthorized"
    retry_after: int | None = None
    """Seconds, where waiting helps."""

    close_code = CloseCode.POLICY


class AgentTokenMissing(AgentRefused):
    """It shows no token."""

    hint = "Start the agent with the token that its environment gave."

    def __str__(self) -> str:
        return RefusalText.EMPTY


class AgentTokenWrong(AgentRefused):
    """A token that opens nothing here, or no longer. Which of both, only the trail says."""

    hint = "Make a new token for the environment, and start the agent with it."

    def __str__(self) -> str:
        return RefusalText.INVALID


class EnvironmentNotEdge(AgentRefused):
    """The token is right, and its environment is reached in another way now."""

    hint = "Set the environment's connectionType to hawser-edge, or stop the agent."

    def __str__(self) -> str:
        return RefusalText.FAILED


class TooManyWrongTokens(AgentRefused):
    """There came so many wrong tokens from this address that the next of them must wait."""

    hint = "Start the agent with the right token: that is let in at once."

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return RefusalText.TOO_MANY_FAILURES


class ReconnectingTooOften(AgentRefused):
    """One token logs in again and again."""

    hint = "See that one agent alone has this token, and that nothing between it and us cuts connections."

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after: int = retry_after

    def __str__(self) -> str:
        return throttled_text(self.retry_after)


class AgentLogins:
    """For any number of threads."""

    def __init__(
        self, records: AgentTokenRecords, environments: EnvironmentRecords, trail: Trail, clocks: Clocks
    ) -> None:
        self._records, self._environments, self._trail = records, environments, trail
        self._clock = clocks.wall
        self._throttle, self._pace = Throttle(clocks.steady), AgentPace(clocks.steady)
        self._seldom = Seldom(clocks.steady, RECORD_SECONDS)

    def login(self, hello: Hello, address: str, request: str) -> Admitted:
        """Raises AgentRefused, StorageFailed."""
        visit = _Visit(hello, Actor("agent", address=address, request=request))
        try:
            return self._admitted(visit)
        except AgentRefused as error:
            self._record_refusal(visit, error)
            raise

    def _admitted(self, visit: _Visit) -> Admitted:
        row = self._row(visit)
        environment = self._environments.environment(row.environment)
        if environment is None:
            raise AgentTokenWrong  # it went this moment, and its tokens with it
        visit.token, visit.environment = row, environment
        now = self._clock()
        if is_over(row, now):
            raise self._wrong(visit)
        if environment.connection_type is not ConnectionType.HAWSER_EDGE:
            raise EnvironmentNotEdge
        wait = self._pace.login(row.id)
        if wait is not None:
            raise ReconnectingTooOften(wait)
        self._records.agent_token_used(row.id, now)
        self._trail.record(visit.actor, visit.deed(), Result.DONE)
        return Admitted(environment.id, row.id)

    def _row(self, visit: _Visit) -> AgentTokenRow:
        shown = visit.hello.token
        if not shown:
            raise AgentTokenMissing
        row = self._records.agent_token_of_hash(agent_token_hash(shown)) if len(shown) <= LONGEST_TOKEN else None
        if row is None:
            raise self._wrong(visit)
        return row

    def _wrong(self, visit: _Visit) -> AgentRefused:
        """Counted for the address; what it says there depends on how many there were."""
        try:
            self._throttle.begin("", visit.actor.address)
        except TooManyAttempts as error:
            return TooManyWrongTokens(max(1, round(error.seconds)))
        return AgentTokenWrong()

    def _record_refusal(self, visit: _Visit, error: AgentRefused) -> None:
        key = place_of(visit.actor.address) if visit.token is None else visit.token.id
        if self._seldom.now(key):
            self._trail.record(visit.actor, visit.deed(str(error)), Result.FAILED)


@dataclass(slots=True)
class _Visit:
    """An agent before the door, and what is known of it by now."""

    hello: Hello
    actor: Actor
    token: AgentTokenRow | None = None
    environment: EnvironmentRow | None = None

    def deed(self, error: str | None = None) -> Deed:
        """What it says of itself is quoted, at no length; its token is not."""
        hello, environment = self.hello, self.environment
        details: dict[str, object] = {
            "agentName": hello.agent_name[:SHOWN],
            "agentVersion": hello.version[:SHOWN],
            "hostname": hello.hostname[:SHOWN],
        }
        if self.token is not None:
            details["token"] = self.token.id
        if error is not None:
            details["error"] = error
        if environment is None:
            return Deed("login", "environment", "", "", details=details)
        return Deed("login", "environment", str(environment.id), environment.name, environment.id, details)
