"""Content trust by Notary v1, wired: its servers over the registry client, its keys and memories in the data folder.

DATA/trust           0700
├── private/         keys, as Notary's and docker's clients keep them
└── tuf/             what was seen of each repository
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from lading.backends.credentials.trust_keys import FolderKeys
from lading.backends.credentials.trust_memories import FolderMemories
from lading.backends.notary_client.server import NotaryServer, TrustAddress
from lading.backends.registry_client.client import RegistryClient
from lading.oci.reference import HUB, Repository
from lading.proof.tuf_roles import ROOT
from lading.services.notary.keys import KeptKey, Passphrase, TrustKeys
from lading.services.notary.notary import NotaryTrust
from lading.services.notary.refusals import HUB_SERVER, TrustPassphraseMissing
from lading.settings import Settings
from lading.wire.authorize import Credential, Scope
from lading.wire.message import Cancel, Conversation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrustServers:
    """The trust server of each repository: the one that is `given` as a URL, else that of its registry's own host, and
    Docker's for Docker Hub. It takes the registry's login. `named` collects the registries that this call speaks of."""

    client: Callable[[], RegistryClient]
    credential_of: Callable[[Repository], Credential | None]
    given: str | None = None
    named: set[str] = field(default_factory=set)

    def __call__(self, repository: Repository) -> NotaryServer:
        """For one repository; nothing is asked yet."""
        address, registry = self._address(repository.registry), repository.registry
        self.named.add(registry)
        client, credential = self.client(), self.credential_of(repository)

        def converse(make: Callable[[str], Conversation[T]], scopes: tuple[Scope, ...], cancel: Cancel) -> T:
            return client.converse(address.host, credential, make, scopes, cancel)

        return NotaryServer(address, registry, converse)

    def _address(self, registry: str) -> TrustAddress:
        if self.given is not None:
            return TrustAddress.of(self.given)
        return TrustAddress(HUB_SERVER if registry == HUB else registry)


def notary_trust(data: Path, servers: TrustServers, keys: TrustKeys) -> NotaryTrust:
    """What was seen is remembered in the data folder."""
    return NotaryTrust(servers, keys, FolderMemories(data / "trust" / "tuf"), time.time, os.urandom)


def trust_passphrases(settings: Settings, ask: Passphrase | None) -> Passphrase:
    """As the settings hold them; `ask` is asked for one that none of them does. Raises TrustPassphraseMissing."""

    def passphrase(key: KeptKey, new: bool) -> str:
        own = settings.trust_root_passphrase if key.role == ROOT else settings.trust_repository_passphrase
        if (said := own or settings.trust_passphrase) is not None:
            return said
        if ask is None:
            raise TrustPassphraseMissing(key)
        return ask(key, new)

    return passphrase


def trust_keys(settings: Settings, ask: Passphrase | None) -> FolderKeys:
    """The keys in the data folder."""
    return FolderKeys(settings.data / "trust" / "private", trust_passphrases(settings, ask), os.urandom)
