"""One image looked at over the Docker Engine API, and its history."""

from __future__ import annotations

import pytest

from tests.fronts.docker_api.door import Door

ALWAYS = {
    "Id",
    "RepoTags",
    "RepoDigests",
    "Parent",
    "Comment",
    "Created",
    "DockerVersion",
    "Author",
    "Config",
    "Architecture",
    "Os",
    "Size",
    "GraphDriver",
    "RootFS",
    "Metadata",
}
SETTINGS = {"User", "Env", "Cmd", "Volumes", "WorkingDir", "Entrypoint", "OnBuild", "Labels"}
RUNTIME = {
    "Hostname",
    "Domainname",
    "AttachStdin",
    "AttachStdout",
    "AttachStderr",
    "Tty",
    "OpenStdin",
    "StdinOnce",
    "Image",
}
AMD64 = '{"os":"linux","architecture":"amd64"}'
ARM64 = '{"os":"linux","architecture":"arm64"}'


@pytest.mark.parametrize(
    ("version", "more", "settings"),
    [
        ("1.24", {"VirtualSize", "Container", "ContainerConfig"}, SETTINGS | RUNTIME),
        ("1.41", {"VirtualSize", "Container", "ContainerConfig"}, SETTINGS | RUNTIME),
        ("1.43", {"VirtualSize", "Container", "ContainerConfig"}, SETTINGS | RUNTIME),
        ("1.44", {"Container", "ContainerConfig"}, SETTINGS | RUNTIME),
        ("1.45", set(), SETTINGS | RUNTIME),
        ("1.48", {"Descriptor"}, SETTINGS | RUNTIME),
        ("1.49", {"Descriptor"}, SETTINGS | RUNTIME),
        ("1.50", {"Descriptor"}, SETTINGS),
        ("1.51", {"Descriptor"}, SETTINGS),
    ],
)
def test_an_image_has_the_fields_of_its_version(door: Door, version: str, more: set[str], settings: set[str]) -> None:
    door.load("app:1")

    image = door.get(f"/v{version}/images/app:1/json").json

    assert set(image) == ALWAYS | more
    assert set(image["Config"]) == settings


def test_an_image_tells_what_its_config_says(door: Door) -> None:
    loaded = door.load("app:1")

    image = door.get("/images/app:1/json").json

    assert image["Id"] == loaded == image["Descriptor"]["digest"]
    assert (image["RepoTags"], image["RepoDigests"]) == (["app:1"], [f"app@{loaded}"])
    assert (image["Os"], image["Architecture"], image["Created"]) == ("linux", "amd64", "2026-01-02T03:04:05Z")
    assert image["Config"]["Cmd"] == ["/bin/true"]
    assert image["Config"]["Env"] == ["A=b"]
    assert image["Config"]["Labels"] == {"label": "x"}
    assert image["Config"]["Entrypoint"] is None
    assert image["GraphDriver"] == {"Data": None, "Name": "lading"}
    assert image["RootFS"]["Type"] == "layers"
    assert len(image["RootFS"]["Layers"]) == 2
    assert image["Metadata"]["LastTagTime"].startswith("20")


@pytest.mark.parametrize(
    "spelling",
    [
        "app:1",
        "library/app:1",
        "docker.io/library/app:1",
        "docker.io%2Flibrary%2Fapp%3A1",
        "{id}",
        "{hex}",
        "{short}",
        "app@{id}",
        "app:1@{id}",
    ],
)
def test_an_image_is_found_by_each_of_its_names(door: Door, spelling: str) -> None:
    loaded = door.load("app:1")
    digits = loaded.partition(":")[2]
    name = spelling.format(id=loaded, hex=digits, short=digits[:12])

    for path in (f"/images/{name}/json", f"/v1.41/images/{name}/json"):
        assert door.get(path).json["Id"] == loaded


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone", "gone:latest"),
        ("gone:1", "gone:1"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b:1"),
        ("app:2", "app:2"),
        ("docker.io/library/gone", "gone:latest"),
        (f"sha256:{'0' * 64}", f"sha256:{'0' * 64}"),
        (f"app@sha256:{'0' * 64}", f"app@sha256:{'0' * 64}"),
    ],
)
def test_an_image_that_is_not_there_is_called_as_docker_calls_it(door: Door, name: str, said: str) -> None:
    door.load("app:1")

    for path in (f"/images/{name}/json", f"/images/{name}/history"):
        assert door.get(path).told == (404, f"No such image: {said}")


def test_what_is_no_name_is_refused(door: Door) -> None:
    status, sentence = door.get("/images/UPPER/json").told

    assert status == 400
    assert sentence.startswith("invalid reference format")


def test_one_platform_may_be_asked_for(door: Door) -> None:
    door.load("app:1")

    assert door.get("/v1.49/images/app:1/json", platform=AMD64).json["Architecture"] == "amd64"
    assert door.get("/v1.49/images/app:1/json", manifests="1").json["Manifests"][0]["Kind"] == "image"
    assert door.get("/v1.48/images/app:1/json", platform=ARM64).status == 200
    assert door.get("/v1.47/images/app:1/json", manifests="1").json.get("Manifests") is None


def test_a_platform_that_is_not_there_is_said_so(door: Door) -> None:
    door.load("app:1")

    for path in ("/v1.49/images/app:1/json", "/v1.49/images/app:1/history"):
        assert door.get(path, platform=ARM64).told == (
            404,
            "image with reference app:1 was found but does not provide the specified platform (linux/arm64)",
        )


@pytest.mark.parametrize("platform", ["linux/amd64", '{"os":"linux"}'])
def test_a_platform_that_is_none_is_refused(door: Door, platform: str) -> None:
    door.load("app:1")

    status, sentence = door.get("/images/app:1/json", platform=platform).told

    assert status == 400
    assert sentence.startswith("invalid platform: ")


def test_manifests_and_one_platform_contradict_each_other(door: Door) -> None:
    door.load("app:1")

    assert door.get("/v1.49/images/app:1/json", platform=AMD64, manifests="1").status == 400


def test_the_history_begins_with_the_image_itself(door: Door) -> None:
    loaded = door.load("app:1")

    newest, oldest = door.get("/v1.41/images/app:1/history").json

    assert set(newest) == {"Comment", "Created", "CreatedBy", "Id", "Size", "Tags"}
    assert (newest["Id"], newest["Tags"], newest["CreatedBy"]) == (loaded, ["app:1"], "step 1")
    assert (oldest["Id"], oldest["Tags"], oldest["CreatedBy"]) == ("<missing>", None, "step 0")
    assert newest["Created"] == 1767323045
    assert oldest["Size"] > 0
