"""The graph under a root: manifests, what they name, and what speaks of them; walked once and kept.

    index ──> manifest ──> config, layers
       │          ^
       └──> index…│
                  └── subject ── referrer (signature, SBOM) ──> its own config and layers

Content is named by its digest, so no honest graph has a cycle; one that does, or has no end, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lading.engine.reach import read_checked
from lading.errors import Refused, Side
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import MANIFEST_LIMIT, Index, Manifest, parse_manifest
from lading.oci.media_types import is_document
from lading.wire.message import Content

DEPTH_LIMIT = 16
MANIFEST_COUNT_LIMIT = 4096
MANIFEST_BYTES_LIMIT = 64 * 1024 * 1024
"""Manifests are kept in memory; real images stay far below all three."""

Document = Manifest | Index


class GraphRefused(Refused):
    """An image whose manifests contain themselves, or go on further than Lading follows."""

    side = Side.SOURCE
    code = "graph"

    def __init__(self, root: Digest, reason: str) -> None:
        super().__init__(root, reason)
        self.root, self.reason = root, reason

    def __str__(self) -> str:
        return f"the image {self.root} is refused: {self.reason}"


@dataclass(frozen=True, slots=True)
class Graph:
    """Some roots and all below them: `manifests` stand children first, `blobs` once each, in the order of mention."""

    roots: tuple[Descriptor, ...] = ()
    manifests: Mapping[Digest, Descriptor] = field(default_factory=dict)
    documents: Mapping[Digest, Document] = field(default_factory=dict)
    blobs: Mapping[Digest, Descriptor] = field(default_factory=dict)

    def children(self, digest: Digest) -> tuple[Descriptor, ...]:
        """What a manifest names; nothing where it was not read."""
        document = self.documents.get(digest)
        return () if document is None else document.children

    def levels(self) -> Iterator[tuple[Descriptor, ...]]:
        """The manifests in groups that may move at once: those of a group are only named by later groups."""
        heights: dict[Digest, int] = {}
        for digest in self.manifests:
            below = [heights[child.digest] for child in self.children(digest) if child.digest in heights]
            heights[digest] = max(below, default=-1) + 1
        for height in range(max(heights.values(), default=-1) + 1):
            yield tuple(self.manifests[digest] for digest in heights if heights[digest] == height)

    def below(self, root: Descriptor) -> Graph:
        """The part of it that hangs on one of its manifests, that one included."""
        return _ordered((root,), self.documents, lambda child: child.digest in self)

    def without(self, digests: Collection[Digest]) -> Graph:
        """The same, these manifests and blobs left out."""
        manifests = {digest: each for digest, each in self.manifests.items() if digest not in digests}
        blobs = {digest: each for digest, each in self.blobs.items() if digest not in digests}
        return replace(self, manifests=manifests, blobs=blobs)

    def __contains__(self, digest: Digest) -> bool:
        return digest in self.manifests or digest in self.blobs


def read_document(content: Content, descriptor: Descriptor) -> Document:
    """Read it whole and check it, whoever gave it. Raises ContentCorrupt, ManifestInvalid, SchemaOneRefused."""
    if descriptor.size > MANIFEST_LIMIT:
        raise GraphRefused(descriptor.digest, f"a manifest of {descriptor.size} bytes; {MANIFEST_LIMIT} are allowed")
    return parse_manifest(read_checked(descriptor, content.open()), descriptor.media_type)


NOTHING = Graph()


def unread(root: Descriptor) -> Graph:
    """A root that nobody had to look into."""
    return Graph((root,), {root.digest: root})


def walk(
    roots: Sequence[Descriptor],
    read: Callable[[Sequence[Descriptor]], Sequence[Document]],
    offers: Callable[[Descriptor], bool],
) -> Graph:
    """All below the roots, level by level; `read` takes a level at once. Leaves out what `offers` refuses.

    Whatever an index lists besides manifests and indexes is moved as it is, like a blob.
    Raises GraphRefused, and what `read` raises.
    """
    documents: dict[Digest, Document] = {}
    level: Mapping[Digest, Descriptor] = {root.digest: root for root in roots}
    for _ in range(DEPTH_LIMIT):
        unread = [descriptor for digest, descriptor in level.items() if digest not in documents]
        if excess := beyond_limits(documents.values(), unread):
            raise GraphRefused(roots[0].digest, f"it has {excess}")
        documents |= {d.digest: document for d, document in zip(unread, read(unread), strict=True)}
        named = [child for digest in level for child in documents[digest].children]
        children = [child for child in named if is_document(child.media_type) and offers(child)]
        if not children:
            return _ordered(roots, documents, offers)
        level = {child.digest: child for child in children}
    raise GraphRefused(roots[0].digest, f"its manifests are nested more than {DEPTH_LIMIT} deep")


def beyond_limits(held: Collection[Document], unread: Collection[Descriptor]) -> str | None:
    """What would be too much if the unread were held as well, as it is told; asked before a byte of them is read."""
    if len(held) + len(unread) > MANIFEST_COUNT_LIMIT:
        return f"more than {MANIFEST_COUNT_LIMIT} manifests"
    size = sum(len(document.raw) for document in held) + sum(descriptor.size for descriptor in unread)
    return f"more than {MANIFEST_BYTES_LIMIT} bytes of manifests" if size > MANIFEST_BYTES_LIMIT else None


def _ordered(
    roots: Sequence[Descriptor], documents: Mapping[Digest, Document], offers: Callable[[Descriptor], bool]
) -> Graph:
    """Depth first, so that children stand before their parents. Depth is limited already."""
    manifests: dict[Digest, Descriptor] = {}
    blobs: dict[Digest, Descriptor] = {}
    above: set[Digest] = set()

    def visit(descriptor: Descriptor) -> None:
        if descriptor.digest in above:
            raise GraphRefused(roots[0].digest, "a manifest in it contains itself")
        if descriptor.digest in manifests:
            return
        above.add(descriptor.digest)
        for child in filter(offers, documents[descriptor.digest].children):
            if is_document(child.media_type):
                visit(child)
            else:
                blobs.setdefault(child.digest, child)
        above.remove(descriptor.digest)
        manifests[descriptor.digest] = descriptor

    for root in roots:
        visit(root)
    return Graph(tuple(roots), manifests, documents, blobs)
