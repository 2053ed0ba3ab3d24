"""Looking into configured registries: what they hold, and taking something out; and trying one out step by step.

resolve ─> connect ─> tls ─> v2 ─> token ─> scope        without TLS where the registry speaks plain HTTP
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from lading.errors import AccessDenied, LadingError, NotFound, Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import HUB, Repository, check_path, check_tag
from lading.services.access import Actor, Permission
from lading.services.audit import Deed, Result, Trail
from lading.services.audit_trail import refuse
from lading.services.configured_registries import ConfiguredRegistries
from lading.services.connection_test import ConnectionReport, Probe, Step, step_of
from lading.services.environment import Access
from lading.services.registry_records import RegistryRow
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.guard import host_name
from lading.wire.hub_search import Hit
from lading.wire.message import Cancel
from lading.wire.registry_urls import api_host
from lading.wire.retry import Quota

MOST_NAMES = 10_000
"""Repositories or tags read from a registry for one answer: a search for more of the name finds what is beyond."""

PORTS = {True: 80, False: 443}


class RegistryDoor(Protocol):
    """What is asked of a registry that is no transfer; main fulfils it. Every method raises AccessDenied, NetworkFailed
    and their like."""

    def knock(self, access: Access, credential: Credential | None, cancel: Cancel) -> None:
        """Whether it answers as a registry and takes this login, or nobody's. Raises AccessDenied."""

    def repositories(self, access: Access, cancel: Cancel) -> Iterator[str]:
        """The catalog. Raises NotFound, Refused or AccessDenied where there is none for us."""

    def search_hub(self, access: Access, term: str, cancel: Cancel) -> Sequence[Hit]:
        """Public repositories of Docker Hub, the best first."""

    def tags(self, access: Access, repository: Repository, cancel: Cancel) -> Iterator[str]:
        """Raises NotFound."""

    def resolve(self, access: Access, repository: Repository, name: str | Digest, cancel: Cancel) -> Descriptor:
        """The manifest under a tag or digest. Raises NotFound."""

    def remove(self, access: Access, repository: Repository, name: str | Digest, cancel: Cancel) -> None:
        """Take a tag away, or a manifest with all its tags. Raises NotFound, Refused."""

    def quota(self, access: Access) -> Quota | None:
        """What is left of the requests that it allows, as it said last."""


class CatalogMissing(NotFound):
    """The registry lists no repositories, or not for us: many do not."""

    code = "no_catalog"
    hint = "Name a repository instead: its tags can be listed, and a search finds it by its whole path."

    def __init__(self, registry: str) -> None:
        super().__init__(registry)
        self.registry = registry

    def __str__(self) -> str:
        return f"The registry {self.registry} does not list its repositories"


@dataclass(frozen=True, slots=True)
class RepositoryFound:
    """A repository's path; what Docker Hub says of it, where it is there."""

    path: str
    description: str | None = None
    stars: int | None = None
    official: bool | None = None


@dataclass(frozen=True, slots=True)
class TagFound:
    """A tag, and what it names."""

    name: str
    descriptor: Descriptor


