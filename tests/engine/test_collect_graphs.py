"""Garbage collection as a property: over any graph of content, and whatever others do meanwhile, what anything keeps
stays with all it needs, and everything else goes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from lading.engine import collect as collecting
from lading.engine.cancel import Cancellation
from lading.engine.collect import collect
from lading.engine.records import Image
from lading.engine.removal_order import closure, parents_first
from lading.oci import media_types
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from tests.engine.collected_world import FOREIGN, World, children_of
from tests.fakes.collectable import MemoryCollectable
from tests.fakes.records import MemoryImageNames, MemoryLeases

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
