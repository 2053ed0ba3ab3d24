"""What is remembered of agents: their tokens, and which server holds which; the database fulfils both.

A token is not kept: only a hash of it, by which it is found. Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lading.services.hub.hub import AgentPresence

TOPIC = "agents"
"""What other processes are woken with when an agent may have to go: its token has ended, or its environment."""

STALE_SECONDS = 20.0
"""A server that has not told of its agents for so long is taken for gone, and they with it."""


@dataclass(frozen=True, slots=True)
class AgentTokenRow:
    """What lets one agent speak for one environment; `expires` None: never; `used` None: not yet. `prefix` is how it
    begins, by which people tell theirs apart. Of an environment one is active at most."""

    id: int
    environment: int
    name: str
    hash: str = field(repr=False)
    created: float
    expires: float | None = None
    used: float | None = None
    prefix: str = ""
    active: bool = True


class AgentTokenRecords(Protocol):
    """Rows by id; they go with their environment. Every method raises StorageFailed."""

    def add_agent_token(self, make: Callable[[int], AgentTokenRow]) -> AgentTokenRow | None:
        """A new active row, and no other of its environment is active any more, in one transaction; None where the
        environment is gone."""

    def agent_tokens(self, environment: int | None = None) -> Sequence[AgentTokenRow]:
        """Of one environment, or all; in order of id."""

    def agent_token(self, id: int) -> AgentTokenRow | None:  # noqa: A002  a row's own word
        """None where there is none."""

    def agent_token_of_hash(self, hash: str) -> AgentTokenRow | None:  # noqa: A002  the row's own word
        """Whether it is active or has expired is the caller's question."""

    def agent_token_used(self, id: int, used: float) -> None:  # noqa: A002  a row's own word
        """It let an agent in."""

    def remove_agent_token(self, id: int) -> bool:  # noqa: A002  a row's own word
        """Whether there was one."""

    def forget_agent_tokens(self, before: float) -> int:
        """Drop those that expired before then, and those made before then that are not active any more. Returns how
        many."""


@dataclass(frozen=True, slots=True)
class PresenceRow:
    """An agent that a server holds: `process` is that server's, for as long as it runs, and `url` how the others reach
    it, empty where they cannot.

    `told` is when it last said so and `silent` how many seconds ago that was, both by the records' own clock, as two
    servers' clocks are never compared. `fresh`, of a row that is written: the agent has just connected there.
    """

    presence: AgentPresence
    process: str
    url: str
    told: float = field(default=0.0, compare=False)
    silent: float = field(default=0.0, compare=False)
    fresh: bool = field(default=False, compare=False)

    @property
    def stands(self) -> bool:
        """Whether that server is still there, as far as it has said so."""
        return self.silent < STALE_SECONDS


class PresenceRecords(Protocol):
    """Rows by environment. Every method raises StorageFailed."""

    def put_presences(self, rows: Sequence[PresenceRow]) -> Collection[int]:
        """Each in place of the one before, told now, all in one transaction. One that is not `fresh` stays out where
        another server has the row by now, as the agent has connected there since: gives the environments of which that
        is so. What environments are gone is left out."""

    def presence(self, environment: int) -> PresenceRow | None:
        """None where there is none."""

    def presences(self) -> Sequence[PresenceRow]:
        """All, in order of their environments."""

    def remove_presences(self, environments: Collection[int], process: str) -> None:
        """Those that still are this process's."""
