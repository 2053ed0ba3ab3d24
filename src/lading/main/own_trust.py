"""Trust rules of our own repositories, wired: accepted keys, verdicts, and the gate of the registry."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from lading.backends.database.service_database import ServiceDatabase
from lading.main.public_registry import public_registry
from lading.services.audit.audit import Trail
from lading.services.repositories.lookups import Renewed
from lading.services.repositories.repositories import Repositories
from lading.services.trust.gates import TrustGate
from lading.services.trust.keys import AcceptedKeys
from lading.services.trust.own_notary import Collections, OwnNotary
from lading.services.trust.own_signatures import OwnSignatures
from lading.settings import Settings

NAMELESS = "localhost"
"""What verdicts call our registry where nobody said how others reach it."""


@dataclass(frozen=True, slots=True)
class OwnTrust:
    """All over the same rows."""

    keys: AcceptedKeys
    signatures: OwnSignatures
    gate: TrustGate

    @classmethod
    def of(
        cls,
        settings: Settings,
        database: ServiceDatabase,
        repositories: Repositories,
        trail: Trail,
        collections: Callable[[], Collections],
    ) -> OwnTrust:
        """`collections` are those of our trust server."""
        public, records, keys = public_registry(settings), database.repositories, database.trust_keys
        registry = NAMELESS if public is None else public.host
        notary = OwnNotary(collections, time.time)
        signatures = OwnSignatures(repositories, records, keys, notary, time.time, registry=registry)
        changes = Renewed(database.changes, time.monotonic)
        gate = TrustGate(signatures, repositories, records, changes, trail, clock=time.monotonic)
        return cls(AcceptedKeys(keys, trail, time.time), signatures, gate)
