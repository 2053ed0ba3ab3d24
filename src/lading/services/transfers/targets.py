"""Where a transfer goes: targets as people write them, opened as the destinations of one copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from lading.engine.arrival import Destination
from lading.engine.stores import Condition
from lading.errors import InputInvalid
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import DEFAULT_TAG, Reference, Repository
from lading.services.content.stores import ArchiveForm, Compression, Stores
from lading.services.places import Archive, DockerImage, Layout, Named, Place
from lading.wire.message import Cancel

if TYPE_CHECKING:  # most commands sign nothing
    from lading.services.environments.orders import SignTags


class DigestDiffers(InputInvalid):
    """A target that names another digest than what would be pushed there."""

    hint = "Leave the digest out of the target; what arrives is printed."

    def __init__(self, target: str, root: Digest) -> None:
        super().__init__(target, root)
        self.target, self.root = target, root

    def __str__(self) -> str:
        return f"{self.target} cannot be the target of {self.root}"


class TargetMissing(InputInvalid):
    """A push of something that names no registry by itself, and no target."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source
        self.hint = "Name the registry and the repository that it goes to."
        self.command = f"lading push {source} REGISTRY/NAME:TAG"

    def __str__(self) -> str:
        return f"{self.source} does not say where to push it"


class Untaggable(InputInvalid):
    """An image without a name goes somewhere that needs one."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target
        self.hint = f"Name it: {target}:NAME"

    def __str__(self) -> str:
        return f"the image has no name, and {target_text(self.target)} needs one"


def target_text(target: str) -> str:
    """A target in a sentence."""
    return target if target != "-" else "the archive"


@dataclass(frozen=True, slots=True)
class Aim:
    """A destination, and the whole name that each of its tags makes there."""

    destination: Destination
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """How archives among the targets are written, what tags must hold before they are moved, who may stop it, and what
    signs in which repositories before their tags move; `prepare` is asked of their tags before anything is sent."""

    cancel: Cancel
    condition: Condition = "any"
    form: ArchiveForm = ArchiveForm.OCI
    compression: Compression = Compression.NONE
    signing: Mapping[Repository, SignTags] = field(default_factory=dict)
    prepare: Callable[[Sequence[Reference]], None] | None = None


@contextmanager
def opened(
    stores: Stores, targets: Sequence[Place], root: Descriptor, name: str | None, shape: Shape
) -> Iterator[tuple[Aim, ...]]:
    """The targets as aims, registries first; those in one repository are one aim, so its blobs move once.

    `name` is what the source calls the image, for targets that name none. An archive gets its name when this ends
    well, and a Docker host its image. Raises DigestDiffers, ReferenceInvalid, Untaggable, StorageFailed.
    """
    with ExitStack() as stack:
        aims = [_registry_aim(stores, here, root, shape) for here in _grouped(targets)]
        for place in targets:
            match place:
                case Layout(path, own):
                    tag = own or origin_tag(name)
                    text = str(Layout(path, tag))
                    aims.append(Aim(Destination(text, stores.layout(path), (tag,), shape.condition), (text,)))
                case Archive(path):
                    if name is None:
                        raise Untaggable(str(place))
                    archive = stack.enter_context(stores.write_archive(path, shape.form, shape.compression))
                    aims.append(Aim(Destination(str(place), archive, (name,)), (str(place),)))
                case DockerImage(own, host):
                    if not own and name is None:
                        raise Untaggable(str(place))
                    tag = _docker_name(own or name or "")
                    loading = stack.enter_context(stores.docker_target(host, shape.condition, shape.cancel))
                    text = str(DockerImage(tag, host))
                    aims.append(Aim(Destination(text, loading, (tag,)), (text,)))
                case Named():
                    continue
        yield tuple(aims)


def _grouped(targets: Iterable[Place]) -> Iterable[tuple[Reference, ...]]:
    grouped: dict[Repository, list[Reference]] = {}
    for place in targets:
        if isinstance(place, Named):
            grouped.setdefault(place.reference.repository, []).append(place.reference)
    return [tuple(dict.fromkeys(references)) for references in grouped.values()]


def _registry_aim(stores: Stores, references: Sequence[Reference], root: Descriptor, shape: Shape) -> Aim:
    for reference in references:
        if reference.digest not in {None, root.digest}:
            raise DigestDiffers(str(reference), root.digest)
    repository = references[0].repository
    tags = tuple(reference.tag for reference in references if reference.tag)
    name = str(references[0]) if len(references) == 1 else str(repository)
    names = tuple(f"{repository}:{tag}" for tag in tags) or (str(repository),)
    store, sign = stores.registry(repository, shape.cancel, writes=True), shape.signing.get(repository)
    if sign is None:
        return Aim(Destination(name, store, tags, shape.condition), names)
    prepare = None if shape.prepare is None else partial(shape.prepare, references)
    return Aim(Destination(name, store, tags, shape.condition, partial(sign, references, root, store), prepare), names)


def _docker_name(text: str) -> str:
    """The whole name with a tag: a daemon loads no other."""
    reference = Named(text).reference
    return str(Reference(reference.repository, reference.tag or DEFAULT_TAG))


def origin_tag(name: str | None) -> str:
    """What an image called `name` is called in a layout that was not told a name: its tag, else `latest`."""
    if name is None:
        return DEFAULT_TAG
    tail = name.rpartition("/")[2].partition("@")[0]
    return tail.partition(":")[2] or (DEFAULT_TAG if "/" in name else tail)
