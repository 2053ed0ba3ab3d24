"""What wants somebody's attention, at a glance: each part as far as whoever asks may see it, None where not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lading.oci.instants import instant
from lading.services.access import Actor, NotLoggedIn, Permission
from lading.services.agents.tokens import AgentTokens
from lading.services.content.storage_figures import Storage
from lading.services.content.storage_view import figures_json
from lading.services.environments.environments import Environments
from lading.services.environments.reachability import Reachability
from lading.services.findings.rows import FindingQuery, ScanQuery
from lading.services.findings.scanner import ScanStatus
from lading.services.identity.tokens import Tokens
from lading.services.registries.browsing import RegistryBrowsing
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.scans.json import summary_json
from lading.services.scans.lists import ScanLists

Json = dict[str, object]

SOON_SECONDS = 14 * 86_400.0
"""What ends before that is told of."""

LATE_SECONDS = 7 * 86_400.0
"""And for so long after it has ended."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A login that ends at `ends`, in seconds since 1970: a `token` of a user, an `agent` token, or the login that a
    `registry`'s provider minted, and could not mint anew."""

    kind: str
    id: int
    name: str
    ends: float

    @property
    def json(self) -> Json:
        """For the REST door."""
        return {"kind": self.kind, "id": self.id, "name": self.name, "endsAt": instant(self.ends)}


@dataclass(frozen=True, slots=True)
class Overview:
    """For any number of threads. `clock` tells seconds since 1970."""

    registries: ConfiguredRegistries
    browsing: RegistryBrowsing
    environments: Environments
    reachability: Reachability
    tokens: Tokens
    agent_tokens: AgentTokens
    scans: ScanLists
    storage: Storage
    clock: Callable[[], float]

    def of(self, actor: Actor) -> Json:
        """Nobody is refused a part, and nothing of it goes on the trail. Raises NotLoggedIn, StorageFailed."""
        if actor.nobody:
            raise NotLoggedIn
        return {
            "credentials": [each.json for each in self._endings(actor)],
            "environmentsDown": self._down(actor),
            "findings": self._findings(actor),
            "storage": self._storage(actor),
            "rateLimits": self._limits(actor),
        }

    def _endings(self, actor: Actor) -> Sequence[Ending]:
        """The next one first."""
        now, found = self.clock(), list[Ending]()
        if actor.user is not None:
            rows = self.tokens.list(actor, everybody=actor.may(Permission.USERS_VIEW))
            found += [Ending("token", row.id, row.name, row.expires) for row in rows if row.expires is not None]
        if actor.may_somewhere(Permission.ENVIRONMENTS_VIEW):
            agents = [row for row in self.agent_tokens.list(actor) if row.active]
            found += [Ending("agent", row.id, row.name, row.expires) for row in agents if row.expires is not None]
        if actor.may(Permission.REGISTRIES_VIEW):
            ends = self.registries.validities()
            over = [row for row in self.registries.list(actor) if ends.get(row.id, now + 1) <= now]
            found += [Ending("registry", row.id, row.name, ends[row.id]) for row in over]
        told = [each for each in found if -LATE_SECONDS < each.ends - now < SOON_SECONDS]
        return sorted(told, key=lambda each: each.ends)

    def _down(self, actor: Actor) -> list[Json] | None:
        if not actor.may_somewhere(Permission.ENVIRONMENTS_VIEW):
            return None
        failures = self.reachability.failures()
        return [
            {
                "id": row.id,
                "name": row.name,
                "connectionType": row.connection_type.value,
                "error": failures[row.id].afar,
            }
            for row in self.environments.list(actor)
            if row.id in failures
        ]

    def _findings(self, actor: Actor) -> Json | None:
        if not actor.may_somewhere(Permission.SCANS_VIEW):
            return None
        found = self.scans.findings(actor, FindingQuery(suppressed=False), 0, 1)
        return summary_json(found.counts) if found.total or self._scanned(actor) else None

    def _scanned(self, actor: Actor) -> bool:
        """Whether a scan ever judged something: that nothing was found says nothing before."""
        sound = [status for status in ScanStatus if status.sound]
        return any(self.scans.scans(actor, ScanQuery(status=status), 0, 1).total for status in sound)

    def _storage(self, actor: Actor) -> Json | None:
        return figures_json(self.storage.figures(actor)) if actor.may(Permission.SETTINGS_VIEW) else None

    def _limits(self, actor: Actor) -> list[Json] | None:
        """Of registries that said how much they still allow."""
        if not actor.may(Permission.REGISTRIES_VIEW):
            return None
        asked = [(row, self.browsing.quota(actor, row)) for row in self.registries.list(actor)]
        return [
            {
                "registryId": row.id,
                "name": row.name,
                "remaining": quota.remaining,
                "limit": quota.limit,
                "seconds": quota.window,
            }
            for row, quota in asked
            if quota is not None
        ]
