"""What a Docker engine does at registries beside moving images: it tries a login, lists tags, searches.

All of it goes under the login that the client brought along, or nobody's; of a configured registry nothing is used but
the way to it. So whoever may pull or push from here may ask: it tells no more than the client could ask by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from lading.oci.reference import Repository, check_path
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit_somewhere
from lading.services.environments.door_logins import under
from lading.services.environments.orders import Access
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.registries.search import MOST_NAMES, RepositoryFound, SearchedRegistry, search
from lading.wire.authorize import Credential
from lading.wire.docker_auth import GivenLogin
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel


class AskedRegistry(SearchedRegistry, Protocol):
    """Fulfilled by main. Every method raises AccessDenied, NetworkFailed and their like."""

    def knock(self, access: Access, credential: Credential | None, cancel: Cancel) -> None:
        """Whether it answers as a registry and takes this login, or nobody's. Raises AccessDenied."""


@dataclass(frozen=True, slots=True)
class RegistryErrands:
    """For any number of threads. `environment` is where the actor would work."""

    registries: ConfiguredRegistries
    registry: AskedRegistry
    trail: Trail

    def access(self, repository: Repository, login: GivenLogin) -> Access:
        """How a repository's registry is reached under a login that was brought along."""
        return under(self.registries.access_for(repository), login.credential)

    def log_in(
        self, actor: Actor, environment: int | None, registry: str, credential: Credential | None, cancel: Cancel
    ) -> None:
        """Whether the registry, host[:port], takes this login. Raises AccessDenied, NetworkFailed, Denied."""
        self._admit(actor, environment, "login", registry)
        self.registry.knock(self._whole(registry, credential), credential, cancel)

    def tags(self, repository: Repository, login: GivenLogin, cancel: Cancel) -> Sequence[str]:
        """A repository's, up to MOST_NAMES, for an admitted pull. Raises NotFound, AccessDenied, NetworkFailed."""
        return list(islice(self.registry.tags(self.access(repository, login), repository, cancel), MOST_NAMES))

    def search(
        self, actor: Actor, environment: int | None, registry: str, term: str, *, login: GivenLogin, cancel: Cancel
    ) -> Iterator[RepositoryFound]:
        """Repositories that the term finds: at Docker Hub by its own search, elsewhere those whose path holds it, or
        the one of that name where the registry lists none. Raises NetworkFailed, Denied."""
        self._admit(actor, environment, "search", registry)
        access = self._whole(registry, login.credential)
        return search(self.registry, access, term, lambda path: _repository(registry, path), cancel)

    def _whole(self, registry: str, credential: Credential | None) -> Access:
        """The way to a registry as a whole: as to the repositories that it is configured for."""
        row = self.registries.at(registry)
        endpoint = Endpoint(registry) if row is None else Endpoint(registry, row.tls, ca_pem=row.ca)
        return Access(registry, endpoint, credential)

    def _admit(self, actor: Actor, environment: int | None, action: str, registry: str) -> None:
        if not actor.may_somewhere(Permission.IMAGES_PUSH, environment):
            deed = Deed(action, "registry", registry, registry, environment)
            admit_somewhere(self.trail, actor, Permission.IMAGES_PULL, deed)


def _repository(registry: str, path: str) -> Repository:
    """Raises ReferenceInvalid."""
    check_path(path, path)
    return Repository(registry, path)
