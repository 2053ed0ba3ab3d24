"""The repositories of our own registry as everybody but /v2/ has them: for people, retention, promotion, counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from lading.backends.content_store.folder import ContentFolder
from lading.backends.database.service_database import ServiceDatabase
from lading.main.gating import gates_of, promotion_gate
from lading.services.audit import Trail
from lading.services.guarded_repositories import GuardedRepositories
from lading.services.guarded_retention import GuardedRetention
from lading.services.jobs import Jobs
from lading.services.own_repository import OwnRepository
from lading.services.promotion import Promotions
from lading.services.pull_counts import PullCounts
from lading.services.repositories import Repositories
from lading.services.retention_runs import RetentionRuns


@dataclass(frozen=True, slots=True)
class RepositoryCare:
    """All over the same rows."""

    repositories: GuardedRepositories
    retention: GuardedRetention
    retention_runs: RetentionRuns
    promotions: Promotions
    store: Callable[[str], OwnRepository]

    @classmethod
    def of(cls, database: ServiceDatabase, content: ContentFolder, jobs: Jobs, trail: Trail) -> RepositoryCare:
        """`jobs` are where retention is asked for."""
        records, leased = database.repositories, database.catalogue.leases.among
        repositories = Repositories(records, content, clock=time.time)
        return cls(
            GuardedRepositories(repositories, records, trail, time.time),
            GuardedRetention(repositories, records, trail, leased=leased, clock=time.time),
            RetentionRuns(repositories, records, jobs, trail, leased=leased, clock=time.time),
            Promotions(repositories, records, trail, promotion_gate(gates_of(database, trail), repositories)),
            partial(OwnRepository, repositories),
        )


def counted_pulls(stack: ExitStack, database: ServiceDatabase) -> PullCounts:
    """Written from now on, and for the last time when the stack closes."""
    counts = PullCounts(database.repositories, time.time)
    counts.begin()
    stack.callback(counts.stop)
    return counts
