"""Content trust of `lading serve`: the rule that its settings make, over each transfer's way to its registry."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from lading.backends.database.service_database import ServiceDatabase
from lading.main.access_places import AccessPlaces
from lading.main.content_trusting import image_signatures, own_key, read_policy
from lading.main.notary_trusting import TrustServers, notary_trust, trust_keys
from lading.oci.reference import Repository
from lading.services.content.stores import FullStore, RegistryStores
from lading.services.environments.orders import Access
from lading.services.notary.notary import NotaryTrust
from lading.services.trust.collections import TrustCollections
from lading.services.trust.content_trust import ContentTrust, OwnKey
from lading.services.trust.own_notary import OwnNotary
from lading.services.trust.policy import TrustPolicy
from lading.services.trust.server_trust import ServerTrust
from lading.services.trust.verdicts import TrustVerdicts
from lading.settings import Settings
from lading.wire.message import Cancel


def server_trust(
    settings: Settings,
    database: ServiceDatabase,
    places: AccessPlaces,
    collections: Callable[[], TrustCollections],
) -> ServerTrust:
    """The policy is read now, and holds until the server ends; a key is opened when it first signs. `collections` are
    those of our own registry.

    Raises PolicyInvalid, SettingsUnreadable.
    """
    policy = read_policy(settings.trust_policy) if settings.trust_policy else TrustPolicy(())
    rules = _Rules(settings, places, policy, own_key(settings, None), OwnNotary(collections, time.time))
    return ServerTrust(rules, TrustVerdicts(database.trust_verdicts, time.time), _has_key(settings))


def _has_key(settings: Settings) -> bool:
    """A key pair, or a passphrase under which Notary keys are kept, and made where there are none."""
    notary = settings.trust_repository_passphrase or settings.trust_passphrase
    return settings.trust_key is not None or notary is not None


@dataclass(frozen=True, slots=True)
class _Rules:
    """Fulfils services.trust.server_trust.Rules."""

    settings: Settings
    places: AccessPlaces
    policy: TrustPolicy
    key: OwnKey | None
    own_notary: OwnNotary

    def __call__(self, access: Access, own: FullStore | None) -> ContentTrust:
        stores: RegistryStores = _Reached(self.places, access) if own is None else _One(own)

        def notary() -> NotaryTrust:
            servers = TrustServers(
                lambda: self.places.client(access), lambda _repository: access.credential, self.settings.trust_server
            )
            return notary_trust(self.settings.data, servers, trust_keys(self.settings, None))

        return ContentTrust(
            image_signatures(self.settings, stores, notary if own is None else lambda: self.own_notary),
            notary,
            policy=self.policy,
            switched=self.settings.content_trust,
            own_key=self.key,
            trust_server=self.settings.trust_server is not None,
        )


@dataclass(frozen=True, slots=True)
class _Reached:
    """Fulfils RegistryStores: nothing is opened before it is asked for."""

    places: AccessPlaces
    access: Access

    def registry(self, repository: Repository, cancel: Cancel, *, writes: bool = False) -> FullStore:
        return self.places.stores(self.access).registry(repository, cancel, writes=writes)


@dataclass(frozen=True, slots=True)
class _One:
    """Fulfils RegistryStores with one repository of our own registry."""

    store: FullStore

    def registry(self, repository: Repository, cancel: Cancel, *, writes: bool = False) -> FullStore:  # noqa: ARG002
        return self.store
