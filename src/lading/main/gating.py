"""Gates, policies and exceptions over the service's rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from lading.backends.database.service_database import ServiceDatabase
from lading.oci.descriptor import Descriptor
from lading.services.access import Actor
from lading.services.audit.audit import Trail
from lading.services.gates.exceptions import Exceptions
from lading.services.gates.gates import Gates
from lading.services.gates.policies import Policies
from lading.services.gates.policy import Action, Place
from lading.services.gates.scans import KnownScans
from lading.services.jobs.job import JsonObject
from lading.services.promotion.promotion import PromotionGate
from lading.services.repositories.repositories import Repositories
from lading.services.scans.scanner_settings import chosen_in
from lading.services.schedules import Chore


@dataclass(frozen=True, slots=True)
class GateCare:
    """All over the same rows."""

    gates: Gates
    policies: Policies
    exceptions: Exceptions

    @classmethod
    def of(
        cls,
        database: ServiceDatabase,
        reconsider: Callable[[], object],
        trail: Trail,
    ) -> GateCare:
        """`reconsider` has findings marked anew."""
        return cls(
            gates_of(database, trail),
            Policies(database.gates, trail, time.time),
            Exceptions(database.gates, trail, time.time, reconsider),
        )

    def chores(self) -> Sequence[Chore]:
        """What is done from time to time."""
        return [*self.policies.chores(), *self.exceptions.chores()]


def gates_of(database: ServiceDatabase, trail: Trail) -> Gates:
    """What is asked before an image comes or goes."""

    choice = partial(chosen_in, database.environments, database.settings)
    return Gates(database.gates, KnownScans(database.scans, choice), trail, time.time)


def promotion_gate(gates: Gates, repositories: Repositories) -> PromotionGate:
    """What asks policies before a promotion; `repositories` read what is promoted."""

    def gate(actor: Actor, target: str, name: str, root: Descriptor) -> Sequence[JsonObject]:
        given = gates.move(
            actor, Action.PROMOTE, Place(None, target), name, lambda: (root.digest, repositories.parts(root))
        )
        return [each.json for each in given]

    return gate
