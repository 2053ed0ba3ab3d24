"""Promotion: an image with all that belongs to it becomes a tag of another repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from lading.errors import NotFound
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from lading.oci.reference import ReferenceInvalid, cosign_tags, fallback_tag
from lading.services.access import LADING, Actor, Denied, Grant
from lading.services.audit.audit import Deed, Result
from lading.services.promotion.promotion import Promoted, PromotionIncomplete, Promotions
from lading.services.repositories.carrying import AT_ONCE
from lading.services.repositories.edits import DropManifest, Edit, SetRules, SetVisibility
from lading.services.repositories.errors import ChildrenMissing, Protected
from lading.services.repositories.records import Decide
from lading.services.repositories.rows import Carried, Visibility
from lading.services.repositories.rules import WHOLE
from tests.fakes.registry_world import BLOBS, COSIGN, IMAGES, INDEXES, LISTS, OF_SIGNATURES, SIGNATURES, Document, World
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.repository_rows import held_in

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
DEV, PROD = "team/app", "prod/app"
ROOT = INDEXES[0].descriptor.digest
LIST, SIG = fallback_tag(IMAGES[0].descriptor.digest), cosign_tags(ROOT)[0]


@dataclass
class Trail:
    """What was recorded."""

    records: list[tuple[Deed, Result]] = field(default_factory=list)

    def record(self, actor: Actor, deed: Deed, result: Result) -> None:
        self.records.append((deed, result))


class Place:
    """Two repositories; in the first a signed index, whose signature is signed as well."""

    def __init__(self, records: MemoryRecords | None = None) -> None:
        self.records, self.trail = records or MemoryRecords(), Trail()
        self.world = World(self.records, Random(0))
        self.promotions = Promotions(self.world.repositories, self.records, self.trail)
        for raw in BLOBS:
            self.world.content.held[Digest.of(raw)] = raw
            self.world.repositories.hold_blob(DEV, Digest.of(raw), len(raw))
        for document in (*IMAGES[:2], INDEXES[0], *SIGNATURES, *OF_SIGNATURES):
            self.put(DEV, document)
        self.put(DEV, INDEXES[0], "v1")
        self.put(DEV, LISTS[0], LIST)
        self.put(DEV, COSIGN[0], SIG)

    def put(self, repository: str, document: Document, *tags: str) -> None:
        self.world.put(repository, document, document.descriptor.digest, tags)

    def promote(self, actor: Actor = LADING, tag: str = "v1", to: str = PROD, to_tag: str | None = None) -> Promoted:
        return self.promotions.promote(actor, DEV, tag, to, to_tag)

    def held(self, repository: str) -> set[Digest]:
        return {row.digest for row in self.records.view(repository).manifest_rows()}


@pytest.fixture
def place() -> Place:
    return Place()


def test_everything_that_belongs_to_an_image_comes_along(place: Place) -> None:
    promoted = place.promote()

    documents = (*IMAGES[:2], INDEXES[0], *SIGNATURES[:4], *OF_SIGNATURES, LISTS[0], COSIGN[0])
    assert place.held(PROD) == {document.descriptor.digest for document in documents}
    view = place.records.view(PROD)
    assert {tag.name: tag.digest for tag in view.all_tags()} == {
        "v1": ROOT,
        LIST: LISTS[0].descriptor.digest,
        SIG: COSIGN[0].descriptor.digest,
    }
    children = {
        digest for row in documents if (held := view.manifest(row.descriptor.digest)) for digest in held.children
    }
    assert held_in(view, children) == children
    subject = IMAGES[0].descriptor.digest
    assert list(place.records.referrers(PROD, subject)) == list(place.records.referrers(DEV, subject)) != []
    assert (promoted.moved, promoted.left, len(promoted.carried.manifests)) == (True, (), len(documents))


def test_it_is_on_the_trail_with_source_target_and_digest(place: Place) -> None:
    place.promote(to_tag="1.0")

    ((deed, result),) = place.trail.records
    assert (deed.action, deed.entity_id, deed.entity_name, result) == ("promote", str(ROOT), "team/app:v1", Result.DONE)
    assert (deed.details["target"], deed.details["digest"]) == ("prod/app:1.0", str(ROOT))


def test_the_same_again_changes_nothing(place: Place) -> None:
    place.promote()
    before = place.records.state(PROD)

    assert place.promote().moved is False
    assert place.records.state(PROD) is before


def test_within_a_repository_it_is_a_tag_alone(place: Place) -> None:
    before = place.held(DEV)

    assert place.promote(to=DEV, to_tag="released").moved
    assert place.held(DEV) == before
    assert place.records.view(DEV).tag("released") == ROOT


def test_an_immutable_tag_stays_and_nothing_is_half_there(place: Place) -> None:
    place.put(DEV, IMAGES[0], "other")
    place.promote(tag="other", to_tag="v1")
    place.world.repositories.change(PROD, lambda _view: [SetRules((WHOLE,))])
    before = place.held(PROD)

    with pytest.raises(Protected, match="tag v1 of prod/app is immutable"):
        place.promote()

    assert place.held(PROD) == before
    assert place.records.view(PROD).tag("v1") == IMAGES[0].descriptor.digest
    deed, result = place.trail.records[-1]
    assert (result, deed.action) == (Result.DENIED, "promote")
    assert "immutable" in str(deed.details["refused"])
    assert place.promote(to_tag="v2").moved
    assert not place.promote(to_tag="v2").moved


def test_lists_of_the_target_lose_nothing(place: Place) -> None:
    place.promote()
    for document in SIGNATURES:
        place.put(PROD, document)
    place.put(PROD, LISTS[2], LIST)
    assert place.promote().left == (LIST,)
    assert place.records.view(PROD).tag(LIST) == LISTS[2].descriptor.digest

    place.put(DEV, LISTS[3], LIST)
    assert place.promote().left == ()
    assert place.records.view(PROD).tag(LIST) == LISTS[3].descriptor.digest


@pytest.mark.parametrize(
    "grants",
    [
        [],
        [Grant(frozenset({"repositories:pull"}))],
        [Grant(frozenset({"repositories:push"}))],
        [Grant(frozenset({"*"}), repositories=(DEV,))],
        [Grant(frozenset({"*"}), repositories=(PROD,))],
    ],
)
def test_it_takes_a_pull_there_and_a_push_here(place: Place, grants: list[Grant]) -> None:
    eve = Actor("eve", tuple(grants), user=7)

    with pytest.raises(Denied):
        place.promote(eve)

    assert not place.records.knows(PROD)
    ((_, result),) = place.trail.records
    assert result is Result.DENIED


def test_who_may_pull_there_and_push_here_promotes(place: Place) -> None:
    pull = Grant(frozenset({"repositories:pull"}), repositories=(DEV,))
    push = Grant(frozenset({"repositories:push"}), repositories=(PROD,))

    assert place.promote(Actor("kim", (pull, push), user=7)).moved
    place.world.repositories.change(DEV, lambda _view: [SetVisibility(Visibility.PUBLIC)])
    assert place.promote(Actor("kim", (push,), user=7), to_tag="v2").moved


def test_what_is_not_there_cannot_be_promoted(place: Place) -> None:
    with pytest.raises(NotFound, match="has no manifest none"):
        place.promote(tag="none")
    with pytest.raises(NotFound, match="no repository other"):
        place.promotions.promote(LADING, "other", "v1", PROD, None)
    with pytest.raises(PromotionIncomplete):
        place.promotions.promote(LADING, DEV, None, PROD, None)
    with pytest.raises(ReferenceInvalid):
        place.promote(to="Not/A Name")
    with pytest.raises(ReferenceInvalid):
        place.promote(to_tag=".no")
    assert place.records.repositories("", 9) == [DEV]


def test_bytes_that_went_meanwhile_are_missed_before_anything_is_written(place: Place) -> None:
    place.world.content.held.pop(Digest.of(BLOBS[2]))

    with pytest.raises(ChildrenMissing):
        place.promote()

    assert not place.records.knows(PROD)


def test_what_the_source_lost_meanwhile_is_missed_before_anything_is_written(place: Place) -> None:
    """Somebody deletes while it is looked at: the rows are gone then, and the bytes are not."""
    root = place.records.view(DEV).manifest(ROOT)
    assert root
    carried = Carried(root, (root,), (), ())

    with pytest.raises(ChildrenMissing) as refused:
        place.world.repositories.carry(PROD, "v1", carried)

    assert set(refused.value.missing) == {image.descriptor.digest for image in IMAGES[:2]}
    assert not place.records.knows(PROD)
    for raw in BLOBS:
        place.world.repositories.hold_blob(PROD, Digest.of(raw), len(raw))
    for image in IMAGES[:2]:
        place.put(PROD, image)
    place.world.repositories.carry(PROD, "v1", carried)
    assert place.records.view(PROD).tag("v1") == ROOT


class Watched(MemoryRecords):
    """Tells `edits` of each transaction that writes; `between` is called after each."""

    def __init__(self) -> None:
        super().__init__()
        self.edits: list[Sequence[Edit]] = []
        self.between: Callable[[], object] = list

    def change(self, repository: str, decide: Decide, now: float) -> Sequence[Edit]:
        edits = super().change(repository, decide, now)
        if edits and repository == PROD:
            self.edits.append(edits)
            self.between()
        return edits


LARGE = 2 * AT_ONCE
"""Images in an index."""


@pytest.fixture
def large() -> Place:
    """`v1` is a large index of images, each with a signature of its own."""
    place = Place(Watched())
    config = Descriptor(OCI_CONFIG, Digest.of(BLOBS[0]), len(BLOBS[0]))
    images = [Manifest.build(config, (), annotations={"number": str(number)}) for number in range(LARGE)]
    for image in images:
        about = Manifest.build(config, (), subject=image.descriptor())
        for each in (image, about):
            place.put(DEV, Document(each.raw, OCI_MANIFEST))
    place.put(DEV, Document(Index.build([image.descriptor() for image in images]).raw, OCI_INDEX), "v1")
    return place


def test_a_large_image_is_carried_in_parts_and_its_tag_comes_last(large: Place) -> None:
    """Others wait for each part alone; and at any moment all that is held is whole."""
    records, wholes = large.records, []
    assert isinstance(records, Watched)

    def look() -> None:
        view = records.view(PROD)
        rows = view.manifest_rows()
        children = {child for row in rows if (held := view.manifest(row.digest)) for child in held.children}
        wholes.append((held_in(view, children) == children, view.tag("v1") is None))

    records.between = look
    assert large.promote().moved

    assert max(map(len, records.edits)) <= AT_ONCE + 1
    assert wholes == [(True, True)] * (len(records.edits) - 1) + [(True, False)]
    assert len(large.held(PROD)) == 2 * LARGE + 1


def test_what_goes_between_two_parts_is_missed_before_the_tag_moves(large: Place) -> None:
    records = large.records
    assert isinstance(records, Watched)
    gone: list[Digest] = []

    def remove() -> None:
        if not gone:
            (*_, row) = records.view(PROD).manifest_rows()
            gone.append(row.digest)
            records.change(PROD, lambda _view: [DropManifest(row.digest)], 0.0)

    records.between = remove
    with pytest.raises(ChildrenMissing) as refused:
        large.promote()

    assert gone == list(refused.value.missing)
    assert records.view(PROD).tag("v1") is None
    assert large.promote().moved
    assert len(large.held(PROD)) == 2 * LARGE + 1


def test_a_foreign_layer_comes_along_where_it_is_held_and_is_not_missed_where_it_is_not(place: Place) -> None:
    config = Descriptor(OCI_CONFIG, Digest.of(BLOBS[0]), len(BLOBS[0]))
    layers = [Descriptor(FOREIGN, Digest.of(raw), len(raw), urls=("https://x.test/l",)) for raw in (BLOBS[2], b"none")]
    place.put(DEV, Document(Manifest.build(config, layers).raw, OCI_MANIFEST), "windows")

    assert place.promote(tag="windows").moved

    assert held_in(place.records.view(PROD), [layer.digest for layer in layers]) == {layers[0].digest}
