"""The repositories of our own registry as everybody but /v2/ has them: for people, retention, promotion, counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from lading.backends.database.service_database import ServiceDatabase
from lading.main.content_place import OwnContent
from lading.main.gating import gates_of, promotion_gate
from lading.main.own_trust import OwnTrust
from lading.main.trust_serving import trust_collections
from lading.services.access import Actor
from lading.services.audit.audit import Trail
from lading.services.promotion.promotion import Promotions
from lading.services.promotion.signatures import signed_promotion
from lading.services.repositories.guarded_repositories import GuardedRepositories
from lading.services.repositories.own_repository import OwnRepository
from lading.services.repositories.pull_counts import PullCounts
from lading.services.repositories.repositories import Repositories
from lading.services.retention.guarded_retention import GuardedRetention
from lading.services.retention.runs import RetentionRuns
from lading.services.running.jobs import Jobs
from lading.services.secrets import SecretBox
from lading.services.trust.collections import TrustCollections
from lading.services.trust.guarded_trust import GuardedTrust
from lading.settings import Settings


@dataclass(frozen=True, slots=True)
class RepositoryCare:
    """All over the same rows."""

    repositories: GuardedRepositories
    retention: GuardedRetention
    retention_runs: RetentionRuns
    promotions: Promotions
    store: Callable[[str], OwnRepository]
    trust: GuardedTrust
    own_trust: OwnTrust
    collections: Callable[[], TrustCollections]

    @classmethod
    def of(
        cls,
        settings: Settings,
        database: ServiceDatabase,
        content: OwnContent,
        jobs: Jobs,
        trail: Trail,
        *,
        box: Callable[[], SecretBox],
    ) -> RepositoryCare:
        """`jobs` are where retention is asked for; `box` opens the trust server's keys, where a rule asks it."""
        records, leased = database.repositories, database.catalogue.leases.among
        repositories = Repositories(records, content, clock=time.time)
        collections = partial(_collections, database, trail, box)
        guarded = GuardedRepositories(
            repositories, records, trail, time.time, partial(_unsigned, database, collections)
        )
        own = OwnTrust.of(settings, database, repositories, trail, collections)
        gates = promotion_gate(gates_of(database, trail), repositories), signed_promotion(own.signatures, trail)
        return cls(
            guarded,
            GuardedRetention(repositories, records, trail, leased=leased, clock=time.time),
            RetentionRuns(repositories, records, jobs, trail, leased=leased, clock=time.time),
            Promotions(repositories, records, trail, *gates),
            partial(OwnRepository, repositories),
            GuardedTrust(guarded, repositories, own.signatures, time.time),
            own,
            collections,
        )


def _collections(database: ServiceDatabase, trail: Trail, box: Callable[[], SecretBox]) -> TrustCollections:
    return trust_collections(database, box(), trail)


def _unsigned(
    database: ServiceDatabase, collections: Callable[[], TrustCollections], actor: Actor, repository: str
) -> None:
    """What was signed in a repository goes with it. Where nothing was, no key has to be there either."""
    if database.trust.guns(repository):
        collections().repository_removed(actor, repository)


def counted_pulls(stack: ExitStack, database: ServiceDatabase) -> PullCounts:
    """Written from now on, and for the last time when the stack closes."""
    counts = PullCounts(database.repositories, time.time)
    counts.begin()
    stack.callback(counts.stop)
    return counts
