"""What is asked of configured registries beside transfers, and copies between them, over the places of each login."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from lading.engine.content import at_source
from lading.engine.records import ImageNames
from lading.engine.stores import Condition, Locations, Source, Store
from lading.engine.throttle import RateLimit
from lading.main.access_places import AccessPlaces
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import is_index
from lading.oci.platform import Platform
from lading.oci.reference import DEFAULT_TAG, Reference, Repository
from lading.services.content.stores import ArchiveForm, Compression, FullStore, OwnStore, Provenance, Readable
from lading.services.environments.orders import Access, Arrived
from lading.services.gate_parts import Parts, parts_of
from lading.services.places import DockerImage, Named
from lading.services.reading import read_manifest
from lading.services.registries.registries import Found
from lading.services.transfers.transfers import Call, Moved, Options, Transfers
from lading.services.work.copies import CopyOrder
from lading.wire.authorize import Credential
from lading.wire.hub_search import Hit
from lading.wire.message import Cancel
from lading.wire.progress import Report
from lading.wire.retry import Quota


@dataclass(frozen=True, slots=True)
class AccessDoor:
    """Fulfils services.registries.browsing.RegistryDoor."""

    places: AccessPlaces

    def knock(self, access: Access, credential: Credential | None, cancel: Cancel) -> None:
        self.places.client(access).at_once().check(access.endpoint.host, credential, cancel)

    def repositories(self, access: Access, cancel: Cancel) -> Iterator[str]:
        return self.places.client(access).repositories(access.endpoint.host, cancel)

    def search_hub(self, access: Access, term: str, cancel: Cancel) -> Sequence[Hit]:
        return self.places.client(access).search_hub(term, cancel)

    def tags(self, access: Access, repository: Repository, cancel: Cancel) -> Iterator[str]:
        return self.places.client(access).repository(repository, cancel=cancel).tags()

    def resolve(self, access: Access, repository: Repository, name: str | Digest, cancel: Cancel) -> Descriptor:
        return self.places.client(access).repository(repository, cancel=cancel).resolve(name)

    def remove(self, access: Access, repository: Repository, name: str | Digest, cancel: Cancel) -> None:
        store = self.places.client(access).repository(repository, writes=True, cancel=cancel)
        if isinstance(name, Digest):
            store.delete(name)
        else:
            store.untag(name)

    def quota(self, access: Access) -> Quota | None:
        return self.places.client(access).quota(access.endpoint.host)


@dataclass(frozen=True, slots=True)
class AccessCopier:
    """Fulfils services.work.copies.Copier: our own engine, with a login of its own for each registry."""

    places: AccessPlaces
    native: Platform
    limit: RateLimit | None
    own: Callable[[str], FullStore]
    """A repository of our own registry."""

    def own_repository(self, path: str) -> FullStore:
        return self.own(path)

    def look(self, order: CopyOrder, cancel: Cancel) -> tuple[Digest, Parts]:
        store = self._source(order, cancel)
        with at_source():
            root = store.resolve(order.source.digest or order.source.tag or DEFAULT_TAG)
            document = read_manifest(store, root) if is_index(root.media_type) else None
        return root.digest, parts_of(root, document)

    def copy(self, order: CopyOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        ways = {reference.repository: access for reference, access in ((order.source, order.access), *order.targets)}
        own = {order.source.repository: self.own(order.source.repository.path)} if order.own else {}
        stores = _Between(self.places, order.access, ways, own)
        transfers = Transfers(stores, _no_names, _Logins, self.native, self.limit)
        targets = [target for target, _ in order.targets]
        call = Call(Options(order.wanted, dry_run=order.dry_run, trust=order.trust), report, cancel)
        moved = transfers.copy(Named(str(order.source)), [Named(str(target)) for target in targets], call)
        by_name = {name: each for each in moved for name in each.names}
        return [_arrived(target, by_name[str(target)]) for target in targets]

    def _source(self, order: CopyOrder, cancel: Cancel) -> FullStore:
        if order.own:
            return self.own(order.source.repository.path)
        return self.places.client(order.access).repository(order.source.repository, cancel=cancel)


class _Logins:
    """Each access brings its login along: nobody looks for another."""

    def credential(self, repository: Repository) -> Found:  # noqa: ARG002  the same for all
        return Found(None, "")

    def next_login(self, repository: Repository) -> str | None:  # noqa: ARG002  the same for all
        return None


def _no_names() -> ImageNames:
    raise AssertionError("a copy between registries asks for no name of ours")


@dataclass(frozen=True, slots=True)
class _Between:
    """Stores that open each repository by its own access."""

    places: AccessPlaces
    source: Access
    ways: Mapping[Repository, Access]
    ours: Mapping[Repository, FullStore]

    @property
    def own(self) -> OwnStore:
        return self.places.local().own

    @property
    def locations(self) -> Locations:
        return self.places.stores(self.source).locations

    @contextmanager
    def telling(self, report: Report) -> Iterator[None]:
        with ExitStack() as stack:
            for access in self.ways.values():
                stack.enter_context(self.places.stores(access).telling(report))
            yield

    def registry(self, repository: Repository, cancel: Cancel, *, writes: bool = False) -> FullStore:
        ours = self.ours.get(repository)
        return ours or self.places.stores(self.ways[repository]).registry(repository, cancel, writes=writes)

    def quota(self, registry: str) -> Quota | None:
        access = next((each for each in self.ways.values() if each.endpoint.host == registry), self.source)
        return self.places.client(access).quota(registry)

    def layout(self, path: str) -> FullStore:
        return self.places.local().layout(path)

    def read_archive(self, path: str, cancel: Cancel) -> AbstractContextManager[Readable]:
        return self.places.local().read_archive(path, cancel)

    def docker_image(self, place: DockerImage, cancel: Cancel) -> AbstractContextManager[Readable]:
        return self.places.local().docker_image(place, cancel)

    def docker_platform(self, host: str | None, cancel: Cancel) -> Platform:
        return self.places.local().docker_platform(host, cancel)

    def docker_target(self, host: str | None, condition: Condition, cancel: Cancel) -> AbstractContextManager[Store]:
        return self.places.local().docker_target(host, condition, cancel)

    def write_archive(self, path: str, form: ArchiveForm, compression: Compression) -> AbstractContextManager[Store]:
        return self.places.local().write_archive(path, form, compression)

    def root_file_system(
        self, path: str, provenance: Provenance, cancel: Cancel
    ) -> AbstractContextManager[tuple[Source, Descriptor]]:
        return self.places.local().root_file_system(path, provenance, cancel)


def _arrived(target: Reference, moved: Moved) -> Arrived:
    root = moved.root
    return Arrived(
        target, str(root.digest), root.digest, root.size, moved.note, moved.totals, moved.error, moved.planned
    )
