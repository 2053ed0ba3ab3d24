"""Registries' providers, wired: logins that they mint, their lists, and which repositories passed through here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lading.backends.registry_providers.directories import ProviderDirectories
from lading.backends.registry_providers.minting import ProviderApis, ProviderMinting
from lading.engine.cancel import Cancellation
from lading.engine.records import ImageNames
from lading.main.access_places import AccessPlaces
from lading.oci.reference import Reference
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.registries.minting import Mint, Validity
from lading.services.schedules import Chore

MINT_SECONDS = 60.0
"""How long minting one login may take, with every time that it is asked for again."""

RENEWAL_SECONDS = 10 * 60.0
"""How often logins are looked at that may have to be minted anew: the shortest last an hour, and half of it is kept."""

EXPIRY = (
    "lading_credential_expiry_timestamp_seconds",
    "Until when the login is good that a registry's provider minted last, in seconds since 1970.",
)
"""A metric's name and meaning."""


def provider_apis(places: Callable[[], AccessPlaces]) -> ProviderApis:
    """Asked over the ways that registries are reached by, which are opened when the first is asked."""
    return ProviderApis(lambda endpoint: places().transport(endpoint), time.time)


def mint(places: Callable[[], AccessPlaces], validity: Validity) -> Mint:
    """For one process."""
    return Mint(ProviderMinting(provider_apis(places)), validity, time.time, _patience)


def directories(places: Callable[[], AccessPlaces]) -> ProviderDirectories:
    """Providers' own lists."""
    return ProviderDirectories(provider_apis(places))


def _patience() -> Cancellation:
    return Cancellation(MINT_SECONDS, clock=time.monotonic)


@dataclass(frozen=True, slots=True)
class PulledRepositories:
    """Fulfils SeenRepositories: by the names that images have here."""

    images: Callable[[], ImageNames]

    def repositories(self, host: str) -> Iterable[str]:
        named = (Reference.parse(image.reference).repository for image in self.images().all() if image.named)
        return sorted({repository.path for repository in named if repository.registry == host})


def login_chores(registries: ConfiguredRegistries) -> Sequence[Chore]:
    """Minted logins, kept ahead of their ends."""
    return [Chore("registry logins", RENEWAL_SECONDS, registries.renew)]
