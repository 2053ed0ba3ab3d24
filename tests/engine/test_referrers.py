"""Signatures and SBOMs come along, by either of the two ways they are attached."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest

from lading.engine.arrival import Destination
from lading.engine.referrers import WithCosignTags, own_tag, sibling
from lading.engine.source_reading import CompanyRefused
from lading.errors import AccessDenied
from lading.oci.archive import REF_NAME
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_MANIFEST
from lading.oci.reference import cosign_tags
from tests.fakes.images import ARM64, attestation_of, put_image, put_index
from tests.fakes.memory import Fail, MemoryLocations, MemoryRegistry, MemoryStore
from tests.fakes.work import Events, run_copy

SBOM = "application/spdx+json"


def test_what_speaks_of_the_image_and_of_its_children_comes_along() -> None:
    source, target = MemoryStore(), MemoryStore()
    child = put_image(source)
    root = put_index(source, [child, put_image(source, [b"other"], platform=ARM64)])
    sbom = put_image(source, [b"sbom"], subject=child, artifact_type=SBOM)
    signature = put_image(source, [b"signature"], subject=root, artifact_type="application/signature")
    of_sbom = put_image(source, [b"signature of the sbom"], subject=sbom, artifact_type="application/signature")

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))], referrers=source)

    assert arrival.error is None
    assert arrival.referrers == 3
    assert target.blobs == source.blobs
    assert {sbom.digest, signature.digest, of_sbom.digest} <= set(target.pushed)
    assert target.pushed[-1] == root.digest


def test_they_stay_behind_where_nobody_asks_for_them() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source)
    sbom = put_image(source, [b"sbom"], subject=root, artifact_type=SBOM)

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))])

    assert arrival.referrers == 0
    assert sbom.digest not in target.blobs


def test_nobody_looks_for_what_speaks_of_an_attestation() -> None:
    source, target = MemoryStore(), MemoryStore()
    image = put_image(source)
    beside = attestation_of(source, image)
    root = put_index(source, [image, beside])

    run_copy(source, root, [Destination("here", target, ("v1",))], referrers=source)

    assert f"referrers {beside.digest}" not in source.asked
    assert f"referrers {image.digest}" in source.asked


def test_cosigns_tags_arrive_as_tags() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source)
    signature_tag = cosign_tags(root.digest)[0]
    signature = put_image(source, [b"signature"], tag=signature_tag)

    (arrival,) = run_copy(
        source, root, [Destination("here", target, ("v1",))], referrers=WithCosignTags(source, source, "v1")
    )

    assert arrival.referrers == 1
    assert target.names[signature_tag].digest == signature.digest
    assert list(target.names) == [signature_tag, "v1"]


def test_cosigns_tags_are_spelled_as_each_store_spells_names() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source)
    signature_tag = cosign_tags(root.digest)[0]
    put_image(source, [b"signature"], tag=f"docker.io/library/app:{signature_tag}")

    run_copy(
        source,
        root,
        [Destination("here", target, ("registry.test/team/app:v1",))],
        referrers=WithCosignTags(source, source, "docker.io/library/app:v1"),
    )

    assert set(target.names) == {f"registry.test/team/app:{signature_tag}", "registry.test/team/app:v1"}


def test_a_signature_made_later_follows_an_image_that_is_there() -> None:
    source, registry = MemoryStore(), MemoryRegistry()
    target = registry.repository("app")
    root = put_image(source)
    run_copy(source, root, [Destination("app", target, ("v1",))], referrers=source)
    signature = put_image(source, [b"signature"], subject=root, artifact_type="application/signature")
    target.asked.clear()

    (arrival,) = run_copy(source, root, [Destination("app", target, ("v1",))], referrers=source)

    assert arrival.referrers == 1
    assert signature.digest in target.blobs
    assert f"push {root.digest}" not in target.asked


def test_between_registries_too() -> None:
    source, target = MemoryRegistry("origin.test").repository("app"), MemoryRegistry().repository("app")
    root = put_image(source)
    run_copy(source, root, [Destination("app", target, ("v1",))], referrers=source)
    signature = put_image(source, [b"signature"], subject=root, artifact_type="application/signature")
    source.opened.clear()

    (arrival,) = run_copy(source, root, [Destination("app", target, ("v1",))], referrers=source)

    assert arrival.referrers == 1
    assert signature.digest in target.blobs
    assert source.opens(root.digest) == 0


def test_what_is_known_to_be_there_is_asked_for_once() -> None:
    source, target, locations = MemoryStore(), MemoryRegistry().repository("app"), MemoryLocations()
    root = put_image(source)
    signature = put_image(source, [b"signature"], subject=root, artifact_type="application/signature")
    destination = Destination("app", target, ("v1",))
    run_copy(source, root, [destination], referrers=source, locations=locations)
    target.asked.clear()

    run_copy(source, root, [destination], referrers=source, locations=locations)

    assert target.asked == ["resolve v1", f"has {signature.digest}"]


def test_a_referrer_that_is_listed_but_gone_is_told_and_not_an_error() -> None:
    source, target, events = MemoryStore("there"), MemoryStore(), Events()
    root = put_image(source)
    gone = put_image(source, [b"gone"], subject=root, artifact_type=SBOM)
    listed = list(source.referrers(root.digest))

    class Listing:
        def referrers(self, subject: Digest) -> Iterable[Descriptor]:
            return listed if subject == root.digest else []

    del source.blobs[gone.digest]
    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))], referrers=Listing(), events=events)

    assert arrival.error is None
    assert arrival.referrers == 0
    assert any(str(gone.digest) in note for note in events.notes)


def test_more_referrers_than_anybody_reads_are_refused_before_one_is_fetched() -> None:
    source, target = MemoryStore("there"), MemoryStore()
    root = put_image(source)

    class Endless:
        def referrers(self, _subject: Digest) -> Iterable[Descriptor]:
            return (Descriptor(OCI_MANIFEST, Digest.of(b"%d" % number), 5) for number in itertools.count())

    with pytest.raises(CompanyRefused, match="speaks of it") as refused:
        run_copy(source, root, [Destination("here", target, ("v1",))], referrers=Endless())

    assert "--no-referrers" in str(refused.value.command)
    assert {digest for digest, _, _ in source.opened} <= set(source.blobs)
    assert target.names == {}


def test_a_signature_that_does_not_arrive_keeps_the_tag_away() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source)
    signature = put_image(source, [b"signature"], subject=root, artifact_type="application/signature")
    target.writing[signature.digest].append(Fail(AccessDenied()))

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))], referrers=source)

    assert isinstance(arrival.error, AccessDenied)
    assert target.names == {}


def test_a_source_chooses_no_tag_but_cosigns() -> None:
    root = put_image(MemoryStore())

    assert own_tag(replace(root, annotations={REF_NAME: "latest"})) is None
    assert own_tag(replace(root, annotations={REF_NAME: cosign_tags(root.digest)[1]})) == cosign_tags(root.digest)[1]


def test_a_sibling_is_spelled_like_its_neighbour() -> None:
    assert sibling("v1", "x.sig") == "x.sig"
    assert sibling("docker.io/library/a:v1", "x.sig") == "docker.io/library/a:x.sig"
    assert sibling("localhost:5000/a", "x.sig") == "localhost:5000/a:x.sig"
