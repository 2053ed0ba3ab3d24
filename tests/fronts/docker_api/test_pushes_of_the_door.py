"""Pushes by Docker's API: real jobs from our engine to a registry, in Docker's lines."""

from __future__ import annotations

import pytest

from tests.fakes.several_platforms import several
from tests.fronts.docker_api.door import Door
from tests.fronts.docker_api.transfers import error, lines, pull, push, statuses
from tests.fronts.docker_api.upstream import Upstream


def test_a_push_is_told_from_its_first_line_to_its_digest(door: Door, app: str) -> None:
    told = push(door, app, tag="1")

    assert told[0] == {"status": f"The push refers to repository [{app}]"}
    assert statuses(told)[1:3] == ["Preparing"] * 2
    assert sorted(line for line in statuses(told) if line == "Pushed") == ["Pushed"] * 2
    aux = told[-1]["aux"]
    assert told[-2] == {"status": f"1: digest: {aux['Digest']} size: {aux['Size']}"}
    assert aux["Tag"] == "1"
    assert door.get(f"/images/{app}:1/json").json["Id"] == aux["Digest"]


def test_every_line_about_a_layer_has_an_id_and_progress(door: Door, app: str) -> None:
    told = push(door, app, tag="1")[1:-2]

    assert told
    assert all(len(line["id"]) == 12 and "progressDetail" in line for line in told)


def test_what_is_there_is_said_to_be_there(door: Door, app: str) -> None:
    push(door, app, tag="1")

    assert statuses(push(door, app, tag="1"))[1:-1] == ["Preparing"] * 2 + ["Layer already exists"] * 2


@pytest.mark.parametrize(
    ("path", "query", "pushed"),
    [(":2", {}, ["2"]), (":2", {"tag": "1"}, ["1"]), ("", {"tag": "2"}, ["2"]), ("", {}, ["1", "2"])],
)
def test_the_tag_decides_which_are_pushed(
    door: Door, app: str, path: str, query: dict[str, str], pushed: list[str]
) -> None:
    door.post(f"/images/{app}:1/tag", repo=app, tag="2")

    told = push(door, app + path, **query)

    assert [line["aux"]["Tag"] for line in told if "aux" in line] == pushed
    assert statuses(told).count(f"The push refers to repository [{app}]") == 1


def test_what_is_not_here_is_told_in_the_stream(door: Door, app: str, registry: Upstream) -> None:
    assert error(push(door, app, tag="none")) == f"tag does not exist: {app}:none"
    other = f"{registry.host}/team/other"
    assert error(push(door, other, tag="1")) == f"An image does not exist locally with the tag: {other}"
    assert error(push(door, other)) == f"An image does not exist locally with the tag: {other}"


@pytest.mark.parametrize(
    ("path", "query", "told"),
    [
        ("@sha256:" + "0" * 64, {}, (400, "cannot push a digest reference")),
        (":1", {"platform": "{}"}, (400, "invalid platform: both OS and Architecture must be provided")),
        (":1", {"platform": "linux/amd64"}, (400, "invalid platform: it is not the JSON of a platform")),
    ],
)
def test_what_cannot_be_asked_is_a_status(
    door: Door, app: str, path: str, query: dict[str, str], told: tuple[int, str]
) -> None:
    assert door.post(f"/images/{app}{path}/push", **query).told == told


def test_a_platform_that_the_image_lacks_is_told_in_the_stream(door: Door, app: str) -> None:
    told = push(door, app, tag="1", platform='{"os":"linux","architecture":"s390x"}')

    assert error(told) == (
        f"image with reference {app}:1 was found but does not provide the specified platform (linux/s390x)"
    )


def test_a_platform_is_not_asked_of_old_versions(door: Door, app: str) -> None:
    told = lines(door.post(f"/v1.45/images/{app}/push", tag="1", platform="nonsense"))

    assert told[-1]["aux"]["Tag"] == "1"


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        ((403, "DENIED", "this tag is locked"), "denied: this tag is locked"),
        ((401, "UNAUTHORIZED", "authentication required"), "unauthorized: authentication required"),
        ((400, "NAME_INVALID", "invalid repository name"), "name invalid: invalid repository name"),
    ],
)
def test_what_the_registry_says_is_passed_on(
    door: Door, app: str, registry: Upstream, refusal: tuple[int, str, str], text: str
) -> None:
    pull(door, app, tag="none")  # after this it is known to speak plain HTTP
    registry.refusal = refusal

    assert error(push(door, app, tag="1")) == text


def test_a_registry_that_is_not_there_is_named(door: Door) -> None:
    door.load("127.0.0.1:1/a:1")

    assert error(push(door, "127.0.0.1:1/a", tag="1")).startswith('Get "https://127.0.0.1:1/v2/": ')


def test_one_platform_of_an_index_is_pushed_as_a_manifest_of_its_own(door: Door, registry: Upstream) -> None:
    image, name = several("one"), f"{registry.host}/team/several"
    door.load_archive(image.archive(f"{name}:1", without=[image.arm64.digest]))

    told = push(door, name, tag="1")

    note, size = told[-3]["aux"], image.amd64.size
    assert note["manifestPushedInsteadOfIndex"] is True
    assert note["originalIndex"]["digest"] == str(image.root.digest)
    assert sorted(note["selectedManifest"]) == ["digest", "mediaType", "size"]
    assert told[-1]["aux"] == {"Tag": "1", "Digest": str(image.amd64.digest), "Size": size}


def test_several_platforms_of_an_index_are_not_pushed_in_silence(door: Door, registry: Upstream) -> None:
    image, name = several("two"), f"{registry.host}/team/several"
    door.load_archive(image.archive(f"{name}:1"))

    told = push(door, name, tag="1")

    assert told[-2]["aux"] == {
        "contentMissing": True,
        "desc": {**told[-2]["aux"]["desc"], "digest": str(image.absent.digest)},
    }
    assert error(told).startswith("multiple matching manifests found but no specific platform requested: ")


def test_a_platform_of_an_index_is_pushed_where_it_is_asked_for(door: Door, registry: Upstream) -> None:
    image, name = several("asked"), f"{registry.host}/team/several"
    door.load_archive(image.archive(f"{name}:1"))

    told = push(door, name, tag="1", platform='{"os":"linux","architecture":"arm64"}')

    assert told[-1]["aux"]["Digest"] == str(image.arm64.digest)
    assert not any("manifestPushedInsteadOfIndex" in line.get("aux", {}) for line in told)