class RegistryBrowsing:
    """For every door; each method asks for permission."""

    def __init__(self, registries: ConfiguredRegistries, door: RegistryDoor, probe: Probe, trail: Trail) -> None:
        self._registries, self._door, self._probe, self._trail = registries, door, probe, trail

    def catalog(self, actor: Actor, registry: int, cancel: Cancel) -> Sequence[str]:
        """Paths under the registry's own that the actor may see. Raises RowUnknown, CatalogMissing."""
        return self._listed(actor, registry, "", cancel)

    def _listed(self, actor: Actor, registry: int, term: str, cancel: Cancel) -> Sequence[str]:
        """The first `MOST_NAMES` of those whose path holds `term`, however many come before them."""
        row, access = self._opened(actor, Permission.REGISTRIES_VIEW, registry)
        prefix = f"{row.path}/" if row.path else ""
        try:
            names = (
                name
                for name in self._door.repositories(access, cancel)
                if name.startswith(prefix) and term in name and self._visible(actor, row, name)
            )
            return list(islice(names, MOST_NAMES))
        except (NotFound, Refused, AccessDenied) as error:
            raise CatalogMissing(row.name) from error

    def search(self, actor: Actor, registry: int, term: str, cancel: Cancel) -> Sequence[RepositoryFound]:
        """Repositories whose path holds `term`; where the registry lists none, the one that is called so. Docker Hub
        is asked to search itself."""
        row = self._registries.row(registry)
        if row.host == HUB:
            return self._found_at_hub(actor, row, term, cancel)
        return [RepositoryFound(name) for name in self._found(actor, registry, term, cancel)]

    def _found_at_hub(self, actor: Actor, row: RegistryRow, term: str, cancel: Cancel) -> Sequence[RepositoryFound]:
        _, access = self._opened(actor, Permission.REGISTRIES_VIEW, row.id)
        hits = self._door.search_hub(access, term, cancel)
        return [
            RepositoryFound(hit.repository.path, hit.description, hit.stars, hit.official)
            for hit in hits
            if self._visible(actor, row, hit.repository.path)
        ]

    def _found(self, actor: Actor, registry: int, term: str, cancel: Cancel) -> Sequence[str]:
        try:
            return self._listed(actor, registry, term.lower(), cancel)
        except CatalogMissing:
            try:
                repository = self._repository(self._registries.row(registry), term)
                next(self._tags(actor, registry, repository, cancel), None)
            except NotFound:
                return []
            return [repository.path]

    def tags(self, actor: Actor, registry: int, path: str, cancel: Cancel) -> Sequence[str]:
        """Of one repository. Raises RowUnknown, ReferenceInvalid, NotFound."""
        repository = self._repository(self._registries.row(registry), path)
        return list(islice(self._tags(actor, registry, repository, cancel), MOST_NAMES))

    def tag(self, actor: Actor, registry: int, path: str, tag: str, cancel: Cancel) -> TagFound:
        """What one tag names. Raises RowUnknown, ReferenceInvalid, NotFound."""
        row = self._registries.row(registry)
        repository = self._repository(row, path)
        _, access = self._opened(actor, Permission.REGISTRIES_VIEW, registry, repository)
        return TagFound(tag, self._door.resolve(access, repository, _name(tag), cancel))

    def remove(self, actor: Actor, registry: int, path: str, name: str, cancel: Cancel) -> None:
        """Take a tag away, or by its digest an image with all its tags.

        Raises RowUnknown, ReferenceInvalid, NotFound, Refused.
        """
        row = self._registries.row(registry)
        repository = self._repository(row, path)
        _, access = self._opened(actor, Permission.REGISTRIES_REMOVE, registry, repository)
        wanted = _name(name)
        deed = Deed("delete", "image", name, str(repository), details={"registry": row.name})
        self._trail.record(actor, deed, Result.STARTED)
        try:
            self._door.remove(access, repository, wanted, cancel)
        except LadingError:
            self._trail.record(actor, deed, Result.FAILED)
            raise
        self._trail.record(actor, deed, Result.DONE)

    def quota(self, row: RegistryRow) -> Quota | None:
        """What is left of the requests that it allows, as it said last to any of us."""
        return self._door.quota(Access(row.name, Endpoint(row.host, row.tls, ca_pem=row.ca)))

    # ── trying out

    def test(self, actor: Actor, row: RegistryRow, access: Access, cancel: Cancel) -> ConnectionReport:
        """Whether it can be worked with, step by step. Raises Cancelled, TimedOut."""
        tried: list[Step] = []
        for name, attempt in self._attempts(row, access, cancel):
            step = step_of(name, attempt)
            tried.append(step)
            if not step.ok:
                break
        report = ConnectionReport(tuple(tried))
        deed = Deed("test", "registry", str(row.id) if row.id else "", row.name, details={"url": row.url})
        self._trail.record(actor, deed, Result.DONE if report.success else Result.FAILED)
        return report

    def _attempts(self, row: RegistryRow, access: Access, cancel: Cancel) -> Iterator[tuple[str, Callable[[], str]]]:
        authority = Authority.of(api_host(row.host), plain=row.tls is Tls.HTTP)
        host, port = authority.host, authority.port

        def connect() -> str:
            self._probe.connect(host, port, cancel)
            return f"{host}:{port}"

        def knock() -> str:
            try:
                self._door.knock(access, None, cancel)
            except AccessDenied:
                return "it answers, and wants a login"
            return "it answers, to everybody"

        def login() -> str:
            self._door.knock(access, access.credential, cancel)
            return f"it takes the login of {access.credential.username}" if access.credential else "no login is needed"

        def scope() -> str:
            if row.path:
                return f"it is used for {row.path}/"
            try:
                next(self._door.repositories(access, cancel), None)
            except (NotFound, Refused, AccessDenied):
                return "it does not list its repositories: name them"
            return "its repositories can be listed"

        yield "resolve", lambda: ", ".join(self._probe.resolve(host, port)[:4])
        yield "connect", connect
        if row.tls is not Tls.HTTP:
            yield "tls", lambda: self._probe.secure(access.endpoint, host, port, cancel)
        yield "v2", knock
        yield "token", login
        yield "scope", scope

    # ── what the verbs share

    def _tags(self, actor: Actor, registry: int, repository: Repository, cancel: Cancel) -> Iterator[str]:
        _, access = self._opened(actor, Permission.REGISTRIES_VIEW, registry, repository)
        return self._door.tags(access, repository, cancel)

    def _opened(
        self, actor: Actor, permission: Permission, registry: int, repository: Repository | None = None
    ) -> tuple[RegistryRow, Access]:
        row = self._registries.row(registry)
        allowed = actor.may_somewhere(permission) if repository is None else actor.may(permission, None, repository)
        if not allowed:
            refuse(self._trail, actor, permission, Deed("browse", "registry", str(registry), row.name))
        return row, self._registries.access(row)

    def _visible(self, actor: Actor, row: RegistryRow, path: str) -> bool:
        return actor.may(Permission.REGISTRIES_VIEW, None, Repository(row.host, path))

    def _repository(self, row: RegistryRow, path: str) -> Repository:
        """In that registry; its own prefix may be written or left out, at Docker Hub `library/`."""
        check_path(path, path)
        if row.host == HUB and "/" not in path:
            path = f"library/{path}"
        prefix = f"{row.path}/" if row.path else ""
        return Repository(row.host, path if path.startswith(prefix) else prefix + path)


@dataclass(frozen=True, slots=True)
class Authority:
    """Where a registry listens."""

    host: str
    port: int

    @classmethod
    def of(cls, host: str, *, plain: bool) -> Authority:
        """From host[:port], as registries are named; IPv6 addresses stand in brackets."""
        name = host_name(host)
        port = host.removeprefix(f"[{name}]").removeprefix(name).removeprefix(":")
        return cls(name, int(port) if port else PORTS[plain])


def _name(text: str) -> str | Digest:
    if ":" in text:
        return Digest.parse(text)
    check_tag(text, text)
    return text
