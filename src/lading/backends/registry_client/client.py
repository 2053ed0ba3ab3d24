"""The registries this process speaks to: one host each, shared by every repository and thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from random import SystemRandom
from typing import TypeVar

from lading.backends.registry_client.host import Host, Manners
from lading.backends.registry_client.logins import Logins
from lading.backends.registry_client.paging import entries
from lading.backends.registry_client.repository import RegistryRepository
from lading.backends.registry_client.session import Session
from lading.engine.cancel import Cancellation
from lading.errors import NotFound
from lading.oci.reference import HUB, Repository
from lading.services.registries.holds import RegistryHolds
from lading.wire.authorize import CATALOG, Credential, Scope
from lading.wire.endpoint import Endpoint, Profiles, Uploads
from lading.wire.hub_search import Hit, search
from lading.wire.listing import repositories
from lading.wire.message import Cancel, Conversation, Request, Transport
from lading.wire.progress import Held
from lading.wire.registry_errors import ThingUnknown, Unsupported, refused
from lading.wire.registry_urls import Root, api_host, url
from lading.wire.retry import PATIENCE, Patience, Quota

T = TypeVar("T")

_RANDOM = SystemRandom().random


class _Known:
    """The hosts met so far, shared by all logins."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.hosts: dict[str, tuple[Host, Logins]] = {}


class CatalogAbsent(NotFound):
    """The registry lists no repositories: many do not, or not for everybody."""

    why = "Many registries list no repositories, and the specification asks none to."

    def __init__(self, registry: str, refusal: ThingUnknown | Unsupported) -> None:
        super().__init__(registry, refusal)
        self.registry = registry
        self.raw = refusal.raw or str(refusal)
        self.hint = "Name a repository: its tags can be listed."
        self.command = f"Name the repository: lading ls {registry}/REPOSITORY lists its tags"

    def __str__(self) -> str:
        return f"{self.registry} does not list its repositories"


class RegistryClient:
    """Opens repositories. `clock` gives seconds since 1970, `random` numbers from 0 to 1.

    `endpoint_of` is asked for host[:port], Docker Hub's is `registry-1.docker.io`. `credential_of` is asked once for
    each repository that is opened, with an empty path for a whole registry. `report_held` is called by any thread.
    `cancel` stops whatever is opened without a Cancel of its own. `manners` None: what a registry asks for is told
    to nobody else.
    """

    def __init__(
        self,
        transport: Transport,
        endpoint_of: Callable[[str], Endpoint],
        credential_of: Callable[[Repository], Credential | None],
        profiles: Profiles,
        uploads: Uploads,
        *,
        clock: Callable[[], float],
        report_held: Callable[[Held], None],
        cancel: Cancel | None = None,
        random: Callable[[], float] = _RANDOM,
        manners: Manners | None = None,
    ) -> None:
        self._transport, self._endpoint_of, self._credential_of = transport, endpoint_of, credential_of
        self._profiles, self._uploads = profiles, uploads
        self._clock, self._report_held, self._random = clock, report_held, random
        self._cancel = cancel or Cancellation()
        self._manners = manners or Manners(RegistryHolds(clock))
        self._known = _Known()
        self._patience = PATIENCE

    def under(self, credential: Credential | None, uploads: Uploads) -> RegistryClient:
        """The same registries and all that is known of them, under one login whatever repository is opened; `uploads`
        are that login's."""
        other = copy(self)
        other._credential_of = lambda _repository: credential
        other._uploads = uploads
        return other

    def at_once(self) -> RegistryClient:
        """The same, asked once: whoever tries a registry out wants to know how it is now."""
        other = copy(self)
        other._patience = Patience(attempts=1, limited_attempts=1)
        return other

    def forget(self, credential: Credential) -> None:
        """That login is no more: what was granted to it is dropped."""
        with self._known.lock:
            logins = [each for _, each in self._known.hosts.values()]
        for each in logins:
            each.forget(credential)

    def repository(
        self, repository: Repository, *, writes: bool = False, cancel: Cancel | None = None
    ) -> RegistryRepository:
        """One repository. `writes`: the first token is asked for pushing already, so that a push needs no second."""
        session = self._session(repository.registry, self._credential_of(repository))
        return RegistryRepository(repository, session, self._uploads, cancel or self._cancel, writes=writes)

    def converse(
        self,
        host: str,
        credential: Credential | None,
        make: Callable[[str], Conversation[T]],
        scopes: tuple[Scope, ...],
        cancel: Cancel | None = None,
    ) -> T:
        """Hold another conversation with a host that asks for logins as registries do, such as a trust server: `make`
        begins it for an origin, scheme://host[:port]. Raises what the conversation does, LoginNeeded, LoginRefused,
        NetworkFailed."""
        return self._session(host, credential).run(make, scopes, cancel or self._cancel)

    def check(self, registry: str, credential: Credential | None, cancel: Cancel | None = None) -> None:
        """Whether the registry takes this login (or none). Raises LoginNeeded, LoginRefused, NetworkFailed."""
        self._session(registry, credential).run(_knock, (), cancel or self._cancel)

    def repositories(self, registry: str, cancel: Cancel | None = None) -> Iterator[str]:
        """The registry's catalog. Raises CatalogAbsent or AccessDenied where it offers none."""
        session = self._session(registry, self._credential_of(Repository(registry, "")))
        stopping = cancel or self._cancel
        try:
            yield from entries(
                lambda page: session.run(lambda origin: repositories(origin, page), (CATALOG,), stopping)
            )
        except (ThingUnknown, Unsupported) as error:
            raise CatalogAbsent(registry, error) from error

    def tags(self, repository: Repository) -> Iterator[str]:
        """A repository's tags, in the registry's order."""
        return self.repository(repository).tags()

    def search_hub(self, term: str, cancel: Cancel | None = None) -> Sequence[Hit]:
        """Public repositories of Docker Hub, the best first. Nobody logs in for it."""
        return self._session(HUB, None).run(lambda _origin: search(term), (), cancel or self._cancel)

    def quotas(self) -> Mapping[str, Quota]:
        """Of all registries that it has spoken to and that said so."""
        with self._known.lock:
            hosts = [host for host, _ in self._known.hosts.values()]
        return {host.registry: host.quota for host in hosts if host.quota is not None}

    def quota(self, registry: str) -> Quota | None:
        """What is left of the requests that the registry allows, as it said last."""
        return self._host(registry)[0].quota

    def _session(self, registry: str, credential: Credential | None) -> Session:
        host, logins = self._host(registry)
        return Session(
            host,
            logins,
            self._transport,
            credential,
            clock=self._clock,
            random=self._random,
            patience=self._patience,
        )

    def _host(self, registry: str) -> tuple[Host, Logins]:
        with self._known.lock:
            known = self._known.hosts.get(registry)
            if known is None:
                endpoint = self._endpoint_of(api_host(registry))
                host = Host(registry, endpoint, self._profiles, self._clock, self._report_held, manners=self._manners)
                known = self._known.hosts[registry] = (host, Logins(host, self._clock))
            return known


def _knock(origin: str) -> Conversation[None]:
    """GET /v2/ (distribution-spec, Determining Support)."""
    request = Request("GET", url(origin, Root()))
    response = yield request
    if response.status != 200:
        raise refused(request, response)
