"""What moves a server's images, wired: pulls, pushes, copies and distributions, which share gates and content trust."""

from __future__ import annotations

import os
from dataclasses import dataclass

from lading.main.distributing import distributions
from lading.main.gating import GateCare
from lading.main.hosts import Hosts
from lading.main.registry_door import AccessCopier
from lading.main.repository_care import RepositoryCare
from lading.main.scanning import Ground
from lading.main.trusting import server_trust
from lading.services.distribution.distributions import Distributions
from lading.services.environments.door_logins import LoginVault
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.relays.relays import Relays
from lading.services.scans.pull_gates import PullGates
from lading.services.trust.server_trust import ServerTrust
from lading.services.work.copies import Copies
from lading.services.work.pulls import Pulls
from lading.services.work.pushes import Pushes


@dataclass(frozen=True, slots=True)
class Transferring:
    """All over the same rows; `trust` is what they hold images to."""

    trust: ServerTrust
    pushes: Pushes
    pulls: Pulls
    copies: Copies
    distributions: Distributions

    @classmethod
    def of(
        cls,
        ground: Ground,
        hosts: Hosts,
        registries: ConfiguredRegistries,
        own: RepositoryCare,
        gating: GateCare,
        *,
        pull_gates: PullGates,
        relays: Relays,
    ) -> Transferring:
        """Raises PolicyInvalid, SettingsUnreadable, StorageFailed."""
        places, jobs, logins, gates = ground.engine.places, ground.jobs, LoginVault(os.urandom), gating.gates
        environments = ground.environments
        trust = server_trust(ground.settings, ground.database, places, own.collections)
        copier = AccessCopier(places, ground.native, hosts.limit, own.store)
        return cls(
            trust,
            Pushes(environments, registries, jobs, logins, gates, relays=relays, trust=trust, ways=places),
            Pulls(environments, registries, jobs, logins, pull_gates, trust=trust),
            Copies(registries, copier, jobs, ground.trail, gates, trust=trust, give=own.own_trust.gate.give),
            distributions(ground, pull_gates, trust, own.store),
        )
