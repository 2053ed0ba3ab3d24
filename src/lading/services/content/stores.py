"""What the services ask of stores: Stores, which opens every kind of place; `main` fulfils it with the backends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from lading.engine.records import Image
from lading.engine.stores import Condition, Locations, Referrers, Source, Store
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Repository
from lading.services.places import DockerImage
from lading.wire.message import Cancel, Content
from lading.wire.progress import Report
from lading.wire.retry import Quota

if TYPE_CHECKING:  # the engine's collector is loaded by whoever collects
    from lading.engine.collect import Collected


class Readable(Source, Protocol):
    """A source whose images can be found by name."""

    def resolve(self, name: str | Digest) -> Descriptor:
        """The root under this name or digest. Raises TagUnknown, ContentUnknown."""

    def tags(self, after: str = "") -> Iterator[str]:
        """The names it holds, in order."""


class FullStore(Source, Store, Referrers, Protocol):
    """A source and a target: an OCI layout, one repository of a registry."""


class OwnStore(FullStore, Protocol):
    """Our own store, whose names are whole references."""

    def present(self, digest: Digest) -> bool:
        """Whether the content is here, whole. Unlike `has` it leases nothing, so looking keeps nothing alive."""

    def untag_as(self, images: Collection[Image]) -> Collection[Image]:
        """Takes all these names together, each only while it names this root still; answers those that went."""

    def work(self) -> AbstractContextManager[FullStore]:
        """The same store for who brings images, one after the other. What has come stays until its image has its names,
        from then on for as long as it has any; what has none yet when this ends stays a day for the next try."""

    def keeping(self, roots: Iterable[Digest]) -> AbstractContextManager[None]:
        """Inside, all that these reach stays, whoever takes its names."""


class ArchiveForm(StrEnum):
    """How an archive is written."""

    DOCKER = "docker"
    OCI = "oci"


class Compression(StrEnum):
    """How an archive's file is compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What an image made of a root file system says of itself: `created` is RFC 3339 text, `message` the comment of its
    one step, `settings` what it runs, as the `config` member of an image config (image-spec, config.md)."""

    platform: Platform
    created: str
    message: str = ""
    settings: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class PackedLayer:
    """A plain layer, compressed: `diff_id` is what its own bytes hash to, `blob` what `content` is."""

    diff_id: Digest
    blob: Descriptor
    content: Content


class RegistryStores(Protocol):
    """Opens repositories of registries: all that signatures are looked for in."""

    def registry(self, repository: Repository, cancel: Cancel, *, writes: bool = False) -> FullStore:
        """One repository, with the login that serves it; `writes` asks for that right at once."""


class Stores(Protocol):
    """Opens places; what it opens lives as long as the application unless it is a context manager."""

    @property
    def own(self) -> OwnStore:
        """The content folder and the names of images."""

    def telling(self, report: Report) -> AbstractContextManager[None]:
        """While inside, a registry that asks to be left alone is told of to `report`, from any thread."""

    @property
    def locations(self) -> Locations:
        """Which repositories are known to hold what, under the logins of this call."""

    def registry(self, repository: Repository, cancel: Cancel, *, writes: bool = False) -> FullStore:
        """One repository, with the login that serves it; `writes` asks for that right at once."""

    def quota(self, registry: str) -> Quota | None:
        """What is left of the requests a registry allows, as it said last; None where it said nothing."""

    def layout(self, path: str) -> FullStore:
        """An OCI layout; made when something is put into it."""

    def read_archive(self, path: str, cancel: Cancel) -> AbstractContextManager[Readable]:
        """An archive, docker's or OCI's, in any compression; `-` is standard input."""

    def docker_image(self, place: DockerImage, cancel: Cancel) -> AbstractContextManager[Readable]:
        """An image of a Docker host, read whole. Raises Unreachable, ImageUnknown."""

    def docker_platform(self, host: str | None, cancel: Cancel) -> Platform:
        """What a Docker host runs (services.places.DockerImage.host). Raises Unreachable."""

    def docker_target(self, host: str | None, condition: Condition, cancel: Cancel) -> AbstractContextManager[Store]:
        """What is put here, a Docker host loads when this ends well, and is proven there. Raises Unreachable, TagMoved,
        TagUnproven."""

    def write_archive(self, path: str, form: ArchiveForm, compression: Compression) -> AbstractContextManager[Store]:
        """A new archive, which has its name once it is whole; `-` is standard output."""

    def root_file_system(
        self, path: str, provenance: Provenance, cancel: Cancel
    ) -> AbstractContextManager[tuple[Source, Descriptor]]:
        """A tar of a root file system as a one-layer image, which is gone when this ends; `-` is standard input."""


class Shedder(Protocol):
    """Gives up single platforms of an image of our own store."""

    def __call__(self, root: Digest, manifests: Collection[Digest], cancel: Cancel) -> Collection[Digest]:
        """Removes these, which the index `root` names, although it stays; answers those that are gone. What another
        image needs stays."""


class Collector(Protocol):
    """Removes content of our own store that no name, lease or running work reaches."""

    def __call__(self, dry_run: bool, given_up: Collection[Digest], cancel: Cancel) -> Collected:
        """`given_up` are images somebody just removed on purpose: nothing of them is kept for work that failed."""
