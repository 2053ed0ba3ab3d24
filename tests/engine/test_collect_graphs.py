"""Garbage collection as a property: over any graph of content, and whatever others do meanwhile, what anything keeps
stays with all it needs, and everything else goes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from lading.engine import collect as collecting
from lading.engine.cancel import Cancellation
from lading.engine.collect import Collected, collect
from lading.engine.records import Image
from lading.engine.removal_order import closure, parents_first
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


small = st.integers(0, 30)
layer = st.tuples(
    st.just("layer"),
    st.binary(min_size=1, max_size=8).map(lambda raw: b"layer " + raw),
    st.sampled_from([media_types.OCI_LAYER_GZIP, media_types.DOCKER_LAYER_GZIP, FOREIGN]),
    st.sampled_from(list(Algorithm)),
)
manifest = st.tuples(
    st.just("manifest"),
    st.lists(small, max_size=4),
    st.none() | small,
    st.sampled_from(list(Algorithm)),
    st.booleans(),
    st.booleans(),
)
keeping = st.tuples(st.just("keep"), st.sampled_from(["lease", "name", "repository"]), small)


def act(world: World, step: tuple[object, ...]) -> None:
    match step:
        case "layer", bytes(raw), str(media_type), Algorithm() as algorithm:
            world.add_layer(raw, media_type, algorithm)
        case "manifest", list(picked), subject, Algorithm() as algorithm, bool(docker), bool(of_indexes):
            assert subject is None or isinstance(subject, int)
            world.add_manifest(picked, subject, algorithm, docker=docker, of_indexes=of_indexes)
        case "keep", str(how), int(which):
            world.keep(how, which)
        case _:
            raise AssertionError(step)


@settings(max_examples=150)
@given(st.lists(layer | manifest, max_size=20), st.lists(keeping, max_size=4))
def test_exactly_what_nothing_keeps_goes(graph: list[tuple[object, ...]], kept: list[tuple[object, ...]]) -> None:
    world = World(MemoryCollectable())
    for step in (*graph, *kept):
        act(world, step)
    needed, before = world.needed(world.roots), dict(world.content.held)

    told = world.collect(dry_run=True)
    assert world.content.held == before
    collected = world.collect()

    assert set(world.content.held) == needed
    assert collected == told
    assert collected.removed == len(before) - len(needed)
    assert collected.size == sum(len(raw) for digest, raw in before.items() if digest not in needed)
    assert world.collect().removed == 0


@settings(max_examples=150)
@given(
    st.lists(layer | manifest, min_size=3, max_size=24),
    st.lists(keeping, max_size=3),
    st.lists(st.lists(layer | manifest | keeping, max_size=3), max_size=8),
)
def test_what_others_begin_to_keep_meanwhile_stays_whole(
    graph: list[tuple[object, ...]],
    kept: list[tuple[object, ...]],
    meanwhile: list[list[tuple[object, ...]]],
) -> None:
    """Before each batch somebody pushes, leases or names; whatever is here at that moment is whole from then on."""
    turns = iter(meanwhile)

    def others() -> None:
        for step in next(turns, []):
            act(world, step)

    world = World(MemoryCollectable(others))
    for step in (*graph, *kept):
        act(world, step)
    named_before = world.needed(world.roots)
    world.collecting = True
    with small_batches(2):
        world.collect()

    assert named_before <= set(world.content.held)
    for digest in world.roots:
        if digest in world.content.held:
            assert_whole(world, digest, set(world.content.held))


def assert_whole(world: World, root: Digest, held: set[Digest]) -> None:
    """Everything that was ever put here and that `root` needs is here."""
    known = {node.digest for node in world.nodes} | {Digest.of(b"{}")}
    missing = closure([root], children_of(world.content)) & known - held
    assert not missing, f"{root} lost {missing}"


class small_batches:  # noqa: N801  reads as what it does
    """Others get many turns."""

    def __init__(self, size: int) -> None:
        self._size, self._before = size, collecting.BATCH

    def __enter__(self) -> None:
        collecting.BATCH = self._size

    def __exit__(self, *_: object) -> None:
        collecting.BATCH = self._before


def test_a_manifest_leased_in_the_last_moment_keeps_its_children() -> None:
    """A client that was told of a manifest needs its layers, which it did not ask for by name."""
    world = World(MemoryCollectable(lambda: world.leases.hold([root])))
    layers = [f"layer {number}".encode() for number in range(100)]
    for raw in layers:
        world.add_layer(raw, media_types.OCI_LAYER_GZIP, Algorithm.SHA256)
    world.add_manifest(range(100), None, Algorithm.SHA256, docker=False, of_indexes=False)
    root = world.nodes[-1].digest
    world.collect()

    assert len(world.content.held) == 102


def test_a_bomb_of_indexes_is_read_once_each() -> None:
    """Sixty-four levels, each naming the one below twice: 2^64 paths."""
    world = World(MemoryCollectable())
    world.add_manifest([], None, Algorithm.SHA256, docker=False, of_indexes=False)
    for level in range(64):
        world.add_manifest([level, level], None, Algorithm.SHA256, docker=False, of_indexes=True)
    world.names.point(["localhost/bomb:1"], world.nodes[-1], "any")
    assert world.collect().removed == 0
    assert max(world.content.reads.values()) == 1

    world.names.forget("localhost/bomb:1")
    assert world.collect().removed == 66
    assert world.content.held == {}


def test_a_chain_deeper_than_any_recursion_is_ordered() -> None:
    chain = [Digest.of(str(number).encode()) for number in range(5000)]
    children = {parent: [child] for parent, child in pairwise(chain)}

    assert parents_first(reversed(chain), children) == chain


def test_one_signature_of_two_images_goes_with_the_last() -> None:
    """The same bytes refer to one subject; two repositories may hold them."""
    world = World(MemoryCollectable())
    world.add_layer(b"layer", media_types.OCI_LAYER_GZIP, Algorithm.SHA256)
    world.add_manifest([0], None, Algorithm.SHA256, docker=False, of_indexes=False)
    world.add_manifest([], 1, Algorithm.SHA256, docker=False, of_indexes=False)
    image, signature = world.nodes[1].digest, world.nodes[2].digest
    world.repositories.held = {image}
    world.collect()
    assert signature in world.content.held

    world.repositories.held = {signature}
    world.collect()
    assert signature in world.content.held
    assert image not in world.content.held


class CountingNames(MemoryImageNames):
    """Counts how often all of them are read."""

    def __init__(self) -> None:
        super().__init__()
        self.readings = 0

    def all(self) -> Iterable[Image]:
        self.readings += 1
        return super().all()


def test_all_images_are_read_once_however_much_there_is_to_collect() -> None:
    content, names = MemoryCollectable(), CountingNames()
    for number in range(10 * collecting.BATCH):
        content.put(str(number).encode())
    kept = content.put(b"kept")
    names.point(["r.example/a:1"], Descriptor(media_types.OCI_LAYER, kept, 4), "any")

    found = collect(content, names, MemoryLeases(), (), left_before=0, dry_run=False, cancel=Cancellation())

    assert (found.removed, set(content.held), names.readings) == (10 * collecting.BATCH, {kept}, 1)
