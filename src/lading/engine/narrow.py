"""Views of a source: the same content with an index rewritten, or with part of a graph left out on purpose.

`copy` knows no platforms: whoever chooses some hands it one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from lading.engine.content import SourceContent
from lading.engine.graph import read_document
from lading.engine.stores import Mounter, Source
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index
from lading.oci.reference import Repository
from lading.wire.message import BytesContent, Reader


@runtime_checkable
class View(Protocol):
    """A source that shows another one in part or changed."""

    @property
    def base(self) -> Source:
        """The source behind it."""

    def offers(self, descriptor: Descriptor) -> bool:
        """Whether this child is part of what is shown; a copy leaves out the others and what only they lead to."""


@dataclass(frozen=True, slots=True)
class InHand:
    """A source of which some manifests are in hand: rewritten ones, and such as need no second request."""

    base: Source
    held: Mapping[Digest, bytes] = field(hash=False)

    @property
    def name(self) -> str:
        """What people read in messages."""
        return self.base.name

    @property
    def verified(self) -> bool:
        """As the source behind it; what is in hand is right."""
        return self.base.verified

    def offers(self, descriptor: Descriptor) -> bool:
        """All that the source behind it shows."""
        return offer_of(self.base)(descriptor)

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """Raises ContentUnknown."""
        held = self.held.get(descriptor.digest)
        if held is None:
            return self.base.open(descriptor, offset, length)
        return BytesContent(held).open(offset, length)


@dataclass(frozen=True, slots=True)
class Partial:
    """A source of which some children stay behind although their parent names them, byte for byte.

    That is a pull: the index of nine platforms is kept as it is, and one of them is fetched.
    """

    base: Source
    absent: frozenset[Digest]

    @property
    def name(self) -> str:
        """What people read in messages."""
        return self.base.name

    @property
    def verified(self) -> bool:
        """As the source behind it."""
        return self.base.verified

    def offers(self, descriptor: Descriptor) -> bool:
        """Whether it does not stay behind."""
        return descriptor.digest not in self.absent and offer_of(self.base)(descriptor)

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        """Raises ContentUnknown."""
        return self.base.open(descriptor, offset, length)


def narrow(source: Source, root: Descriptor, wanted: Callable[[Descriptor], bool]) -> tuple[Source, Descriptor]:
    """The source with its index rewritten to the children `wanted` (and their attestations).

    Unchanged, bytes and all, when none is dropped or the root is no index. Raises ContentUnknown, ManifestInvalid.
    """
    manifest = read_document(SourceContent(source, root), root)
    if not isinstance(manifest, Index):
        return source, root
    narrowed = manifest.narrowed(wanted)
    if narrowed is manifest:
        return source, root
    descriptor = narrowed.descriptor(root.digest.algorithm)
    return InHand(source, {descriptor.digest: narrowed.raw}), descriptor


def without(source: Source, absent: Collection[Descriptor]) -> Source:
    """The source, byte for byte, where these children are named and stay behind."""
    return Partial(source, frozenset(child.digest for child in absent)) if absent else source


def offer_of(source: Source) -> Callable[[Descriptor], bool]:
    """Whether a copy from here takes a child along."""
    return source.offers if isinstance(source, View) else _everything


def _everything(_descriptor: Descriptor) -> bool:
    return True


def repository_of(source: Source) -> Repository | None:
    """The repository that this content lies in, where it lies in one: a blob can be mounted from there."""
    while isinstance(source, View):
        source = source.base
    return source.repository if isinstance(source, Mounter) else None
