"""One verb: what moves, in which order, and how often it is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.engine.arrival import Destination, DestinationTwice
from lading.engine.stores import TagMoved, TagUnproven
from lading.errors import Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG
from lading.wire.ledger import Totals
from lading.wire.progress import State
from tests.fakes.images import AMD64, ARM64, attestation_of, layers_of, put_image, put_index
from tests.fakes.memory import Cut, MemoryLocations, MemoryRegistry, MemoryStore, RangedMemoryStore
from tests.fakes.work import Events, run_copy

FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def test_everything_arrives_and_the_tag_is_told_last() -> None:
    source, target, events = MemoryStore("there"), MemoryStore("here"), Events()
    root = put_image(source)

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))], events=events)

    assert target.blobs == source.blobs
    assert arrival.error is None
    assert dict(arrival.tags) == {"v1": None}
    assert target.names["v1"].digest == root.digest
    assert events.tagged == [("here", "v1")]
    assert events[-1].__class__.__name__ == "Tagged"


def test_a_cold_push_asks_once_for_the_tag_and_once_for_each_piece() -> None:
    source, target = MemoryStore(), MemoryRegistry().repository("app")
    root = put_image(source, layers_of(5))

    run_copy(source, root, [Destination("here", target, ("v1",))])

    kinds = [asked.split()[0] for asked in target.asked]
    assert kinds[0] == "resolve"
    assert kinds[-1] == "tag"
    assert kinds.count("push") == 6
    assert len(kinds) == 8


def test_a_right_tag_in_a_registry_needs_one_request_and_nothing_more() -> None:
    source, registry, events = MemoryStore(), MemoryRegistry(), Events()
    target = registry.repository("team/app")
    root = put_image(source)
    destination = Destination("app", target, ("v1",))
    run_copy(source, root, [destination])
    target.asked.clear()

    (arrival,) = run_copy(source, root, [destination], events=events)

    assert target.asked == ["resolve v1"]
    assert events.tagged == [("app", "v1")]
    assert arrival.totals.left == 0
    assert arrival.totals.sent == 0
    assert set(events.ended("app").values()) == {State.EXISTS}


def test_a_right_tag_between_registries_reads_nothing_of_the_image() -> None:
    origin, registry = MemoryRegistry("origin.test").repository("app"), MemoryRegistry()
    root = put_image(origin)
    run_copy(origin, root, [Destination("app", registry.repository("app"), ("v1",))])
    origin.opened.clear()

    (arrival,) = run_copy(origin, root, [Destination("app", registry.repository("app"), ("v1",))])

    assert origin.opened == []
    assert arrival.error is None


def test_a_right_name_in_a_local_store_still_has_its_pieces_looked_at() -> None:
    source, target = MemoryStore(), MemoryStore(verified=True, complete=False)
    image = put_image(source)
    root = put_index(source, [image])
    target.blobs[root.digest], target.held[root.digest] = source.blobs[root.digest], root
    target.names["app"] = root

    (arrival,) = run_copy(source, root, [Destination("here", target, ("app",))])

    assert arrival.error is None
    assert target.blobs == source.blobs


def test_many_tags_move_blobs_once_and_ask_for_the_first_only() -> None:
    source, target, events = MemoryStore(), MemoryStore(), Events()
    root = put_image(source, layers_of(5))
    tags = tuple(f"v{number}" for number in range(10))

    (arrival,) = run_copy(source, root, [Destination("here", target, tags)], events=events)

    assert [asked for asked in target.asked if asked.startswith("resolve")] == ["resolve v0"]
    assert len(target.pushed) == 7
    assert [tag for _, tag in events.tagged] == list(tags)
    assert set(arrival.tags.values()) == {None}


def test_further_tags_of_an_image_known_to_be_there_cost_one_question_and_the_tags() -> None:
    source, locations = MemoryStore(), MemoryLocations()
    target = MemoryRegistry().repository("app")
    root = put_image(source, layers_of(5))
    run_copy(source, root, [Destination("app", target, ("v1",))], locations=locations)
    target.asked.clear()
    target.mounts.clear()

    run_copy(source, root, [Destination("app", target, ("v2", "v3", "v4"))], locations=locations)

    assert target.asked == ["resolve v2", f"has {root.digest}", f"tag {root.digest} v2 v3 v4"]
    assert target.mounts == []


def test_what_is_known_nowhere_is_asked_of_the_target_alone() -> None:
    source, target = MemoryStore(), MemoryRegistry().repository("app")
    root = put_image(source, layers_of(3))

    run_copy(source, root, [Destination("app", target, ("v1",))])

    assert [origins for _, origins in target.mounts] == [()] * 4
    assert target.expected == [frozenset()]


def test_what_was_seen_at_the_target_is_asked_for_there_and_nowhere_else() -> None:
    source, registry, locations = MemoryStore(), MemoryRegistry(), MemoryLocations()
    target = registry.repository("app")
    root, changed = put_image(source, [b"one", b"two"]), put_image(source, [b"one", b"three"])
    run_copy(source, root, [Destination("other", registry.repository("other"), ("v1",))], locations=locations)
    run_copy(source, root, [Destination("app", target, ("v1",))], locations=locations)
    target.mounts.clear()

    run_copy(source, changed, [Destination("app", target, ("v1",))], locations=locations)

    asked = dict(target.mounts)
    assert asked[Digest.of(b"one")] == (target.repository,)
    assert asked[Digest.of(b"three")] == ()


def test_a_second_repository_mounts_everything_from_the_first() -> None:
    source, registry, locations, events = MemoryStore(), MemoryRegistry(), MemoryLocations(), Events()
    first, second = registry.repository("one"), registry.repository("two")
    root = put_image(source, layers_of(5))
    run_copy(source, root, [Destination("one", first, ("v1",))], locations=locations)

    (arrival,) = run_copy(source, root, [Destination("two", second, ("v1",))], locations=locations, events=events)

    assert second.expected == [frozenset({first.repository})]
    assert arrival.totals.sent == root.size
    assert arrival.totals.mounted == sum(len(blob) for blob in source.blobs.values()) - root.size
    assert second.bytes_in == 0


def test_a_refused_mount_is_sent() -> None:
    source, registry, locations = MemoryStore(), MemoryRegistry(), MemoryLocations()
    first, second = registry.repository("one"), registry.repository("two")
    second.unreadable.add(first.repository)
    root = put_image(source)
    run_copy(source, root, [Destination("one", first, ("v1",))], locations=locations)

    (arrival,) = run_copy(source, root, [Destination("two", second, ("v1",))], locations=locations)

    assert arrival.error is None
    assert second.blobs == source.blobs


def test_a_copy_inside_one_registry_mounts_from_the_source() -> None:
    registry = MemoryRegistry()
    source, target = registry.repository("one"), registry.repository("two")
    root = put_image(source)

    run_copy(source, root, [Destination("two", target, ("v1",))])

    assert target.expected[0] == frozenset({source.repository})  # said before anything is asked: one token is enough
    assert set(target.expected) == {frozenset({source.repository})}
    assert {digest for digest, _, _ in source.opened} == {root.digest}


def test_what_was_read_from_a_registry_is_known_to_be_there() -> None:
    source, locations = MemoryRegistry("origin.test").repository("app"), MemoryLocations()
    target = MemoryRegistry().repository("app")
    root = put_image(source, [b"only"])

    run_copy(source, root, [Destination("app", target, ("v1",))], locations=locations)

    layer = Digest.of(b"only")
    assert set(locations.known[layer]) == {source.repository, target.repository}


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_content_keeps_its_algorithm(algorithm: Algorithm) -> None:
    source, target = MemoryStore(), MemoryStore(verifies=True)
    root = put_image(source, algorithm=algorithm)

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))])

    assert arrival.error is None
    assert {digest.algorithm for digest in target.blobs} == {algorithm}


def test_shared_layers_of_an_index_move_once_and_children_before_it() -> None:
    source, target = MemoryStore(), MemoryStore()
    images = [
        put_image(source, [b"shared", platform.architecture.encode()], platform=platform) for platform in (AMD64, ARM64)
    ]
    root = put_index(source, [*images, attestation_of(source, images[0])])

    run_copy(source, root, [Destination("here", target, ("v1",))])

    assert target.pushed.count(Digest.of(b"shared")) == 1
    order = {digest: number for number, digest in enumerate(target.pushed)}
    assert order[root.digest] == max(order.values())
    assert target.blobs == source.blobs


def test_an_index_in_an_index_arrives_from_the_leaves_up() -> None:
    source, target = MemoryStore(), MemoryStore()
    inner = put_index(source, [put_image(source)])
    root = put_index(source, [inner, put_image(source, [b"other"])])

    run_copy(source, root, [Destination("here", target, ("v1",))])

    assert target.pushed.index(inner.digest) < target.pushed.index(root.digest)
    assert target.blobs == source.blobs


def test_without_tags_the_root_is_held_by_its_digest_and_nothing_is_tagged() -> None:
    source, target, events = MemoryStore(), MemoryStore(), Events()
    root = put_image(source)

    (arrival,) = run_copy(source, root, [Destination("here", target)], events=events)

    assert arrival.error is None
    assert root.digest in target.blobs
    assert target.names == {}
    assert events.tagged == []


def test_several_targets_are_served_from_one_read() -> None:
    source = MemoryStore("there")
    root = put_image(source, layers_of(4, 400))
    targets = [MemoryStore(f"target {number}") for number in range(3)]
    layer = next(digest for digest, blob in source.blobs.items() if len(blob) == 402)
    targets[1].writing[layer].append(Cut(100))

    arrivals = run_copy(source, root, [Destination(target.name, target, ("v1",)) for target in targets])

    assert [arrival.error for arrival in arrivals] == [None, None, None]
    assert all(target.blobs == source.blobs for target in targets)
    assert {digest: source.opens(digest) for digest in source.blobs} == {
        digest: 2 if digest == layer else 1 for digest in source.blobs
    }
    assert source.all_closed


def test_each_target_has_its_own_arrival() -> None:
    source, events = MemoryStore("there"), Events()
    root = put_image(source, layers_of(4, 100))
    half, taken, empty = MemoryStore("half"), MemoryStore("taken"), MemoryStore("empty")
    for digest in list(source.blobs)[:2]:
        half.blobs[digest] = source.blobs[digest]
    other = put_image(taken, [b"something else"], tag="v1")

    arrivals = run_copy(
        source,
        root,
        [
            Destination("half", half, ("v1",)),
            Destination("taken", taken, ("v1",), "absent"),
            Destination("empty", empty, ("v1",)),
        ],
        events=events,
    )

    errors = {arrival.name: arrival.error for arrival in arrivals}
    assert errors["half"] is None
    assert errors["empty"] is None
    assert isinstance(errors["taken"], TagMoved)
    assert taken.bytes_in == 0
    assert taken.names["v1"].digest == other.digest
    assert arrivals[0].totals.exists == sum(len(source.blobs[digest]) for digest in list(source.blobs)[:2])
    assert sorted(events.tagged) == [("empty", "v1"), ("half", "v1")]


def test_a_tag_that_holds_the_image_already_passes_every_condition() -> None:
    source, target = MemoryStore(), MemoryRegistry().repository("app")
    root = put_image(source)
    run_copy(source, root, [Destination("app", target, ("v1",))])

    for condition in ("absent", Digest.of(b"another")):
        (arrival,) = run_copy(source, root, [Destination("app", target, ("v1",), condition)])
        assert arrival.error is None


def test_a_digest_condition_lets_exactly_that_image_be_replaced() -> None:
    source, target = MemoryStore(), MemoryStore()
    old, new = put_image(source, [b"old"]), put_image(source, [b"new"])
    run_copy(source, old, [Destination("here", target, ("v1",))])

    (refused,) = run_copy(source, new, [Destination("here", target, ("v1",), Digest.of(b"another"))])
    (moved,) = run_copy(source, new, [Destination("here", target, ("v1",), old.digest)])

    assert isinstance(refused.error, TagMoved)
    assert moved.error is None
    assert target.names["v1"].digest == new.digest


def test_one_condition_that_fails_keeps_every_tag_of_the_destination() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source)
    put_image(target, [b"else"], tag="v1")

    (arrival,) = run_copy(source, root, [Destination("here", target, ("new", "v1"), "absent")])

    assert isinstance(arrival.tags["v1"], TagMoved)
    assert arrival.tags["new"] is arrival.error
    assert set(target.names) == {"v1"}
    assert target.bytes_in == 0


def test_each_tag_has_its_own_result() -> None:
    source, target, events = MemoryStore(), MemoryStore(), Events()
    root = put_image(source)
    target.refusing["locked"] = Refused()
    target.unproven.add("lost")

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1", "locked", "lost"))], events=events)

    assert arrival.tags["v1"] is None
    assert isinstance(arrival.tags["locked"], Refused)
    assert isinstance(arrival.tags["lost"], TagUnproven)
    assert arrival.error is arrival.tags["locked"]
    assert events.tagged == [("here", "v1")]


def test_a_tag_that_is_not_read_back_is_no_success() -> None:
    source, target, events = MemoryStore(), MemoryStore(), Events()
    root = put_image(source)
    target.unproven.add("v1")

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))], events=events)

    assert isinstance(arrival.error, TagUnproven)
    assert events.tagged == []
    assert events.ended("here")[str(root.digest)] is State.FAILED


def test_a_ranged_target_is_told_of_spare_lanes_only_when_few_pieces_are_left() -> None:
    source, target = MemoryStore(), RangedMemoryStore(verifies=True)
    root = put_image(source, layers_of(5))

    run_copy(source, root, [Destination("here", target, ("v1",))], lanes=1)

    told = [spare for digest, spare in target.spares if digest != root.digest]
    assert told == [False] * 6
    assert target.blobs == source.blobs


def test_a_single_piece_may_use_the_idle_lanes() -> None:
    source, target = MemoryStore(), RangedMemoryStore(verifies=True)
    config_only = put_image(source, [])

    run_copy(source, config_only, [Destination("here", target, ("v1",))], lanes=3)

    assert [spare for _, spare in target.spares] == [True]
    assert target.blobs == source.blobs


def test_a_layer_kept_off_registries_is_left_where_its_urls_say_unless_it_is_held() -> None:
    source, target, events = MemoryStore(), MemoryStore(), Events()
    root = _image_with_foreign_layer(source)

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))], events=events)

    assert arrival.error is None
    assert events.notes == ["1 layers stay where their licence keeps them"]

    held, full = MemoryStore(), MemoryStore()
    root = _image_with_foreign_layer(held)
    held.put(b"windows", FOREIGN_LAYER)
    run_copy(held, root, [Destination("here", full, ("v1",))])
    assert Digest.of(b"windows") in full.blobs


def _image_with_foreign_layer(store: MemoryStore) -> Descriptor:
    config = store.put(b"{}", OCI_CONFIG)
    foreign = Descriptor(FOREIGN_LAYER, Digest.of(b"windows"), 7, urls=("https://layers.test/windows",))
    manifest = Manifest.build(config, [foreign])
    descriptor = manifest.descriptor()
    store.blobs[descriptor.digest], store.held[descriptor.digest] = manifest.raw, descriptor
    return descriptor


def test_two_targets_of_one_name_are_refused() -> None:
    source = MemoryStore()
    root = put_image(source)

    with pytest.raises(DestinationTwice):
        run_copy(source, root, [Destination("x", MemoryStore()), Destination("x", MemoryStore())])


def test_an_empty_image_has_totals_of_its_pieces() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source, [b"", b"four"])

    (arrival,) = run_copy(source, replace(root, platform=None), [Destination("here", target, ("v1",))])

    size = sum(len(blob) for blob in source.blobs.values())
    assert arrival.totals == Totals(size, size, 0, 0, 0, 0)
