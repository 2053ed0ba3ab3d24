"""Registries: how each is reached, which login serves a repository, logging in and out, and what a registry lists."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from lading.errors import InputInvalid
from lading.oci.prefix import Prefix
from lading.oci.reference import (
    HUB,
    Reference,
    Repository,
    canonical_registry,
    check_registry,
    is_registry,
    split_registry,
)
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.guard import host_name
from lading.wire.registry_urls import api_host

if TYPE_CHECKING:
    from lading.wire.hub_search import Hit


class OneLoginForTwo(InputInvalid):
    """A login for this call alone, and two registries that could get it."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first, second)
        self.first, self.second = first, second
        self.hint = "Keep a login for one of them."
        self.command = f"lading login {second}"

    def __str__(self) -> str:
        return f"the login given is for one registry, and this call speaks to {self.first} and {self.second}"


@dataclass(frozen=True, slots=True)
class EndpointRules:
    """How hosts are reached: those that are configured by name, and what the flags of this call ask.

    `named` are the registries that this call speaks of, which may grow: `insecure` holds for those and whatever runs on
    the same machines, such as their token services, and for nobody else.
    """

    configured: Mapping[str, Endpoint]
    insecure: bool = False
    ca_file: str | None = None
    named: Collection[str] = ()

    def of(self, host: str) -> Endpoint:
        """A flag widens what is configured: with `insecure` TLS goes unchecked, and plain HTTP is allowed."""
        endpoint = self.configured.get(host) or self.configured.get(canonical_registry(host)) or Endpoint(host)
        if self.insecure and host_name(host) in {host_name(api_host(registry)) for registry in self.named}:
            tls = endpoint.tls if endpoint.tls is Tls.HTTP else Tls.SKIP
            endpoint = replace(endpoint, tls=tls, insecure=True)
        return replace(endpoint, ca_file=self.ca_file) if self.ca_file else endpoint


@dataclass(frozen=True, slots=True)
class Found:
    """The login that serves a repository; `source` says where it stands, for people. None: anonymous."""

    credential: Credential | None
    source: str

    def __str__(self) -> str:
        if self.credential is None:
            return "no login"
        return f"{self.credential.username or 'token'} from {self.source}"


@dataclass(frozen=True, slots=True)
class Login:
    """A login that Lading keeps, without its secret; `place` is host[/path]."""

    place: str
    username: str


@dataclass(frozen=True, slots=True)
class Logout:
    """A place, host[/path], whose login is not kept any more; `there` says whether it was."""

    place: str
    there: bool


class CredentialSearch(Protocol):
    """Looks through the places where logins stand, in their order (interfaces §3, Credentials)."""

    def find(self, repository: Repository) -> Found:
        """The first source that has one for this repository."""

    def next_after_first(self, repository: Repository) -> str | None:
        """Where another login for it stands, which is named when the first is refused and never tried silently."""


class DockerKnowsHosts(InputInvalid):
    """A login for part of a registry, to be kept where only whole registries have logins."""

    hint = "Lading's own logins may be for a path."
    command = "Leave out --docker: Lading's own logins may be for a path."

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place

    def __str__(self) -> str:
        return f"docker keeps logins for hosts, and {self.place} has a path"


class OwnLogins(Protocol):
    """Logins that are kept, by `host[/path]`: our own encrypted ones, or docker's."""

    def set(self, place: str, username: str, secret: str) -> None:
        """Replaces the login of that place."""

    def remove(self, place: str) -> bool:
        """Whether there was one."""

    def logins(self) -> Sequence[Login]:
        """In order of place."""


