"""Where a registry's repositories can be listed: at its provider's API, by the catalog of the specification; and where
neither lists any for us, what passed through here before.

    provider's API ── refused, or there is none ──▶ catalog ── the same ──▶ seen before ── nothing ──▶ none
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol

from lading.errors import AccessDenied, NotFound, Refused
from lading.oci.reference import Repository
from lading.services.environments.orders import Access
from lading.services.registries.minting import ProviderLogin
from lading.services.registries.providers import API_TOKEN, NAMESPACES, TEMPLATES, ListingWay, Provider
from lading.services.registries.search import SearchedRegistry
from lading.services.registries.test import TriedRegistry
from lading.wire.authorize import Credential
from lading.wire.hub_search import Hit
from lading.wire.message import Cancel


class Directories(Protocol):
    """Providers' own lists; backends.registry_providers fulfils it."""

    def repositories(self, login: ProviderLogin, cancel: Cancel) -> Iterator[str]:
        """Paths in the registry, of a provider whose template says so. Raises AccessDenied, NotFound, RateLimited,
        NetworkFailed, ProtocolBroken, InputInvalid."""


class SeenRepositories(Protocol):
    """What has passed through here."""

    def repositories(self, host: str) -> Iterable[str]:
        """Paths in the registry at this host, in order. Raises StorageFailed."""


class NothingSeen:
    """Fulfils SeenRepositories where nobody remembers."""

    def repositories(self, host: str) -> Iterable[str]:  # noqa: ARG002  the same for all
        return ()


class ListedDoor(SearchedRegistry, TriedRegistry, Protocol):
    """Registries behind their own doors. Every method raises AccessDenied, NetworkFailed and their like."""


@dataclass(frozen=True, slots=True)
class ListedRegistry:
    """Fulfils ListedDoor for one registry, whose provider lists it where that can be."""

    door: ListedDoor
    directories: Directories
    login: ProviderLogin

    def repositories(self, access: Access, cancel: Cancel) -> Iterator[str]:
        if not lists(self.login):
            return self.door.repositories(access, cancel)
        names = self.directories.repositories(self.login, cancel)
        try:
            first = list(islice(names, 1))
        except (NotFound, Refused, AccessDenied):
            return self.door.repositories(access, cancel)
        return chain(first, names)

    def knock(self, access: Access, credential: Credential | None, cancel: Cancel) -> None:
        self.door.knock(access, credential, cancel)

    def search_hub(self, access: Access, term: str, cancel: Cancel) -> Sequence[Hit]:
        return self.door.search_hub(access, term, cancel)

    def tags(self, access: Access, repository: Repository, cancel: Cancel) -> Iterator[str]:
        return self.door.tags(access, repository, cancel)


def lists(login: ProviderLogin) -> bool:
    """Whether its provider has a list of its own that this login, or none, may ask for."""
    if TEMPLATES[login.provider].listing is not ListingWay.API:
        return False
    match login.provider:
        case Provider.DOCKER_HUB | Provider.QUAY:
            return bool(login.secret or login.path or {API_TOKEN, NAMESPACES} & login.fields.keys())
        case Provider.AMAZON:
            return bool(login.secret) and login.username != "AWS"  # what `aws ecr get-login-password` gives, is no key
        case Provider.GOOGLE:
            return login.secret.startswith("{")  # nor is a token
        case Provider.HARBOR:
            return True
        case _:
            return bool(login.secret)
