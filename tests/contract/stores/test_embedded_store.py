"""Our own store, content folder and names together, keeps the contract."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.listing import OciListing
from lading.engine.cancel import Cancellation
from lading.engine.embedded import EmbeddedStore
from lading.engine.stores import Condition, Outcome, TagUnproven
from lading.oci.descriptor import Descriptor
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG
from lading.wire.message import BytesContent
from tests.contract.stores.suite import (
    CONFIG,
    LAYER,
    ConditionsContract,
    ResumingContract,
    Sha512Contract,
    SourceContract,
    TagsContract,
    TargetContract,
    VerifyingContract,
    descriptor_of,
    push,
    push_image,
    run_together,
    tag,
)
from tests.fakes.records import MemoryImageNames, MemoryLeases

NAME = "docker.io/library/x:1"


class Meanwhile(MemoryImageNames):
    """Names that somebody else points elsewhere right after they were pointed, or that forget what they were told."""

    def __init__(self) -> None:
        super().__init__()
        self.other: Descriptor | None = None
        self.forgets = False

    def point(self, references: Collection[str], root: Descriptor, condition: Condition) -> None:
        if not self.forgets:
            super().point(references, root, condition)
        if self.other is not None:
            super().point(references, self.other, "any")


@pytest.fixture
def meanwhile(tmp_path: Path) -> Iterator[tuple[EmbeddedStore, Meanwhile]]:
    folder, names = ContentFolder(tmp_path / "content", MemoryLeases()), Meanwhile()
    listing = OciListing(folder.tree, names)
    yield EmbeddedStore(folder, names, listing), names
    listing.close()
    folder.close()


def test_of_two_who_set_a_name_at_once_the_later_one_wins(meanwhile: tuple[EmbeddedStore, Meanwhile]) -> None:
    store, names = meanwhile
    names.other = descriptor_of(LAYER)

    assert tag(store, push_image(store), NAME) == {NAME: None}
    assert store.resolve(NAME) == names.other


def test_a_name_that_still_has_what_it_had_is_unproven(meanwhile: tuple[EmbeddedStore, Meanwhile]) -> None:
    store, names = meanwhile
    names.point([NAME], descriptor_of(LAYER), "any")
    names.forgets = True

    outcome = tag(store, push_image(store), NAME, "localhost/new:1")

    assert [type(each) for each in outcome.values()] == [TagUnproven, TagUnproven]


class TestEmbedded(
    SourceContract,
    TargetContract,
    Sha512Contract,
    ResumingContract,
    VerifyingContract,
    TagsContract,
    ConditionsContract,
):
    @pytest.fixture
    def leases(self) -> MemoryLeases:
        return MemoryLeases()

    @pytest.fixture
    def store(self, tmp_path: Path, leases: MemoryLeases) -> Iterator[EmbeddedStore]:
        folder, names = ContentFolder(tmp_path / "content", leases), MemoryImageNames()
        listing = OciListing(folder.tree, names)
        yield EmbeddedStore(folder, names, listing)
        listing.close()
        folder.close()

    @pytest.fixture
    def names(self) -> tuple[str, str, str]:
        return "docker.io/library/x:1", "docker.io/library/x:2", "localhost:5000/a/b:1"

    def test_its_content_was_checked(self, store: EmbeddedStore) -> None:
        assert store.verified

    def test_one_of_several_pushers_fetches(self, store: EmbeddedStore) -> None:
        outcomes: list[Outcome] = []
        run_together(8, lambda: outcomes.append(push(store, descriptor_of(LAYER), LAYER)))

        assert sorted(outcome.value for outcome in outcomes) == ["exists"] * 7 + ["sent"]

    def test_what_was_pushed_or_found_is_leased(self, store: EmbeddedStore, leases: MemoryLeases) -> None:
        layer = descriptor_of(LAYER)
        assert not store.has(layer)
        assert not leases.held()

        push(store, layer, LAYER)
        assert set(leases.held()) == {layer.digest}

    def test_looking_leases_nothing(self, store: EmbeddedStore, leases: MemoryLeases) -> None:
        push(store, descriptor_of(LAYER), LAYER)
        leases.hold(())
        before = set(leases.held())

        assert store.present(descriptor_of(LAYER).digest)
        assert not store.present(descriptor_of(CONFIG).digest)
        assert set(leases.held()) == before

    def test_a_layer_is_no_manifest(self, store: EmbeddedStore) -> None:
        push(store, descriptor_of(CONFIG), CONFIG)
        assert store.present(descriptor_of(CONFIG).digest)

    def test_an_index_may_be_named_without_all_its_children(self, store: EmbeddedStore) -> None:
        child = push_image(store, LAYER)
        absent = Manifest.build(descriptor_of(b"other"), [])
        index = Index.build([child.descriptor(), absent.descriptor()])

        assert tag(store, index, "docker.io/library/x:1") == {"docker.io/library/x:1": None}
        assert store.resolve("docker.io/library/x:1").digest == index.descriptor().digest

    def test_referrers_are_found_by_their_subject(self, store: EmbeddedStore) -> None:
        subject = push_image(store, LAYER).descriptor()
        push(store, descriptor_of(b"{}"), b"{}")
        signature = Manifest.build(
            descriptor_of(b"{}", media_type=OCI_CONFIG),
            [],
            artifact_type="application/example.signature",
            subject=subject,
            annotations={"signer": "me"},
        )
        push(store, signature.descriptor(), signature.raw)

        (found,) = store.referrers(subject.digest)
        assert found.digest == signature.descriptor().digest
        assert found.artifact_type == "application/example.signature"
        assert found.annotations == {"signer": "me"}
        assert not list(store.referrers(found.digest))

    def test_an_index_may_refer_to_another_image(self, store: EmbeddedStore) -> None:
        subject = push_image(store, LAYER).descriptor()
        index = Index.build([subject], subject=subject, artifact_type="application/example.signatures")
        push(store, index.descriptor(), index.raw)

        assert [found.digest for found in store.referrers(subject.digest)] == [index.descriptor().digest]

    def test_a_tag_leases_all_it_reaches(self, store: EmbeddedStore, leases: MemoryLeases) -> None:
        manifest = push_image(store, LAYER)
        before = leases.forget_all()
        store.tag(manifest.descriptor(), BytesContent(manifest.raw), ["localhost/x:1"], "any", Cancellation())

        assert set(leases.held()) == before
