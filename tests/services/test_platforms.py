from __future__ import annotations

from collections.abc import Sequence

import pytest

from lading.oci.descriptor import Descriptor
from lading.oci.manifest import Index
from lading.oci.platform import Platform, PlatformInvalid
from lading.services.platforms import (
    EVERY,
    NothingHere,
    PlatformMissing,
    PlatformsContradict,
    PlatformsIncomplete,
    Selection,
    Wanted,
    select,
    with_attestations,
)
from tests.fakes.images import AMD64, ARM64, S390X, attestation_of, put_image
from tests.fakes.memory import MemoryStore

STORE = MemoryStore()
IMAGES = [put_image(STORE, [str(platform).encode()], platform=platform) for platform in (AMD64, ARM64, S390X)]
PROVENANCE = attestation_of(STORE, IMAGES[0])
INDEX = Index.build([*IMAGES, PROVENANCE])


def selected(wanted: Wanted, here: Sequence[Descriptor]) -> Selection:
    return select(INDEX, wanted, "the place", lambda child: child in here)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["all"], EVERY),
        (["have"], Wanted(have=True)),
        (["linux/amd64", "linux/aarch64"], Wanted(platforms=(AMD64, ARM64))),
    ],
)
def test_platform_words_are_read(words: list[str], wanted: Wanted) -> None:
    assert Wanted.parse(words) == wanted


def test_platform_words_that_contradict_or_mean_nothing_are_refused() -> None:
    with pytest.raises(PlatformsContradict):
        Wanted.parse(["all", "linux/amd64"])
    with pytest.raises(PlatformInvalid):
        Wanted.parse(["amd64"])


def test_all_goes_when_all_is_here() -> None:
    assert selected(Wanted(), IMAGES) == Selection("3 platforms")


def test_exactly_one_here_goes_as_a_manifest_of_its_own_and_says_so() -> None:
    found = selected(Wanted(), IMAGES[1:2])

    assert found.only == IMAGES[1]
    assert found.note == "linux/arm64, the only one here of 3 platforms, as a manifest of its own"


def test_several_but_not_all_are_refused_in_the_words_of_the_interface() -> None:
    with pytest.raises(PlatformsIncomplete) as refused:
        selected(Wanted(), IMAGES[:2])

    assert str(refused.value) == "Image has 2 of 3 platforms here. Use platform=have, or pull the rest."


def test_have_rewrites_the_index_to_what_is_here() -> None:
    assert selected(Wanted(have=True), IMAGES[:2]).kept == frozenset({image.digest for image in IMAGES[:2]})
    assert selected(Wanted(have=True), IMAGES[:1]).kept == frozenset({IMAGES[0].digest})
    assert selected(Wanted(have=True), IMAGES) == Selection("3 platforms")


def test_nothing_here_is_not_found() -> None:
    with pytest.raises(NothingHere):
        selected(Wanted(have=True), [])


def test_one_platform_asked_for_goes_as_a_manifest_and_several_as_an_index_of_them() -> None:
    assert selected(Wanted(platforms=(ARM64,)), []).only == IMAGES[1]
    assert selected(Wanted(platforms=(ARM64, S390X)), []).kept == frozenset({IMAGES[1].digest, IMAGES[2].digest})


def test_a_platform_the_image_was_not_built_for_is_not_found_and_the_others_are_named() -> None:
    with pytest.raises(PlatformMissing) as refused:
        selected(Wanted(platforms=(Platform("windows", "amd64"),)), IMAGES)

    assert str(refused.value) == "the place has no windows/amd64"
    assert refused.value.why == "it was built for linux/amd64, linux/arm64, linux/s390x"


def test_attestations_come_along_with_their_image() -> None:
    assert with_attestations(INDEX, IMAGES[:1]) == (IMAGES[0], PROVENANCE)
    assert with_attestations(INDEX, IMAGES[1:2]) == (IMAGES[1],)
