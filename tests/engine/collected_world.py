"""A world of content to collect: what keeps it, and what others do to it meanwhile."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from lading.engine.cancel import Cancellation
from lading.engine.collect import Collected, collect
from lading.engine.removal_order import closure
from lading.oci import media_types
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.manifest import Index, Manifest, parse_manifest
from tests.fakes.collectable import MemoryCollectable
from tests.fakes.records import MemoryImageNames, MemoryLeases

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


@dataclass
class Repositories:
    """A Keeper that holds manifests, with the children that their bytes name."""

    content: MemoryCollectable
    held: set[Digest] = field(default_factory=set)

    def reached(self) -> Iterable[Digest]:
        return set(self.held)

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        needed = closure(self.held, children_of(self.content))
        return [digest for digest in digests if digest not in needed]


@dataclass
class World:
    """Content, what keeps it, and the graph as a list that grows: children are always older than their parents."""

    content: MemoryCollectable
    names: MemoryImageNames = field(default_factory=MemoryImageNames)
    leases: MemoryLeases = field(default_factory=MemoryLeases)
    nodes: list[Descriptor] = field(default_factory=list)
    collecting: bool = False
    """While a collection runs, whoever pushes leases what they push and what they find here already."""

    def __post_init__(self) -> None:
        self.repositories = Repositories(self.content)

    def descriptor(self, raw: bytes, media_type: str, algorithm: Algorithm = Algorithm.SHA256) -> Descriptor:
        return Descriptor(media_type, Digest.of(raw, algorithm), len(raw))

    def add_layer(self, raw: bytes, media_type: str, algorithm: Algorithm) -> None:
        descriptor = self.descriptor(raw, media_type, algorithm)
        self.content.put(raw, descriptor.digest)
        self.pushed(descriptor)

    def pushed(self, descriptor: Descriptor) -> None:
        self.nodes.append(descriptor)
        if self.collecting:
            self.leases.hold([descriptor.digest])

    def add_manifest(
        self, picked: Iterable[int], subject: int | None, algorithm: Algorithm, *, docker: bool, of_indexes: bool
    ) -> None:
        """An index where manifests are picked, else an image; its subject is another manifest (image-spec, subject)."""
        here = [node for node in self.nodes if node.digest in self.content.held]
        chosen = [here[each % len(here)] for each in picked] if here else []
        manifests = [each for each in chosen if media_types.is_document(each.media_type)]
        documents = [each for each in self.nodes if media_types.is_document(each.media_type)]
        named = documents[subject % len(documents)] if subject is not None and documents else None
        built: Manifest | Index
        if of_indexes and manifests:
            built = Index.build(manifests, subject=named)
        else:
            config = self.descriptor(b"{}", media_types.OCI_CONFIG)
            self.content.put(b"{}")
            built = Manifest.build(config, [each for each in chosen if each not in manifests], subject=named)
        if docker:
            built = as_docker(built)
        if self.collecting:
            self.leases.hold([child.digest for child in built.children])
        descriptor = built.descriptor(algorithm)
        self.content.put_manifest(built, descriptor.digest)
        self.pushed(descriptor)

    def keep(self, how: str, which: int) -> None:
        """By a name, a lease or a repository; what is gone cannot be kept any more."""
        here = [node for node in self.nodes if node.digest in self.content.held]
        if not here:
            return
        node = here[which % len(here)]
        match how:
            case "lease":
                self.leases.hold([node.digest])
            case "name":
                self.names.point([f"localhost/{len(self.nodes)}-{which}:1"], node, "any")
            case _:
                self.repositories.held.add(node.digest)

    @property
    def roots(self) -> set[Digest]:
        named = {image.root.digest for image in self.names.all()}
        return named | set(self.leases.held()) | self.repositories.held

    def needed(self, roots: Iterable[Digest], *, referrers: bool = True) -> set[Digest]:
        """The model: a fixed point over the bytes, without any of the code that is tested."""
        reached = {digest for digest in roots if digest in self.content.held}
        while True:
            more = {child for digest in reached for child in children_of(self.content).get(digest, ())}
            if referrers:
                more |= {each for digest in reached for each in self.content.referrers(digest)}
            more = {digest for digest in more if digest in self.content.held} - reached
            if not more:
                return reached
            reached |= more

    def collect(self, *, dry_run: bool = False) -> Collected:
        return collect(
            self.content,
            self.names,
            self.leases,
            [self.repositories],
            left_before=0,
            dry_run=dry_run,
            cancel=Cancellation(),
        )


def children_of(content: MemoryCollectable) -> dict[Digest, list[Digest]]:
    found = {}
    for digest, raw in content.held.items():
        if raw.startswith(b'{"'):
            found[digest] = [child.digest for child in parse_manifest(raw).children]
    return found


def as_docker(built: Manifest | Index) -> Manifest | Index:
    """The same content in Docker's words."""
    document = json.loads(built.raw)
    document["mediaType"] = media_types.DOCKER_INDEX if isinstance(built, Index) else media_types.DOCKER_MANIFEST
    return parse_manifest(json.dumps(document).encode())
