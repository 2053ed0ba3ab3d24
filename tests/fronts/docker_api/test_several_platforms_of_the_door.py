"""An image for several platforms over the Docker Engine API: whole, and one platform at a time."""

from __future__ import annotations

import pytest

from lading.oci.descriptor import Descriptor
from tests.fakes.several_platforms import Several, several
from tests.fronts.docker_api.door import Door

AMD64 = '{"os":"linux","architecture":"amd64"}'
ARM64 = '{"os":"linux","architecture":"arm64"}'
S390X = '{"os":"linux","architecture":"s390x"}'


@pytest.fixture
def image(door: Door) -> Several:
    """Called app:1."""
    made = several()
    door.load_archive(made.archive("docker.io/library/app:1"))
    return made


def manifests(door: Door) -> dict[str, dict[str, object]]:
    [listed] = door.get("/v1.51/images/json", manifests="1").json
    return {each["ID"]: each for each in listed["Manifests"]}


def test_every_manifest_is_told_by_what_it_is_and_whether_it_is_here(door: Door, image: Several) -> None:
    told = manifests(door)

    kinds = {digest: (each["Kind"], each["Available"]) for digest, each in told.items()}
    assert kinds == {
        str(image.amd64.digest): ("image", True),
        str(image.arm64.digest): ("image", True),
        str(image.absent.digest): ("image", False),
        str(image.attestation.digest): ("attestation", True),
    }
    assert told[str(image.attestation.digest)]["AttestationData"] == {"For": str(image.amd64.digest)}
    arm64 = told[str(image.arm64.digest)]
    content = image.content(image.arm64)
    assert arm64["Size"] == {"Content": content, "Total": content}
    assert arm64["ImageData"] == {
        "Platform": {"architecture": "arm64", "os": "linux"},
        "Size": {"Unpacked": 0},
        "Containers": [],
    }


def test_an_image_takes_what_its_parts_take_and_its_index(door: Door, image: Several) -> None:
    [listed] = door.get("/images/json").json

    parts = (image.amd64, image.arm64, image.attestation)
    shared = image.manifest(image.amd64).layers[0].size
    assert listed["Size"] == sum(map(image.content, parts)) - shared + image.root.size
    assert listed["Size"] == door.get("/images/app:1/json").json["Size"]
    assert listed["Size"] == door.get("/system/df").json["LayersSize"]


def test_an_image_is_its_index(door: Door, image: Several) -> None:
    [listed] = door.get("/images/json").json

    assert listed["Id"] == str(image.root.digest) == listed["Descriptor"]["digest"]
    assert listed["Descriptor"]["mediaType"] == image.root.media_type
    assert door.get("/images/app:1/json").json["Descriptor"] == listed["Descriptor"]


def test_one_platform_is_inspected(door: Door, image: Several) -> None:
    told = {platform: door.get("/v1.49/images/app:1/json", platform=platform).json for platform in (AMD64, ARM64)}

    for platform, part in ((AMD64, image.amd64), (ARM64, image.arm64)):
        assert told[platform]["Id"] == str(image.root.digest)
        assert told[platform]["Size"] == image.content(part)
        assert told[platform]["Architecture"] in platform
    assert told[AMD64]["RootFS"] != told[ARM64]["RootFS"]
    assert door.get("/v1.49/images/app:1/json").json["Architecture"] == "amd64"


def test_the_history_is_of_the_platform_that_is_asked_for(door: Door, image: Several) -> None:
    by_platform = [door.get("/v1.48/images/app:1/history", platform=each).json for each in (AMD64, ARM64)]
    own = door.get("/v1.48/images/app:1/history").json

    assert by_platform[0] == own
    assert [step["Size"] for step in by_platform[0]] == _sizes(image, image.amd64)
    assert [step["Size"] for step in by_platform[1]] == _sizes(image, image.arm64)
    assert by_platform[1][0]["Id"] == str(image.root.digest)
    assert door.get("/v1.47/images/app:1/history", platform=ARM64).json == own


def _sizes(image: Several, part: Descriptor) -> list[int]:
    return [layer.size for layer in reversed(image.manifest(part).layers)]


@pytest.mark.parametrize("path", ["/v1.49/images/app:1/json", "/v1.48/images/app:1/history"])
@pytest.mark.parametrize(
    ("platform", "word"), [('{"os":"linux","architecture":"riscv64"}', "linux/riscv64"), (S390X, "linux/s390x")]
)
def test_a_platform_that_it_was_not_built_for_or_that_is_not_here_is_not_found(
    door: Door, image: Several, path: str, platform: str, word: str
) -> None:
    assert door.get(path, platform=platform).told == (
        404,
        f"image with reference app:1 was found but does not provide the specified platform ({word})",
    )


def test_an_image_is_found_by_any_digest_in_it(door: Door, image: Several) -> None:
    config = image.manifest(image.arm64).config.digest

    for digest in (image.root.digest, image.amd64.digest, image.arm64.digest, config):
        for name in (str(digest), digest.encoded[:12]):
            assert door.get(f"/images/{name}/json").json["Id"] == str(image.root.digest), name
    assert door.get(f"/images/{image.arm64.digest}/json").json["Architecture"] == "arm64"


def test_one_platform_is_removed_by_force(door: Door, image: Several) -> None:
    lines = door.delete("/v1.50/images/app:1", platforms=ARM64, force="1").json

    assert {"Deleted": str(image.arm64.digest)} in lines
    left = {digest: each["Available"] for digest, each in manifests(door).items()}
    assert left[str(image.arm64.digest)] is False
    assert left[str(image.amd64.digest)] is True
    assert door.get("/images/app:1/json").json["Id"] == str(image.root.digest)


def test_a_platform_that_is_not_in_it_cannot_be_removed(door: Door, image: Several) -> None:
    told = door.delete("/v1.50/images/app:1", platforms='{"os":"linux","architecture":"riscv64"}', force="1").told

    assert told == (
        404,
        "image with reference app:1 was found but does not provide the specified platform (linux/riscv64)",
    )
