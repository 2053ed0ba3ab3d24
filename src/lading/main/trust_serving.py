"""The trust server beside our registry: its collections, wired, and its door behind the registry's gate."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from lading.backends.database.service_database import ServiceDatabase
from lading.fronts.http.exchange import Answer, Application, IncomingRequest
from lading.fronts.registry_api.doorstep import ForeignCaller, LoginWanted
from lading.fronts.registry_api.gate import Entry, Gate, Needed
from lading.fronts.trust_api.application import TrustApi
from lading.fronts.trust_api.gate import CallerForeign, TokenWanted
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Trail
from lading.services.secrets import SecretBox
from lading.services.trust.collections import TrustCollections
from lading.services.trust.records import Gun
from lading.services.trust.server_keys import TrustServerKeys
from lading.wire.trust_urls import is_trust


def trust_collections(database: ServiceDatabase, box: SecretBox, trail: Trail) -> TrustCollections:
    """What is signed beside the repositories of this database."""
    return TrustCollections(
        database.trust, TrustServerKeys(database.trust, box, os.urandom, time.time), trail, time.time
    )


def with_trust(registry: Application, gate: Gate, collections: TrustCollections) -> Application:
    """The registry's door with the trust server's beside it, on the same listener and for the same logins."""
    trust = TrustApi(collections, _Gate(gate))

    def answer(request: IncomingRequest) -> Answer:
        return trust(request) if is_trust(request.path) else registry(request)

    return answer


@dataclass(frozen=True, slots=True)
class _Entered:
    """Fulfils fronts.trust_api.gate.Entry."""

    entry: Entry

    @property
    def actor(self) -> Actor:
        return self.entry.visitor.actor

    def shown(self, repositories: Sequence[str]) -> Sequence[str]:
        return self.entry.shown(repositories)


@dataclass(frozen=True, slots=True)
class _Gate:
    """Fulfils fronts.trust_api.gate.Gate by the registry's own gate."""

    gate: Gate

    def gun(self, request: IncomingRequest, text: str) -> Gun | None:
        path = self.gate.repository_of(request, text)
        return None if path is None else Gun(text, path)

    def admit(self, request: IncomingRequest, permission: Permission, gun: Gun | None) -> _Entered:
        needed = Needed(permission, None) if gun is None else Needed(permission, gun.repository, gun.name)
        try:
            return _Entered(self.gate.admit(request, needed))
        except LoginWanted as error:
            raise TokenWanted(str(error.challenge), error.reason) from error
        except ForeignCaller as error:
            raise CallerForeign(str(error)) from error
