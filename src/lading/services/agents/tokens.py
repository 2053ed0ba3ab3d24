"""Tokens of agents: made for one environment, shown once, kept as a hash.

Of an environment one is active at most: a new one ends the one before, and closes the socket that it let in. What has
ended stays listed for a month, so that whoever finds an agent outside sees which token it still has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lading.errors import InputInvalid
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.trail import admit, admit_somewhere
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRecords
from lading.services.hub.hub import Hub
from lading.services.hub.records import TOPIC, AgentTokenRecords, AgentTokenRow
from lading.services.named_rows import RowUnknown
from lading.services.row_rules import NAME_RULE, row_name
from lading.services.schedules import Chore
from lading.services.secrets import unguessable
from lading.services.wakes import Wakes
from lading.wire.tunnel_login import REGENERATED as REGENERATED_TEXT
from lading.wire.tunnel_login import CloseCode

TOKEN_BYTES = 32
"""As 43 characters of base64url, without a beginning of its own: what agents of the field are given everywhere."""

SHOWN_CHARACTERS = 8
"""Of a token in lists: 48 of its 256 bits."""

KEPT_SECONDS = 30 * 24 * 60 * 60.0
"""How long a token that opens nothing any more is still listed."""

Closing = tuple[int, str]
"""Code and reason."""

REGENERATED = (CloseCode.NORMAL, REGENERATED_TEXT)
REVOKED = (CloseCode.POLICY, "Token revoked")
EXPIRED = (CloseCode.POLICY, "Token expired")
"""With what the socket of an agent is closed whose token ended."""


class AgentTokenInvalid(InputInvalid):
    """A field of an agent's token that cannot be taken as it is."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"the agent token's {self.field} {self.rule}"


@dataclass(frozen=True, slots=True)
class AgentTokenForm:
    """What somebody wants. An empty `name`: the environment's own. `expires` None: never; else seconds since 1970."""

    name: str
    environment: int
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class NewAgentToken:
    """The row, and the token itself: the only time that it is told."""

    row: AgentTokenRow
    secret: str = field(repr=False)


class AgentTokens:
    """For every door. Whoever has a token is the environment, and is given what is meant for it, logins of registries
    too: so to make one takes permission to edit all of them, as to lead one to another host does. To take one back
    takes permission to edit the one that it is for."""

    def __init__(
        self,
        records: AgentTokenRecords,
        environments: EnvironmentRecords,
        hub: Hub,
        trail: Trail,
        *,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        wakes: Wakes,
    ) -> None:
        """`clock` tells seconds since 1970; `random` gives so many bytes that nobody can guess."""
        self._records, self._environments, self._hub, self._trail = records, environments, hub, trail
        self._clock, self._random, self._wakes = clock, random, wakes

    def list(self, actor: Actor, environment: int | None = None) -> Sequence[AgentTokenRow]:
        """Of one environment, or of all that the actor may see; in order of id. Raises Denied."""
        admit_somewhere(self._trail, actor, Permission.ENVIRONMENTS_VIEW, _deed("list", environment=environment))
        rows = self._records.agent_tokens(environment)
        return [row for row in rows if actor.may(Permission.ENVIRONMENTS_VIEW, row.environment)]

    def add(self, actor: Actor, form: AgentTokenForm) -> NewAgentToken:
        """From now on it is the environment's one, and the agent that the one before let in is gone.

        Raises AgentTokenInvalid, RowUnknown for the environment, Denied.
        """
        deed = _deed("create", name=form.name, details={"environment": form.environment})
        admit(self._trail, actor, Permission.ENVIRONMENTS_EDIT, deed)
        name, secret, created = self._checked(form), unguessable(self._random, TOKEN_BYTES), self._clock()
        hashed, shown = agent_token_hash(secret), secret[:SHOWN_CHARACTERS]
        row = self._records.add_agent_token(
            lambda id: AgentTokenRow(  # noqa: A006  a row's own word
                id, form.environment, name, hashed, created, form.expires, prefix=shown
            )
        )
        if row is None:
            raise RowUnknown("environment", form.environment)
        self._record(actor, "create", row)
        self._end(row.environment, REGENERATED)
        return NewAgentToken(row, secret)

    def revoke(self, actor: Actor, id: int) -> None:  # noqa: A002  a row's own word
        """It opens nothing any more, and the agent that it let in is gone. Who may not edit all environments is not
        told whether there is a token of another. Raises RowUnknown, Denied."""
        row = self._records.agent_token(id)
        if row is None:
            admit(self._trail, actor, Permission.ENVIRONMENTS_EDIT, _deed("delete", id))
            raise RowUnknown("token", id)
        deed = _deed("delete", id, row.name, row.environment)
        admit(self._trail, actor, Permission.ENVIRONMENTS_EDIT, deed)
        if not self._records.remove_agent_token(id):
            raise RowUnknown("token", id)
        self._record(actor, "delete", row)
        if row.active:
            self._end(row.environment, REVOKED)

    def chores(self) -> Sequence[Chore]:
        """What is done about them from time to time."""
        forget = self._records.forget_agent_tokens
        return (Chore("agent token expiry", 24 * 60 * 60.0, lambda: forget(self._clock() - KEPT_SECONDS)),)

    def _checked(self, form: AgentTokenForm) -> str:
        """The name, where a token can be made so."""
        environment = self._environments.environment(form.environment)
        if environment is None:
            raise RowUnknown("environment", form.environment)
        if environment.connection_type is not ConnectionType.HAWSER_EDGE:
            kind = environment.connection_type
            raise AgentTokenInvalid("environment", f"must have the connectionType hawser-edge, and has {kind}")
        name = row_name(form.name or environment.name)
        if name is None:
            raise AgentTokenInvalid("name", NAME_RULE)
        if form.expires is not None and form.expires <= self._clock():
            raise AgentTokenInvalid("expiry", "is over already")
        return name

    def _end(self, environment: int, closing: Closing) -> None:
        self._hub.dismiss(environment, *closing)
        self._wakes.tell(TOPIC)

    def _record(self, actor: Actor, action: str, row: AgentTokenRow) -> None:
        deed = _deed(action, row.id, row.name, row.environment, {"expires": row.expires})
        self._trail.record(actor, deed, Result.DONE)


def is_over(row: AgentTokenRow, now: float) -> bool:
    """Whether it opens nothing any more."""
    return ending(row, now) is not None


def ending(row: AgentTokenRow | None, now: float) -> Closing | None:
    """With what the socket closes that this row let in; None where it still may be here."""
    if row is None:
        return REVOKED
    if not row.active:
        return REGENERATED
    return EXPIRED if row.expires is not None and now >= row.expires else None


def agent_token_hash(secret: str) -> str:
    """What a token is found by. Its 256 random bits need no slow hash: there is nothing to guess from."""
    return hashlib.sha256(b"lading agent token\0" + secret.encode("utf-8", "replace")).hexdigest()


def _deed(
    action: str,
    id: int | None = None,  # noqa: A002  a row's own word
    name: str = "",
    environment: int | None = None,
    details: dict[str, object] | None = None,
) -> Deed:
    return Deed(action, "agentToken", "" if id is None else str(id), name, environment, details or {})
