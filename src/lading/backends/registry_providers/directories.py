"""Which provider lists its repositories how: fulfils services.registries.directories.Directories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lading.backends.registry_providers import amazon, docker_hub, github, gitlab, google, harbor, quay
from lading.backends.registry_providers.asking import Api
from lading.backends.registry_providers.minting import ProviderApis
from lading.services.registries.minting import ProviderLogin
from lading.services.registries.providers import Provider
from lading.wire.message import Cancel

_LISTS: Mapping[Provider, Callable[[Api], Iterator[str]]] = {
    Provider.DOCKER_HUB: docker_hub.repositories,
    Provider.GITHUB: github.repositories,
    Provider.AMAZON: amazon.repositories,
    Provider.GOOGLE: google.repositories,
    Provider.QUAY: quay.repositories,
    Provider.HARBOR: harbor.repositories,
    Provider.GITLAB: gitlab.repositories,
}


@dataclass(frozen=True, slots=True)
class ProviderDirectories:
    """Fulfils Directories."""

    apis: ProviderApis

    def repositories(self, login: ProviderLogin, cancel: Cancel) -> Iterator[str]:
        return _LISTS[login.provider](self.apis.api(login, cancel))
