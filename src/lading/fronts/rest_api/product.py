"""What this door opens onto: the services, put together by main."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from lading.fronts.rest_api.audit_stream import AuditNews
from lading.fronts.rest_api.board_streams import BoardNews
from lading.services.advisories import Advisories
from lading.services.agents import Agents
from lading.services.audit_view import Audit
from lading.services.authentication import Authentication, Authenticator
from lading.services.configured_registries import ConfiguredRegistries
from lading.services.content_sweep import ContentSweep
from lading.services.copies import Copies
from lading.services.distributions import Distributions
from lading.services.environments import Environments
from lading.services.exceptions import Exceptions
from lading.services.guarded_repositories import GuardedRepositories
from lading.services.guarded_retention import GuardedRetention
from lading.services.guarded_trust import GuardedTrust
from lading.services.image_insides import ImageInsides
from lading.services.image_lists import ImageLists
from lading.services.image_removals import ImageRemovals
from lading.services.image_signatures import EnvironmentSignatures
from lading.services.imports import Imports
from lading.services.job_looks import JobLooks
from lading.services.jobs import Jobs
from lading.services.layer_grids import LayerGrids
from lading.services.metrics import Metrics
from lading.services.overview import Overview
from lading.services.policies import Policies
from lading.services.promotion import Promotions
from lading.services.pulls import Pulls
from lading.services.pushes import Pushes
from lading.services.registry_address import RegistryAddress
from lading.services.registry_browsing import RegistryBrowsing
from lading.services.registry_use import RegistryUse
from lading.services.retention_runs import RetentionRuns
from lading.services.roles import Roles
from lading.services.scan_exports import ScanExports
from lading.services.scan_jobs import ScanJobs
from lading.services.scan_lists import ScanLists
from lading.services.scan_rematch import Rematches
from lading.services.scan_rounds import ScanRounds
from lading.services.scanner_settings import ScannerSettings
from lading.services.scanner_updates import ScannerUpdates
from lading.services.server_settings import ServerSettings
from lading.services.setup import Setup
from lading.services.single_sign_on import SingleSignOn
from lading.services.storage_figures import Storage
from lading.services.storage_samples import StorageHistory
from lading.services.tokens import Tokens
from lading.services.transfer_previews import TransferPreviews
from lading.services.transfer_statistics import TransferStatistics
from lading.services.trust_keys import AcceptedKeys
from lading.services.users import Users
from lading.services.whereabouts import Whereabouts
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
