"""Decisions about a repository's rows: whatever is asked in whatever order, what is left can be served whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_MANIFEST
from lading.services.repositories import decisions
from lading.services.repositories.edits import DropBlob, DropManifest, DropTag, Edit, HoldBlob, HoldManifest, PointTag
from lading.services.repositories.errors import BlobUnknown, ChildrenMissing, ManifestUnknown, StillNeeded
from lading.services.repositories.records import Decide
from lading.services.repositories.rows import HeldManifest
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.repository_rows import held_in

NOW = 1700000000.0
BLOBS = [Digest.of(name) for name in (b"config", b"layer", b"other layer")]
CONFIG, LAYER, OTHER = BLOBS


def manifest(name: bytes, *children: Digest) -> HeldManifest:
    return HeldManifest(Descriptor(OCI_MANIFEST, Digest.of(name), len(name)), children)


IMAGE = manifest(b"image", CONFIG, LAYER)
SECOND = manifest(b"second", CONFIG, OTHER)
INDEX = manifest(b"index", IMAGE.descriptor.digest, SECOND.descriptor.digest)
MANIFESTS = [IMAGE, SECOND, INDEX]


def held(*edits: Edit) -> MemoryRecords:
    records = MemoryRecords()
    records.change("r", lambda _view: edits, NOW)
    return records


def decided(records: MemoryRecords, decide: Decide) -> Sequence[Edit]:
    return records.change("r", decide, NOW)


def test_a_blob_held_already_changes_nothing() -> None:
    records = held()

    assert decided(records, decisions.hold_blob(LAYER, 5)) == [HoldBlob(LAYER, 5)]
    assert decided(records, decisions.hold_blob(LAYER, 5)) == []


def test_several_decisions_are_carried_out_all_or_none() -> None:
    records = held()
    both = decisions.together([decisions.hold_blob(LAYER, 5), decisions.hold_blob(CONFIG, 2)])
    refused = decisions.together([decisions.hold_blob(OTHER, 1), decisions.delete_tag("r", "v1", NOW)])

    assert decided(records, both) == [HoldBlob(LAYER, 5), HoldBlob(CONFIG, 2)]
    with pytest.raises(ManifestUnknown):
        decided(records, refused)
    assert records.view("r").blob(OTHER) is None


def test_a_manifest_and_its_tags_come_together() -> None:
    records = held(HoldBlob(CONFIG, 2), HoldBlob(LAYER, 5))
    digest = IMAGE.descriptor.digest

    edits = decided(records, decisions.put_manifest("r", IMAGE, ["v1", "v2"], NOW))

    assert edits == [HoldManifest(IMAGE), PointTag("v1", digest), PointTag("v2", digest)]
    assert decided(records, decisions.put_manifest("r", IMAGE, ["v1", "v3"], NOW)) == [PointTag("v3", digest)]


def test_a_manifest_without_its_children_is_refused_with_their_digests() -> None:
    with pytest.raises(ChildrenMissing) as refused:
        decided(held(HoldBlob(CONFIG, 2)), decisions.put_manifest("r", IMAGE, ["v1"], NOW))

    assert refused.value.missing == (LAYER,)


def test_a_manifest_goes_with_its_tags_alone() -> None:
    digest = IMAGE.descriptor.digest
    records = held(HoldManifest(IMAGE), HoldManifest(SECOND), PointTag("b", digest), PointTag("a", digest))
    records.change("r", lambda _view: [PointTag("c", SECOND.descriptor.digest)], NOW)

    assert decided(records, decisions.delete_manifest("r", digest, NOW)) == [
        DropTag("a"),
        DropTag("b"),
        DropManifest(digest),
    ]


@pytest.mark.parametrize(
    ("decide", "error"),
    [
        (decisions.delete_tag("r", "v1", NOW), ManifestUnknown),
        (decisions.delete_manifest("r", IMAGE.descriptor.digest, NOW), ManifestUnknown),
        (decisions.delete_blob("r", IMAGE.descriptor.digest), BlobUnknown),
    ],
)
def test_what_is_not_there_cannot_go(decide: Decide, error: type[LadingError]) -> None:
    with pytest.raises(error):
        decided(held(HoldBlob(CONFIG, 2)), decide)


@pytest.mark.parametrize(
    ("decide", "parent"),
    [
        (decisions.delete_manifest("r", IMAGE.descriptor.digest, NOW), INDEX),
        (decisions.delete_blob("r", LAYER), IMAGE),
    ],
)
def test_what_is_needed_stays(decide: Decide, parent: HeldManifest) -> None:
    records = held(HoldBlob(CONFIG, 2), HoldBlob(LAYER, 5), HoldManifest(IMAGE), HoldManifest(INDEX))

    with pytest.raises(StillNeeded) as refused:
        decided(records, decide)

    assert refused.value.parents == (parent.descriptor.digest,)


def test_a_blob_goes_when_nothing_needs_it() -> None:
    assert decided(held(HoldBlob(OTHER, 5), HoldManifest(IMAGE)), decisions.delete_blob("r", OTHER)) == [
        DropBlob(OTHER)
    ]


def puts(tags: Collection[str]) -> st.SearchStrategy[Decide]:
    some_tags = st.lists(st.sampled_from(sorted(tags)), max_size=2)
    return st.builds(decisions.put_manifest, st.just("r"), st.sampled_from(MANIFESTS), some_tags, st.just(NOW))


def deletes(tags: Collection[str]) -> st.SearchStrategy[Decide]:
    digests = st.sampled_from([each.descriptor.digest for each in MANIFESTS])
    return st.one_of(
        st.builds(decisions.delete_tag, st.just("r"), st.sampled_from(sorted(tags)), st.just(NOW)),
        st.builds(decisions.delete_manifest, st.just("r"), digests, st.just(NOW)),
        st.builds(decisions.delete_blob, st.just("r"), st.sampled_from(BLOBS)),
    )


TAGS = {"v1", "v2"}
HOLDS = st.builds(decisions.hold_blob, st.sampled_from(BLOBS), st.just(5))


@given(st.lists(st.one_of(HOLDS, HOLDS, puts(TAGS), puts(TAGS), deletes(TAGS)), max_size=40))
def test_whatever_is_asked_every_tag_can_be_pulled_whole(asked: Sequence[Decide]) -> None:
    records = held()
    for decide in asked:
        try:
            decided(records, decide)
        except LadingError:
            continue

    view = records.view("r")
    for tag in records.tags("r", "", 10):
        digest = view.tag(tag)
        assert digest
        assert view.manifest(digest)
    for each in MANIFESTS:
        if view.manifest(each.descriptor.digest):
            assert held_in(view, each.children) == set(each.children)