class RegistryProbe(Protocol):
    """What is asked of a whole registry rather than of a repository."""

    def check(self, host: str, credential: Credential | None) -> None:
        """Whether the registry takes this login, or none. Raises AccessDenied, NetworkFailed."""

    def knock(self, host: str, credential: Credential | None) -> None:
        """The same, asked once: how it is now. Raises RateLimited too, where it wants to be left alone."""

    def repositories(self, host: str) -> Iterator[str]:
        """Its catalog, in order. Raises NotFound where it offers none."""

    def tags(self, repository: Repository) -> Iterator[str]:
        """In order."""

    def search_hub(self, term: str) -> Sequence[Hit]:
        """Public repositories of Docker Hub, the best first."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What `ls` or `search` found: `kind` is tags or repositories, `of` whose. `hits` is what Docker Hub says of each
    name, where it was asked to search."""

    kind: str
    of: str
    names: tuple[str, ...]
    hits: tuple[Hit, ...] = ()


class Registries:
    """The registries that this program talks to; `one_off` is the login that was given for this call alone.

    Where a call says `docker`, docker's own logins are meant and not ours.
    """

    def __init__(
        self,
        search: CredentialSearch,
        own: OwnLogins,
        probe: RegistryProbe,
        one_off: Credential | None = None,
        *,
        docker: OwnLogins,
    ) -> None:
        self._search, self._own, self._docker, self._probe, self._one_off = search, own, docker, probe, one_off
        self._given_to: str | None = None

    def credential(self, repository: Repository) -> Found:
        """Which login serves this repository, and where it stands.

        Raises OneLoginForTwo: a login given for this call goes to its only remote side, and to nobody else.
        """
        found = self._search.find(repository)
        if self._one_off is not None and found.credential == self._one_off:
            self._given_to = self._given_to or repository.registry
            if repository.registry != self._given_to:
                raise OneLoginForTwo(self._given_to, repository.registry)
        return found

    def next_login(self, repository: Repository) -> str | None:
        """Where another login for it stands; None where there is no other."""
        return self._search.next_after_first(repository)

    def knock(self, repository: Repository) -> Found:
        """Whether the registry answers, and takes the login that serves this repository.

        Raises AccessDenied, RateLimited, NetworkFailed.
        """
        found = self.credential(repository)
        self._probe.knock(repository.registry, found.credential)
        return found

    def login(self, place: str, credential: Credential, *, docker: bool = False) -> str:
        """Check the login at the registry, then keep it. `place` is host[/path]; its canonical spelling is returned.

        A place without a host is refused: an unset variable must not send its password to Docker Hub. Raises
        ReferenceInvalid, DockerKnowsHosts, AccessDenied, NetworkFailed, StorageFailed.
        """
        part = Prefix.read(place)
        check_registry(place, part.host)
        kept = str(part)
        if docker and part.path:
            raise DockerKnowsHosts(kept)
        self._probe.check(part.host, credential)
        self._kept(docker).set(kept, credential.username, credential.secret)
        return kept

    def logout(self, place: str, *, docker: bool = False) -> Logout:
        """Forget the login of host[/path], if there is one. Raises StorageFailed."""
        kept = str(Prefix.read(place))
        return Logout(kept, self._kept(docker).remove(kept))

    def logins(self, *, docker: bool = False) -> Sequence[Login]:
        """Those that are kept, in order of place."""
        return self._kept(docker).logins()

    def _kept(self, docker: bool) -> OwnLogins:
        return self._docker if docker else self._own

    def ls(self, place: str) -> Listing:
        """The tags of a repository, or the repositories of a registry where only a host is given. Raises
        ReferenceInvalid."""
        if is_registry(place.rstrip("/")) and "/" not in place.rstrip("/"):
            host = canonical_registry(place.rstrip("/"))
            check_registry(place, host)
            return Listing("repositories", host, tuple(self._probe.repositories(host)))
        repository = Reference.parse(place).repository
        return Listing("tags", str(repository), tuple(self._probe.tags(repository)))

    def search(self, text: str) -> Listing:
        """Repositories of a registry whose names hold a term: `HOST/TERM`; without a host what Docker Hub finds."""
        registry, term = split_registry(text)
        host = canonical_registry(registry)
        check_registry(text, host)
        if host == HUB:
            hits = tuple(self._probe.search_hub(term))
            return Listing("repositories", host, tuple(hit.repository.path for hit in hits), hits)
        names = self._probe.repositories(host)
        return Listing("repositories", host, tuple(name for name in names if term.lower() in name))
