"""Every kind of place in memory: what the services open instead of registries, layouts and archives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from lading.engine.cancel import Cancellation
from lading.engine.collect import Collected
from lading.engine.records import Image
from lading.engine.stores import Condition, Locations, Source, Store, TagMoved, permits
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Repository
from lading.services.content.stores import ArchiveForm, Compression, Provenance, Readable
from lading.services.lookup import ImageUnknown
from lading.services.places import DockerImage
from lading.wire.message import Cancel
from lading.wire.progress import Report
from lading.wire.retry import Quota
from tests.fakes.images import AMD64, put_image
from tests.fakes.memory import MemoryLocations, MemoryRegistry, MemoryRepository, MemoryStore

NEVER = Cancellation()


class MemoryOwn(MemoryStore):
    """Our own store: verified, verifying, sparse indexes allowed, whole references as names."""

    def __init__(self) -> None:
        super().__init__("the local store", verified=True, verifies=True, complete=False)
        self.kept: list[Digest] = []
        """The roots of what somebody has read, or reads."""

    def present(self, digest: Digest) -> bool:
        return digest in self.blobs

    def untag_as(self, images: Collection[Image]) -> Collection[Image]:
        with self.lock:
            held = {(name, root.digest) for name, root in self.names.items()}
            gone = [each for each in images if (each.reference, each.root.digest) in held]
            for each in gone:
                del self.names[each.reference]
            return gone

    @contextmanager
    def work(self) -> Iterator[MemoryOwn]:
        """Nothing is collected here."""
        yield self

    @contextmanager
    def keeping(self, roots: Iterable[Digest]) -> Iterator[None]:
        """As above."""
        self.kept += roots
        yield


class OwnNames:
    """ImageNames over the names of a MemoryOwn; all were set at the same moment."""

    def __init__(self, store: MemoryOwn, moved: float = 1_800_000_000.0) -> None:
        self._store, self._moved = store, moved

    def find(self, reference: str) -> Image | None:
        root = self._store.names.get(reference)
        return Image(reference, root, self._moved) if root else None

    def point(self, references: Collection[str], root: Descriptor, condition: Condition) -> None:
        for reference in references:
            holds = self._store.names.get(reference)
            if not permits(condition, holds.digest if holds else None, root.digest):
                raise TagMoved(reference, self._store.name, holds.digest if holds else None)
        self._store.names.update(dict.fromkeys(references, root))

    def forget(self, reference: str) -> bool:
        return self._store.names.pop(reference, None) is not None

    def forget_as(self, images: Collection[Image]) -> Collection[Image]:
        return self._store.untag_as(images)

    def all(self) -> Iterable[Image]:
        return [Image(reference, root, self._moved) for reference, root in sorted(self._store.names.items())]

    def among(self, digests: Collection[Digest]) -> Collection[Digest]:
        return {root.digest for root in self._store.names.values()}.intersection(digests)


class MemoryPlaces:
    """Fulfils services.content.stores.Stores and services.content.stores.Collector."""

    def __init__(self) -> None:
        self.own = MemoryOwn()
        self.names = OwnNames(self.own)
        self.registries: dict[str, MemoryRegistry] = {}
        self.layouts: dict[str, MemoryStore] = {}
        self.archives: dict[str, MemoryStore] = {}
        self.docker: dict[str, MemoryStore] = {}
        self.docker_platforms: dict[str | None, Platform] = {None: AMD64}
        self.written: list[tuple[str, ArchiveForm, Compression]] = []
        self.given_up: list[Collection[Digest]] = []
        self.known = MemoryLocations()
        self.quotas: dict[str, Quota] = {}

    @property
    def locations(self) -> Locations:
        return self.known

    def image_names(self) -> OwnNames:
        return self.names

    def registry(self, repository: Repository, cancel: Cancel = NEVER, *, writes: bool = False) -> MemoryRepository:
        host = self.registries.setdefault(repository.registry, MemoryRegistry(repository.registry))
        return host.repository(repository.path)

    def quota(self, registry: str) -> Quota | None:
        return self.quotas.get(registry)

    def layout(self, path: str) -> MemoryStore:
        return self.layouts.setdefault(path, MemoryStore(f"oci:{path}", verifies=True, complete=False))

    @contextmanager
    def telling(self, _report: Report) -> Iterator[None]:
        yield

    @contextmanager
    def read_archive(self, path: str, _cancel: Cancel) -> Iterator[Readable]:
        yield self.archives[path]

    @contextmanager
    def docker_image(self, place: DockerImage, _cancel: Cancel) -> Iterator[Readable]:
        if place.name not in self.docker:
            raise ImageUnknown(place.name, [place.where])
        yield self.docker[place.name]

    def docker_platform(self, host: str | None, cancel: Cancel) -> Platform:
        return self.docker_platforms[host]

    @contextmanager
    def docker_target(self, host: str | None, condition: Condition, cancel: Cancel) -> Iterator[Store]:
        loading = MemoryStore(f"docker:{host}", verifies=True, complete=False)
        yield loading
        self.docker.update(dict.fromkeys(loading.names, loading))

    @contextmanager
    def write_archive(self, path: str, form: ArchiveForm, compression: Compression) -> Iterator[Store]:
        archive = MemoryStore(f"archive:{path}", verifies=True, complete=False)
        yield archive
        self.written.append((path, form, compression))
        self.archives[path] = archive

    @contextmanager
    def root_file_system(
        self, path: str, provenance: Provenance, _cancel: Cancel
    ) -> Iterator[tuple[Source, Descriptor]]:
        source = MemoryStore(path, verified=True)
        yield source, put_image(source, [b"root of " + path.encode()], platform=provenance.platform)

    def collect(self, dry_run: bool, given_up: Collection[Digest], cancel: Cancel) -> Collected:
        self.given_up.append(given_up)
        return Collected(0 if dry_run else 3, 300)
