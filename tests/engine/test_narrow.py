"""Views of a source: an index rewritten, and a graph of which part stays behind."""

from __future__ import annotations

from lading.engine.arrival import Destination
from lading.engine.narrow import narrow, repository_of, without
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from tests.fakes.images import AMD64, ARM64, S390X, attestation_of, put_image, put_index
from tests.fakes.memory import MemoryRegistry, MemoryStore
from tests.fakes.work import run_copy


def image_of_three(source: MemoryStore) -> tuple[Descriptor, list[Descriptor], list[Descriptor]]:
    children = [
        put_image(source, [platform.architecture.encode()], platform=platform) for platform in (AMD64, ARM64, S390X)
    ]
    beside = [attestation_of(source, child) for child in children]
    return put_index(source, [*children, *beside]), children, beside


def test_an_index_is_rewritten_to_the_wanted_children_and_their_attestations() -> None:
    source, target = MemoryStore(), MemoryStore()
    root, children, beside = image_of_three(source)

    narrowed, new_root = narrow(source, root, lambda child: child.digest in {children[0].digest, children[2].digest})
    (arrival,) = run_copy(narrowed, new_root, [Destination("here", target, ("v1",))])

    assert arrival.error is None
    assert new_root.digest != root.digest
    held = set(target.blobs)
    assert {children[0].digest, children[2].digest, beside[0].digest, beside[2].digest} <= held
    assert not held & {children[1].digest, beside[1].digest, root.digest}


def test_nothing_dropped_is_the_same_source_and_the_same_bytes() -> None:
    source = MemoryStore()
    root, _, _ = image_of_three(source)

    assert narrow(source, root, lambda _child: True) == (source, root)


def test_a_single_image_has_nothing_to_narrow() -> None:
    source = MemoryStore()
    root = put_image(source)

    assert narrow(source, root, lambda _child: False) == (source, root)


def test_children_that_stay_behind_are_named_and_not_fetched() -> None:
    source, target = MemoryStore(), MemoryStore(complete=False)
    root, children, beside = image_of_three(source)
    behind = [*children[1:], *beside[1:]]

    (arrival,) = run_copy(without(source, behind), root, [Destination("here", target, ("v1",))])

    assert arrival.error is None
    assert target.blobs[root.digest] == source.blobs[root.digest]
    assert not {child.digest for child in behind} & {digest for digest, _, _ in source.opened}
    assert Digest.of(b"amd64") in target.blobs
    assert Digest.of(b"arm64") not in target.blobs


def test_the_rest_can_be_fetched_later_although_the_name_is_right() -> None:
    source, target = MemoryStore(), MemoryStore(complete=False)
    root, children, beside = image_of_three(source)
    run_copy(without(source, [*children[1:], *beside[1:]]), root, [Destination("here", target, ("app",))])

    (arrival,) = run_copy(source, root, [Destination("here", target, ("app",))])

    assert arrival.error is None
    assert target.blobs == source.blobs


def test_manifests_that_a_checked_target_holds_are_not_fetched_again() -> None:
    source = MemoryRegistry("origin.test").repository("app")
    target = MemoryStore(verified=True, verifies=True, complete=False)
    root, children, beside = image_of_three(source)
    view = without(source, [*children[1:], *beside[1:]])
    run_copy(view, root, [Destination("here", target, ("app",))])
    source.opened.clear()

    (arrival,) = run_copy(view, root, [Destination("here", target, ("app",))])

    assert arrival.error is None
    assert source.opened == []


def test_views_keep_where_the_content_lies() -> None:
    source = MemoryRegistry().repository("app")
    root, children, _ = image_of_three(source)
    narrowed, _ = narrow(source, root, lambda child: child == children[0])

    assert repository_of(without(narrowed, children)) == source.repository
    assert repository_of(MemoryStore()) is None
    assert narrowed.name == source.name
    assert not without(narrowed, children).verified
