"""What this door opens onto: the services, put together by main."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from lading.fronts.rest_api.audit_stream import AuditNews
from lading.fronts.rest_api.board_streams import BoardNews
from lading.services.agents.agents import Agents
from lading.services.audit.view import Audit
from lading.services.browsing.image_insides import ImageInsides
from lading.services.browsing.image_lists import ImageLists
from lading.services.browsing.layer_grids import LayerGrids
from lading.services.browsing.whereabouts import Whereabouts
from lading.services.content.storage_figures import Storage
from lading.services.content.storage_samples import StorageHistory
from lading.services.distribution.distributions import Distributions
from lading.services.environments.environments import Environments
from lading.services.environments.image_removals import ImageRemovals
from lading.services.gates.exceptions import Exceptions
from lading.services.gates.policies import Policies
from lading.services.identity.authentication import Authentication, Authenticator
from lading.services.identity.roles import Roles
from lading.services.identity.setup import Setup
from lading.services.identity.single_sign_on import SingleSignOn
from lading.services.identity.tokens import Tokens
from lading.services.identity.users import Users
from lading.services.promotion.promotion import Promotions
from lading.services.registries.browsing import RegistryBrowsing
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.registries.holds import RegistryHolds
from lading.services.registries.use import RegistryUse
from lading.services.repositories.guarded_repositories import GuardedRepositories
from lading.services.repositories.registry_address import RegistryAddress
from lading.services.retention.guarded_retention import GuardedRetention
from lading.services.retention.runs import RetentionRuns
from lading.services.running.jobs import Jobs
from lading.services.scans.advisories import Advisories
from lading.services.scans.exports import ScanExports
from lading.services.scans.jobs import ScanJobs
from lading.services.scans.lists import ScanLists
from lading.services.scans.rematch import Rematches
from lading.services.scans.rounds import ScanRounds
from lading.services.scans.scanner_settings import ScannerSettings
from lading.services.scans.scanner_updates import ScannerUpdates
from lading.services.server.metrics import Metrics
from lading.services.server.overview import Overview
from lading.services.server.server_settings import ServerSettings
from lading.services.server.statistics import TransferStatistics
from lading.services.trust.guarded_trust import GuardedTrust
from lading.services.trust.image_signatures import EnvironmentSignatures
from lading.services.trust.keys import AcceptedKeys
from lading.services.watching.looks import JobLooks
from lading.services.work.copies import Copies
from lading.services.work.imports import Imports
from lading.services.work.previews import TransferPreviews
from lading.services.work.pulls import Pulls
from lading.services.work.pushes import Pushes
from lading.services.work.sweep import ContentSweep
from lading.wire.message import Cancel


class OpenCancel(Protocol):
    """Makes Cancels that end by themselves."""

    def __call__(self, seconds: float | None = None) -> AbstractContextManager[Cancel]:
        """Over after so many seconds, or when the block is."""


@dataclass(frozen=True, slots=True)
class Product:
    """Everything that the routes call."""

    authentication: Authentication
    authenticator: Authenticator
    sign_on: SingleSignOn | None
    setup: Setup
    users: Users
    roles: Roles
    tokens: Tokens
    audit: Audit
    environments: Environments
    agents: Agents
    registries: ConfiguredRegistries
    browsing: RegistryBrowsing
    registry_address: RegistryAddress
    registry_use: RegistryUse
    registry_holds: RegistryHolds
    repositories: GuardedRepositories
    retention: GuardedRetention
    retention_runs: RetentionRuns
    promotions: Promotions
    repository_trust: GuardedTrust
    trust_keys: AcceptedKeys
    jobs: Jobs
    pushes: Pushes
    pulls: Pulls
    copies: Copies
    distributions: Distributions
    imports: Imports
    insides: ImageInsides
    image_lists: ImageLists
    image_signatures: EnvironmentSignatures
    removals: ImageRemovals
    whereabouts: Whereabouts
    layer_grids: LayerGrids
    sweep: ContentSweep
    storage: Storage
    storage_history: StorageHistory
    transfer_statistics: TransferStatistics
    advisories: Advisories
    policies: Policies
    exceptions: Exceptions
    scans: ScanLists
    scan_exports: ScanExports
    scan_jobs: ScanJobs
    scan_rounds: ScanRounds
    rematches: Rematches
    scanner_settings: ScannerSettings
    scanner_updates: ScannerUpdates
    cancellation: OpenCancel
    clock: Callable[[], float]
    job_looks: JobLooks
    news: BoardNews
    audit_news: AuditNews
    previews: TransferPreviews
    overview: Overview
    server_settings: ServerSettings
    ready: Callable[[], None]
    metrics: Metrics
