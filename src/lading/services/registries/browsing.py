"""Looking into configured registries: what they hold, and taking something out; and trying one out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from lading.errors import LadingError, NotFound
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import HUB, Repository, check_path, check_tag
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.trail import admit, admit_somewhere
from lading.services.environments.connection_test import ConnectionReport, Probe
from lading.services.environments.orders import Access
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.registries.directories import Directories, ListedRegistry, SeenRepositories
from lading.services.registries.forms import RegistryForm
from lading.services.registries.records import RegistryRow
from lading.services.registries.search import MOST_NAMES, RepositoryFound, SearchedRegistry, listed, search
from lading.services.registries.test import TriedRegistry, try_registry
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from lading.wire.retry import Quota


class RegistryDoor(TriedRegistry, SearchedRegistry, Protocol):
    """What is asked of a registry that is no transfer; main fulfils it. Every method raises AccessDenied, NetworkFailed
    and their like."""

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
class TagFound:
    """A tag, and what it names."""

    name: str
    descriptor: Descriptor


@dataclass(frozen=True, slots=True)
class Catalog:
    """Repositories of a registry. `whole` False: nobody lists them for us, and these are the ones that passed through
    here before; any other is found by its whole path."""

    names: tuple[str, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying a registry out, and what it said there of how much it still allows."""

    report: ConnectionReport
    quota: Quota | None


class RegistryBrowsing:
    """For every door; each method asks for permission."""

    def __init__(
        self,
        registries: ConfiguredRegistries,
        door: RegistryDoor,
        probe: Probe,
        trail: Trail,
        *,
        directories: Directories,
        seen: SeenRepositories,
    ) -> None:
        self._registries, self._door, self._probe, self._trail = registries, door, probe, trail
        self._directories, self._seen = directories, seen

    def catalog(self, actor: Actor, registry: int, cancel: Cancel) -> Catalog:
        """Paths under the registry's own that the actor may see; where neither it nor its provider lists any for us,
        those that were seen before. Raises RowUnknown, CatalogMissing."""
        row = self._row(actor, Permission.REGISTRIES_VIEW, registry)
        names = listed(self._listed(row), self._registries.access(row), cancel)
        if names is not None:
            return Catalog(self._visible_of(actor, row, names))
        seen = self._visible_of(actor, row, self._seen.repositories(row.host))
        if not seen:
            raise CatalogMissing(row.name)
        return Catalog(seen, whole=False)

    def _listed(self, row: RegistryRow) -> ListedRegistry:
        return ListedRegistry(self._door, self._directories, self._registries.provider_login(row))

    def _visible_of(self, actor: Actor, row: RegistryRow, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(islice((name for name in names if self._visible(actor, row, name)), MOST_NAMES))

    def search(self, actor: Actor, registry: int, term: str, cancel: Cancel) -> Sequence[RepositoryFound]:
        """Of repositories that the actor may see, those whose path holds `term`; where the registry lists none, the
        one that is called so. Raises RowUnknown."""
        row = self._row(actor, Permission.REGISTRIES_VIEW, registry)
        access = self._registries.access(row)
        found = search(self._listed(row), access, term, lambda path: self._repository(row, path), cancel)
        return list(islice((each for each in found if self._visible(actor, row, each.path)), MOST_NAMES))

    def tags(self, actor: Actor, registry: int, path: str, cancel: Cancel) -> Sequence[str]:
        """Of one repository. Raises RowUnknown, ReferenceInvalid, NotFound."""
        repository, access = self._opened(actor, Permission.REGISTRIES_VIEW, registry, path)
        return list(islice(self._door.tags(access, repository, cancel), MOST_NAMES))

    def tag(self, actor: Actor, registry: int, path: str, tag: str, cancel: Cancel) -> TagFound:
        """What one tag names. Raises RowUnknown, ReferenceInvalid, NotFound."""
        repository, access = self._opened(actor, Permission.REGISTRIES_VIEW, registry, path)
        return TagFound(tag, self._door.resolve(access, repository, _name(tag), cancel))

    def remove(self, actor: Actor, registry: int, path: str, name: str, cancel: Cancel) -> None:
        """Take a tag away, or by its digest an image with all its tags.

        Raises RowUnknown, ReferenceInvalid, NotFound, Refused.
        """
        repository, access = self._opened(actor, Permission.REGISTRIES_REMOVE, registry, path)
        wanted = _name(name)
        deed = Deed("delete", "image", name, str(repository), details={"registry": access.name})
        self._trail.record(actor, deed, Result.STARTED)
        try:
            self._door.remove(access, repository, wanted, cancel)
        except LadingError:
            self._trail.record(actor, deed, Result.FAILED)
            raise
        self._trail.record(actor, deed, Result.DONE)

    def quota(self, actor: Actor, row: RegistryRow) -> Quota | None:
        """What is left of the requests that it allows, as it said last to any of us."""
        admit(self._trail, actor, Permission.REGISTRIES_VIEW, Deed("view", "registry", str(row.id), row.name))
        return self._door.quota(Access(row.name, Endpoint(row.host, row.tls, ca_pem=row.ca)))

    def test(self, actor: Actor, id: int | None, form: RegistryForm | None, cancel: Cancel) -> Tried:  # noqa: A002
        """Whether it can be worked with, step by step: a configured one by its id, or what a form holds.

        Raises RowUnknown, RegistryInvalid, ReferenceInvalid, Cancelled, TimedOut.
        """
        trial = self._registries.tried(actor, id, form)
        row, access = trial.row, Access(trial.row.name, trial.login.endpoint)
        report = try_registry(trial, ListedRegistry(self._door, self._directories, trial.login), self._probe, cancel)
        deed = Deed("test", "registry", str(row.id) if row.id else "", row.name, details={"url": row.url})
        self._trail.record(actor, deed, Result.DONE if report.success else Result.FAILED)
        return Tried(report, self._door.quota(access))

    # ── what the verbs share

    def _row(self, actor: Actor, permission: Permission, registry: int) -> RegistryRow:
        """For who may so in some repository; who may in none is not told whether there is such a registry."""
        admit_somewhere(self._trail, actor, permission, Deed("browse", "registry", str(registry), ""))
        return self._registries.row(registry)

    def _opened(self, actor: Actor, permission: Permission, registry: int, path: str) -> tuple[Repository, Access]:
        row = self._row(actor, permission, registry)
        repository = self._repository(row, path)
        admit(self._trail, actor, permission, Deed("browse", "registry", str(registry), row.name), repository)
        return repository, self._registries.access(row)

    def _visible(self, actor: Actor, row: RegistryRow, path: str) -> bool:
        """Whether it is under the path that the registry is configured for, and the actor may see it."""
        if row.host != HUB and row.path and not path.startswith(f"{row.path}/"):
            return False
        return actor.may(Permission.REGISTRIES_VIEW, None, Repository(row.host, path))

    def _repository(self, row: RegistryRow, path: str) -> Repository:
        """In that registry; its own prefix may be written or left out, at Docker Hub `library/`."""
        check_path(path, path)
        if row.host == HUB and "/" not in path:
            path = f"library/{path}"
        prefix = f"{row.path}/" if row.path else ""
        return Repository(row.host, path if path.startswith(prefix) else prefix + path)


def _name(text: str) -> str | Digest:
    if ":" in text:
        return Digest.parse(text)
    check_tag(text, text)
    return text
