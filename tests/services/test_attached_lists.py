"""A list of what is attached loses nothing that it says: signatures are annotations, and several share one payload."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from lading.oci.platform import Platform
from lading.oci.reference import cosign_tags, fallback_tag
from lading.services.access import LADING
from lading.services.promotion.promotion import Promotions
from lading.services.repositories.edits import SetRules
from lading.services.repositories.errors import Protected
from lading.services.repositories.rules import WHOLE
from tests.fakes.environment_records import KeptTrail
from tests.fakes.registry_world import BLOBS, IMAGES, SIGNATURES, Document, World
from tests.fakes.repository_records import MemoryRecords

DEV, PROD = "dev/app", "prod/app"
IMAGE = IMAGES[0].descriptor.digest
COSIGN, FALLBACK = cosign_tags(IMAGE), fallback_tag(IMAGE)
CONFIG = Descriptor(OCI_CONFIG, Digest.of(BLOBS[0]), len(BLOBS[0]))
PAYLOAD = Descriptor("application/x.simplesigning", Digest.of(BLOBS[2]), len(BLOBS[2]))
ENTRY = SIGNATURES[0].descriptor
OTHER_ENTRY = SIGNATURES[1].descriptor


def signed(*by: str) -> Document:
    layers = [replace(PAYLOAD, annotations={"signature": each}) for each in by]
    return Document(Manifest.build(CONFIG, layers).raw, OCI_MANIFEST)


def listing(*entries: Descriptor) -> Document:
    return Document(Index.build(entries).raw, OCI_INDEX)


@pytest.fixture
def world() -> World:
    """The same image under `v1` of two repositories, with all that may be attached to it."""
    made = World(MemoryRecords(), Random(0))
    for repository in (DEV, PROD):
        for raw in BLOBS:
            made.content.held[Digest.of(raw)] = raw
            made.repositories.hold_blob(repository, Digest.of(raw), len(raw))
        made.put(repository, IMAGES[0], "v1")
        for document in SIGNATURES[:2]:
            made.put(repository, document, document.descriptor.digest)
    return made


def protect(world: World, repository: str) -> None:
    world.repositories.change(repository, lambda _view: [SetRules((WHOLE,))])


@pytest.mark.parametrize("tag", COSIGN)
def test_signatures_of_one_payload_are_each_kept(world: World, tag: str) -> None:
    world.put(PROD, signed("alice", "bob"), tag)
    protect(world, PROD)

    for fewer in (signed("alice"), signed("eve"), signed("alice", "alice"), signed("alice", "eve", "mallory")):
        with pytest.raises(Protected):
            world.put(PROD, fewer, tag)
    world.put(PROD, signed("bob", "carol", "alice"), tag)
    assert world.records.view(PROD).tag(tag) == signed("bob", "carol", "alice").descriptor.digest


def test_a_signature_that_is_listed_twice_stays_so(world: World) -> None:
    world.put(PROD, signed("alice", "alice"), COSIGN[0])
    protect(world, PROD)

    with pytest.raises(Protected):
        world.put(PROD, signed("alice", "bob"), COSIGN[0])


@pytest.mark.parametrize(
    "said",
    [
        replace(ENTRY, artifact_type="application/x.sbom"),
        replace(ENTRY, artifact_type=None),
        replace(ENTRY, artifact_type="application/x.signature", annotations={"by": "eve"}),
        replace(ENTRY, artifact_type="application/x.signature", platform=Platform("linux", "amd64")),
        replace(ENTRY, artifact_type="application/x.signature", size=ENTRY.size + 1),
    ],
    ids=["type", "no type", "annotations", "platform", "size"],
)
def test_what_is_listed_is_not_said_to_be_something_else(world: World, said: Descriptor) -> None:
    entry = replace(ENTRY, artifact_type="application/x.signature")
    world.put(PROD, listing(entry), FALLBACK)
    protect(world, PROD)

    with pytest.raises(Protected):
        world.put(PROD, listing(said, OTHER_ENTRY), FALLBACK)
    world.put(PROD, listing(OTHER_ENTRY, entry), FALLBACK)
    assert world.records.view(PROD).tag(FALLBACK) == listing(OTHER_ENTRY, entry).descriptor.digest


@pytest.mark.parametrize("damage", [b"", b"{}"], ids=["gone", "damaged"])
def test_a_list_that_cannot_be_read_does_not_move(world: World, damage: bytes) -> None:
    before = signed("alice")
    world.put(PROD, before, COSIGN[0])
    protect(world, PROD)
    world.content.held[before.descriptor.digest] = damage

    with pytest.raises(Protected):
        world.put(PROD, signed("alice", "bob"), COSIGN[0])


def test_a_promotion_leaves_a_list_that_would_lose_a_signature(world: World) -> None:
    promotions = Promotions(world.repositories, world.records, KeptTrail())
    world.put(DEV, signed("dev"), COSIGN[0])
    world.put(PROD, signed("prod"), COSIGN[0])
    protect(world, PROD)

    assert promotions.promote(LADING, DEV, "v1", PROD, None).left == (COSIGN[0],)
    assert world.records.view(PROD).tag(COSIGN[0]) == signed("prod").descriptor.digest
    world.put(DEV, signed("dev", "prod"), COSIGN[0])
    assert promotions.promote(LADING, DEV, "v1", PROD, None).left == ()
    assert world.records.view(PROD).tag(COSIGN[0]) == signed("dev", "prod").descriptor.digest
