"""What our own engine says of its images: parts, names, lookup by every digest, platforms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.embedded.environment import EmbeddedEnvironment
from lading.services.environment_images import Part, PartKind
from lading.services.lookup import IdAmbiguous, ImageUnknown
from lading.services.platforms import PlatformMissing
from lading.wire.progress import Event
from tests.fakes.docker_archives import docker_archive, reader
from tests.fakes.embedded import embedded
from tests.fakes.images import AMD64, ARM64, S390X, put_index
from tests.fakes.memory import MemoryStore
from tests.fakes.oci_archives import called, oci_archive
from tests.fakes.root_images import put_root_image
from tests.fakes.several_platforms import Several, several

CANCEL = Cancellation()
NAME = "docker.io/library/app:1"


def told(_event: Event) -> None:
    """Nobody listens."""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[EmbeddedEnvironment]:
    with embedded(tmp_path / "lading") as made:
        yield made.environment


def load(environment: EmbeddedEnvironment, archive: bytes) -> str:
    return environment.load(reader(archive), told, CANCEL)[0].id


def test_an_image_says_its_parts_and_what_of_them_is_here(environment: EmbeddedEnvironment) -> None:
    image = several()
    assert load(environment, image.archive(NAME)) == str(image.root.digest)

    (summary,) = environment.images(CANCEL)
    assert summary.root is not None
    assert (summary.root.digest, summary.root.size) == (image.root.digest, image.root.size)
    assert summary.moved is not None
    assert all(sum(part.blobs.values()) == part.content for part in summary.parts)
    assert {part.descriptor.digest: replace(part, blobs={}) for part in summary.parts} == {
        image.amd64.digest: Part(image.amd64, PartKind.IMAGE, AMD64, True, image.content(image.amd64)),
        image.arm64.digest: Part(image.arm64, PartKind.IMAGE, ARM64, True, image.content(image.arm64)),
        image.absent.digest: Part(image.absent, PartKind.IMAGE, S390X, False, 0),
        image.attestation.digest: Part(
            image.attestation,
            PartKind.ATTESTATION,
            Platform("unknown", "unknown"),
            True,
            image.content(image.attestation),
            image.amd64.digest,
        ),
    }


def test_a_single_manifest_is_its_own_only_part(environment: EmbeddedEnvironment) -> None:
    load(environment, docker_archive(["app:1"]))

    (summary,) = environment.images(CANCEL)
    (part,) = summary.parts
    assert summary.root is not None
    assert part.descriptor.digest == summary.root.digest
    assert (part.kind, part.platform, part.available) == (PartKind.IMAGE, AMD64, True)
    assert part.content == summary.size + summary.root.size


def test_details_hold_the_whole_config(environment: EmbeddedEnvironment) -> None:
    image = several()
    load(environment, image.archive(NAME))

    details = environment.image("app:1", CANCEL, ARM64)
    assert details.platform == "linux/arm64"
    assert details.document["architecture"] == "arm64"
    assert details.document["created"] == "2026-01-02T03:04:05Z"
    assert len(details.diff_ids) == len(details.layers) == 2
    assert details.diff_ids != details.layers
    assert details.digest == image.root.digest


def test_an_image_is_found_by_every_digest_of_its_and_by_the_beginning_of_one(
    environment: EmbeddedEnvironment,
) -> None:
    image = several()
    identity = load(environment, image.archive(NAME, "example.com/other:2"))
    config = image.manifest(image.arm64).config.digest

    for text in (
        *(str(each) for each in (image.root.digest, image.arm64.digest, image.absent.digest, config)),
        *(each.encoded for each in (image.root.digest, image.arm64.digest)),
        image.root.digest.encoded[:4],
        f"sha256:{image.root.digest.encoded[:9]}",
        image.amd64.digest.encoded[:12],
        config.encoded[:12],
        f"app@{image.root.digest}",
        f"app:whatever@{image.root.digest}",
        f"example.com/other@{image.root.digest}",
        f"app@{image.arm64.digest}",
        "app:1",
        "library/app:1",
    ):
        assert environment.image(text, CANCEL).summary.id == identity, text
    for meant in (image.arm64.digest, config):
        assert environment.image(str(meant), CANCEL).platform == "linux/arm64"
    for text in (f"third@{image.root.digest}", "app", "app:2", image.root.digest.encoded[:3], "sha512:" + "0" * 9):
        with pytest.raises(ImageUnknown):
            environment.image(text, CANCEL)


def test_what_begins_several_ids_names_none(environment: EmbeddedEnvironment) -> None:
    """Of 400 images two begin alike, all but certainly: there are 65536 beginnings."""
    store = MemoryStore(complete=False)
    images = [put_index(store, [], annotations={"number": str(number)}) for number in range(700)]
    beginnings = Counter(image.digest.encoded[:4] for image in images)
    ((twice, _),) = beginnings.most_common(1)
    alike = [image for image in images if image.digest.encoded.startswith(twice)]
    load(environment, oci_archive(store, alike, [each.digest for each in images if each not in alike]))

    with pytest.raises(IdAmbiguous):
        environment.image(twice, CANCEL)
    for image in alike:
        assert environment.image(image.digest.encoded[:20], CANCEL).summary.id == str(image.digest)


def test_a_name_goes_before_an_id_that_begins_so(environment: EmbeddedEnvironment) -> None:
    first = load(environment, docker_archive(["app:1"], label="first"))
    second = load(environment, docker_archive([f"{first[7:15]}:latest"], label="second"))

    assert environment.image(first[7:15], CANCEL).summary.id == second
    assert environment.image(first[7:16], CANCEL).summary.id == first


def test_a_platform_that_is_asked_for_is_the_one_told_of(environment: EmbeddedEnvironment) -> None:
    load(environment, several().archive(NAME))
    load(environment, docker_archive(["single:1"]))

    assert environment.image("app:1", CANCEL).platform == "linux/amd64"
    assert environment.image("app:1", CANCEL, ARM64).platform == "linux/arm64"
    assert environment.image("single:1", CANCEL, AMD64).platform == "linux/amd64"
    assert environment.history("app:1", CANCEL, ARM64)
    for name, platform in (("app:1", Platform("windows", "amd64")), ("single:1", ARM64)):
        with pytest.raises(PlatformMissing):
            environment.image(name, CANCEL, platform)
        with pytest.raises(PlatformMissing):
            environment.history(name, CANCEL, platform)


def test_an_image_whose_last_tag_moves_away_has_no_name_and_is_found_by_its_id(
    environment: EmbeddedEnvironment,
) -> None:
    first = load(environment, docker_archive(["app:1"], label="first"))
    second = load(environment, docker_archive(["app:1"], label="second"))

    assert {each.id: each.names for each in environment.images(CANCEL)} == {first: (), second: (NAME,)}
    found = environment.image(first, CANCEL)
    assert (found.summary.names, found.summary.digests) == ((), ())
    assert environment.image(first[7:19], CANCEL).summary.id == first
    environment.tag(first, Reference.parse("app:old"), CANCEL)
    assert environment.image("app:old", CANCEL).summary.id == first
    assert len(environment.images(CANCEL)) == 2


def test_what_all_images_take_counts_shared_content_once(environment: EmbeddedEnvironment) -> None:
    assert environment.size(CANCEL) == 0
    first, second = several(), several("other")
    load(environment, first.archive(NAME))
    alone = environment.size(CANCEL)
    assert alone == sum(len(raw) for digest, raw in first.store.blobs.items() if digest not in unheld(first))

    load(environment, second.archive("docker.io/library/other:1"))
    more = {digest: raw for digest, raw in second.store.blobs.items() if digest not in first.store.blobs}
    assert environment.size(CANCEL) == alone + sum(map(len, more.values()))


def unheld(image: Several) -> set[Digest]:
    """What no archive brings, and what only it needs."""
    return {image.absent.digest, *(child.digest for child in image.manifest(image.absent).children)}


def test_an_index_of_nothing_but_other_things_is_listed(environment: EmbeddedEnvironment) -> None:
    store = MemoryStore(complete=False)
    outer = put_index(store, [put_index(store, [put_root_image(store)])])
    load(environment, oci_archive(store, [called(outer, NAME)]))

    details = environment.image("app:1", CANCEL)
    assert [part.kind for part in details.summary.parts] == [PartKind.UNKNOWN]
    assert details.document == {}


def test_an_image_that_is_lost_fails_no_list(tmp_path: Path) -> None:
    with embedded(tmp_path / "lading") as made:
        image = several()
        load(made.environment, image.archive(NAME))
        load(made.environment, docker_archive(["single:1"]))
        for summary in made.environment.images(CANCEL):
            (tmp_path / "lading" / "content" / "blobs" / "sha256" / summary.id[7:]).unlink()

        assert {each.names: each.parts for each in made.environment.images(CANCEL)}[NAME,] == ()
        assert made.environment.image("app:1", CANCEL).document == {}
        assert made.environment.history("single:1", CANCEL) == []
        assert made.environment.size(CANCEL) == 0
        for name in ("app:1", "single:1"):
            made.environment.remove(name, False, CANCEL)
        assert made.environment.images(CANCEL) == []
