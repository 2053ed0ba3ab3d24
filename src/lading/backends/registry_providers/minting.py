"""Which provider mints how: fulfils services.registries.minting.Minting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import SystemRandom

from lading.backends.registry_providers import amazon, azure, google
from lading.backends.registry_providers.asking import Api
from lading.services.registries.minting import Minted, ProviderLogin
from lading.services.registries.providers import Provider
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, Transport

_RANDOM = SystemRandom().random
_MINTS: Mapping[Provider, Callable[[Api], Minted]] = {
    Provider.AMAZON: amazon.mint,
    Provider.GOOGLE: google.mint,
    Provider.AZURE: azure.mint,
}


@dataclass(frozen=True, slots=True)
class ProviderApis:
    """For any number of threads. `transport_of` gives the way to a registry and whatever belongs to it, `clock` seconds
    since 1970, `random` numbers from 0 to 1."""

    transport_of: Callable[[Endpoint], Transport]
    clock: Callable[[], float]
    random: Callable[[], float] = _RANDOM

    def api(self, login: ProviderLogin, cancel: Cancel) -> Api:
        """A provider's, asked with one login."""
        return Api(self.transport_of(login.endpoint), login, cancel, self.clock, self.random)


@dataclass(frozen=True, slots=True)
class ProviderMinting:
    """Fulfils Minting."""

    apis: ProviderApis

    def mint(self, login: ProviderLogin, cancel: Cancel) -> Minted:
        return _MINTS[login.provider](self.apis.api(login, cancel))
