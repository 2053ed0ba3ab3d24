"""Distributions, wired: what asks for them, and, in a server, what does their work."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from lading.backends.database.service_database import ServiceDatabase
from lading.engine.cancel import Cancellation
from lading.main.content_place import OwnContent
from lading.main.public_registry import public_registry
from lading.main.scanning import Ground
from lading.services.audit.audit import Trail
from lading.services.content.stores import FullStore
from lading.services.distribution.distributions import DistributionRequests, Distributions
from lading.services.distribution.hosts import Hosts
from lading.services.distribution.logins import TO_FETCH, TO_SEND
from lading.services.distribution.source import Engine, OwnRegistry, Sources
from lading.services.distribution.trust import DistributionTrust
from lading.services.environments.environments import Environments
from lading.services.repositories.logins import RepositoryLogins
from lading.services.repositories.repositories import Repositories
from lading.services.running.jobs import Jobs
from lading.services.scans.pull_gates import PullGates
from lading.services.setting_records import SettingRecords
from lading.services.trust.server_trust import ServerTrust
from lading.settings import Settings
from lading.wire.endpoint import Endpoint

REGISTRY_SETTING = "registry-public-host"
"""Where the server that began last over this database says how hosts reach its registry: for who asks beside it."""

PATIENCE_SECONDS = 30.0
"""How long taking a passing name away at a host may take, after a cancel too."""


def tell_registry(settings: Settings, kept: SettingRecords) -> None:
    """For who asks beside this server. Raises StorageFailed."""
    registry = public_registry(settings)
    if registry is None:
        kept.remove_setting(REGISTRY_SETTING)
    else:
        kept.put_setting(REGISTRY_SETTING, registry.host)


def requests(
    database: ServiceDatabase, content: OwnContent, environments: Environments, jobs: Jobs, trail: Trail
) -> DistributionRequests:
    """For whoever asks, where a server has told of its registry."""

    def host() -> str | None:
        told = database.settings.setting(REGISTRY_SETTING)
        return told if isinstance(told, str) else None

    records = database.repositories
    repositories = Repositories(records, content, clock=time.time)
    return DistributionRequests(environments, repositories, records, jobs, trail, host=host, random=os.urandom)


def distributions(
    ground: Ground, gates: PullGates, trust: ServerTrust, own_store: Callable[[str], FullStore]
) -> Distributions:
    """For a server, which tells of its registry from now on; `own_store` opens a repository there. Raises
    StorageFailed."""
    settings, database, engine, environments = ground.settings, ground.database, ground.engine, ground.environments
    tell_registry(settings, database.settings)
    asking = requests(database, engine.content, environments, ground.jobs, ground.trail)
    endpoint = public_registry(settings)
    if endpoint is None:
        return Distributions(asking, environments, None, None, None)
    registry = _registry(ground, endpoint)
    own = Engine(lambda: engine.places.local().own, lambda: database.catalogue.images)
    hosts = Hosts(environments, registry, gates, ground.trail, _patience)
    sources = Sources(registry, database.repositories, own, time.time)
    return Distributions(asking, environments, sources, hosts, DistributionTrust(trust, registry, own_store))


def _registry(ground: Ground, endpoint: Endpoint) -> OwnRegistry:
    database = ground.database
    repositories = Repositories(database.repositories, ground.engine.content, clock=time.time)
    if ground.settings.no_auth:
        return OwnRegistry(endpoint, repositories, None, None)
    fetching, sending = (
        RepositoryLogins(database.users, database.tokens, purpose, time.time, os.urandom)
        for purpose in (TO_FETCH, TO_SEND)
    )
    return OwnRegistry(endpoint, repositories, fetching, sending)


def _patience() -> AbstractContextManager[Cancellation]:
    return Cancellation(PATIENCE_SECONDS, clock=time.monotonic)
