"""Single platforms of an image go while its index stays: never what something else needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.engine.cancel import Cancellation
from lading.engine.records import Holder
from lading.engine.shed import shed
from lading.errors import Cancelled
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER
from tests.fakes.collectable import MemoryCollectable
from tests.fakes.records import MemoryImageNames, MemoryLeases

CANCEL = Cancellation()


@dataclass
class Repository:
    """A Keeper: what it needs now, and what it comes to need at the last moment."""

    needs: set[Digest] = field(default_factory=set)
    later: set[Digest] = field(default_factory=set)

    def reached(self) -> Iterable[Digest]:
        return self.needs

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        return [digest for digest in digests if digest not in self.needs | self.later]


def put_platform(content: MemoryCollectable, number: int) -> Descriptor:
    config = content.put(b"config %d" % number)
    layer = content.put(b"layer %d" % number)
    manifest = Manifest.build(Descriptor(OCI_CONFIG, config, 8), [Descriptor(OCI_LAYER, layer, 7)])
    content.put_manifest(manifest)
    return manifest.descriptor()


class Folder:
    """An index of three platforms, under a name."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.content, self.names = MemoryCollectable(meanwhile), MemoryImageNames()
        self.leases = MemoryLeases()
        self.platforms = [put_platform(self.content, number) for number in range(3)]
        self.root = self.put_index(self.platforms, "r:1")

    def put_index(self, children: Iterable[Descriptor], name: str) -> Descriptor:
        index = Index.build(children)
        self.content.put_manifest(index)
        self.names.point([name], index.descriptor(), "any")
        return index.descriptor()

    def shed(self, *numbers: int, keeper: Repository | None = None) -> set[Digest]:
        manifests = [self.platforms[number].digest for number in numbers]
        keepers = [keeper] if keeper else []
        return set(shed(self.content, self.names, self.leases, keepers, self.root.digest, manifests, cancel=CANCEL))


def test_a_manifest_goes_alone_and_the_index_stays() -> None:
    folder = Folder()
    before = set(folder.content.held)

    gone = folder.shed(0, 2)

    assert gone == {folder.platforms[0].digest, folder.platforms[2].digest}
    assert before - set(folder.content.held) == gone
    assert folder.shed(0) == set()


def test_what_another_name_needs_stays() -> None:
    folder = Folder()
    folder.names.point(["single:1"], folder.platforms[0], "any")
    folder.put_index([folder.platforms[1]], "other:1")

    assert folder.shed(0, 1, 2) == {folder.platforms[2].digest}


def test_what_a_repository_needs_stays_though_it_came_to_need_it_just_now() -> None:
    folder = Folder()
    keeper = Repository({folder.platforms[0].digest}, {folder.platforms[1].digest})

    assert folder.shed(0, 1, 2, keeper=keeper) == {folder.platforms[2].digest}


def test_what_gets_a_name_at_the_last_moment_stays() -> None:
    def name_it() -> None:
        folder.names.point(["late:1"], folder.platforms[0], "any")

    def name_an_index_of_it() -> None:
        folder.put_index([folder.platforms[0]], "late:1")

    for meanwhile in (name_it, name_an_index_of_it):
        folder = Folder(meanwhile)
        assert folder.shed(0, 1) == {folder.platforms[1].digest}


def test_what_work_that_runs_counts_on_stays_until_it_ends() -> None:
    folder = Folder()
    work = folder.leases.work()
    work.hold([folder.platforms[0].digest])
    folder.leases.hold([folder.platforms[1].digest])

    assert folder.shed(0, 1, 2) == {folder.platforms[2].digest}
    work.end(Holder.ENDED)
    assert folder.shed(0, 1) == {folder.platforms[0].digest}


def test_what_is_cancelled_takes_nothing() -> None:
    folder, cancel = Folder(), Cancellation()
    before, manifests = set(folder.content.held), [folder.platforms[0].digest]
    cancel.cancel()
    with pytest.raises(Cancelled):
        shed(folder.content, folder.names, folder.leases, [], folder.root.digest, manifests, cancel=cancel)
    assert set(folder.content.held) == before


@given(
    st.sets(st.integers(0, 2)),
    st.lists(st.sets(st.integers(0, 2), min_size=1), max_size=3),
    st.sets(st.integers(0, 2), max_size=1),
)
def test_exactly_what_nothing_else_needs_goes(asked: set[int], others: list[set[int]], kept: set[int]) -> None:
    folder = Folder()
    for number, members in enumerate(others):
        children = [folder.platforms[each] for each in sorted(members)]
        if members != {0, 1, 2}:
            folder.put_index(children, f"other:{number}")
    needed = set().union(*(each for each in others if each != {0, 1, 2}), kept)
    keeper = Repository({folder.platforms[each].digest for each in kept})

    assert folder.shed(*sorted(asked), keeper=keeper) == {folder.platforms[each].digest for each in asked - needed}
    assert folder.root.digest in folder.content.held
