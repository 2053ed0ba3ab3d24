"""Images listed, named, removed and pruned over the Docker Engine API."""

from __future__ import annotations

import json

import pytest

from tests.fronts.docker_api.door import Door

ALWAYS = {"Containers", "Created", "Id", "Labels", "ParentId", "RepoDigests", "RepoTags", "SharedSize", "Size"}


def names(door: Door, **query: str) -> list[list[str]]:
    return [each["RepoTags"] for each in door.get("/images/json", **query).json]


def filters(**given: list[str]) -> str:
    return json.dumps({name: dict.fromkeys(values, True) for name, values in given.items()})


# ── the list


@pytest.mark.parametrize(
    ("version", "more"),
    [
        ("1.24", {"VirtualSize"}),
        ("1.41", {"VirtualSize"}),
        ("1.43", {"VirtualSize"}),
        ("1.44", set()),
        ("1.47", set()),
        ("1.48", {"Descriptor"}),
        ("1.51", {"Descriptor"}),
    ],
)
def test_an_image_in_the_list_has_the_fields_of_its_version(door: Door, version: str, more: set[str]) -> None:
    door.load("app:1")

    [image] = door.get(f"/v{version}/images/json").json

    assert set(image) == ALWAYS | more
    assert image["Containers"] == (0 if version == "1.51" else -1)
    assert image.get("VirtualSize", image["Size"]) == image["Size"]


def test_names_in_the_list_are_as_docker_shortens_them(door: Door) -> None:
    loaded = door.load("app:1", "team/app:1", "localhost:5000/a/b:1", "docker.io/library/other:2")

    [image] = door.get("/images/json").json

    assert image["Id"] == loaded
    assert sorted(image["RepoTags"]) == ["app:1", "localhost:5000/a/b:1", "other:2", "team/app:1"]
    assert set(image["RepoDigests"]) == {
        f"{each}@{loaded}" for each in ("app", "other", "team/app", "localhost:5000/a/b")
    }
    assert image["Created"] == 1767323045
    assert image["Labels"] == {"label": "x"}


def test_an_image_without_a_name_is_none_until_1_42(door: Door) -> None:
    door.load("app:1")
    door.load("app:1", label="y")

    older = {tuple(each["RepoTags"]): each["RepoDigests"] for each in door.get("/v1.42/images/json").json}
    newer = {tuple(each["RepoTags"]): each["RepoDigests"] for each in door.get("/v1.43/images/json").json}

    assert older["<none>:<none>",] == ["<none>@<none>"]
    assert newer[()] == []


def test_manifests_are_told_where_asked_for(door: Door) -> None:
    loaded = door.load("app:1")

    [image] = door.get("/v1.47/images/json", manifests="1").json
    assert "Manifests" not in door.get("/v1.46/images/json", manifests="1").json[0]

    [manifest] = image["Manifests"]
    assert manifest["ID"] == loaded
    assert manifest["Available"] is True
    assert manifest["Kind"] == "image"
    assert manifest["Size"] == {"Content": manifest["Size"]["Total"], "Total": manifest["Size"]["Total"]}
    assert manifest["Size"]["Total"] > 0
    assert manifest["ImageData"] == {
        "Platform": {"architecture": "amd64", "os": "linux"},
        "Size": {"Unpacked": 0},
        "Containers": [],
    }
    assert manifest["Descriptor"]["digest"] == loaded


def test_shared_size_is_told_where_asked_for(door: Door) -> None:
    door.load("app:1")
    door.load("other:1", label="y")

    told = door.get("/v1.42/images/json", **{"shared-size": "1"}).json

    assert all(0 < each["SharedSize"] < each["Size"] for each in told)
    assert all(each["SharedSize"] == -1 for each in door.get("/v1.41/images/json", **{"shared-size": "1"}).json)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (filters(reference=["app"]), [["app:1"]]),
        (filters(reference=["app:2"]), []),
        (filters(reference=["*/app"]), [["team/app:1"]]),
        (filters(reference=["*app"]), [["app:1"]]),
        (filters(reference=["*app", "*/*"]), [["app:1"], ["team/app:1"]]),
        (filters(reference=["app:?"]), [["app:1"]]),
        (filters(reference=["app:[1-3]"]), [["app:1"]]),
        (filters(reference=["app:[^1-3]"]), []),
        (filters(label=["label=x"]), [["app:1"]]),
        (filters(label=["label"]), [["app:1"], ["team/app:1"]]),
        (filters(label=["label=x", "label=y"]), []),
        (filters(**{"label!": ["label=x"]}), [["team/app:1"]]),
        (filters(**{"label!": ["none"]}), [["app:1"], ["team/app:1"]]),
        (filters(until=["2020-01-01"]), []),
        (filters(until=["1h"]), [["app:1"], ["team/app:1"]]),
        (filters(before=["app:1"]), []),
        (filters(since=["app:1"]), []),
        (filters(dangling=["false"]), [["app:1"], ["team/app:1"]]),
        (filters(dangling=["true"]), []),
        ('{"reference":["app"]}', [["app:1"]]),
        ("{}", [["app:1"], ["team/app:1"]]),
    ],
)
def test_filters_narrow_the_list(door: Door, given: str, found: list[list[str]]) -> None:
    door.load("app:1", label="x")
    door.load("team/app:1", label="y")

    assert sorted(names(door, filters=given)) == found


def test_a_name_filters_for_the_oldest_clients_alone(door: Door) -> None:
    door.load("app:1")
    door.load("other:1", label="y")

    assert [each["RepoTags"] for each in door.get("/v1.24/images/json", filter="app").json] == [["app:1"]]
    assert len(door.get("/v1.25/images/json", filter="app").json) == 2


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (filters(bogus=["x"]), "invalid filter 'bogus'"),
        (filters(dangling=["maybe"]), "invalid filter 'dangling=[maybe]'"),
        (filters(reference=["[a"]), "invalid filter 'reference=[[a]'"),
        (filters(reference=["[z-a]"]), "invalid filter 'reference=[[z-a]]'"),
        (filters(until=["soon"]), "failed to parse value as time or duration: 'soon'"),
        ("{", 'invalid filters: they are written {"name":{"value":true}} or {"name":["value"]}'),
    ],
)
def test_a_filter_that_is_none_is_refused(door: Door, given: str, sentence: str) -> None:
    assert door.get("/images/json", filters=given).told == (400, sentence)


def test_a_filter_by_an_image_that_is_not_there_says_so(door: Door) -> None:
    assert door.get("/images/json", filters=filters(before=["gone"])).told == (404, "No such image: gone:latest")


# ── names


def test_a_further_name_is_given(door: Door) -> None:
    door.load("app:1")

    made = door.post("/images/app:1/tag", repo="localhost:5000/a/b", tag="2")

    assert (made.status, made.body) == (201, b"")
    assert sorted(names(door)[0]) == ["app:1", "localhost:5000/a/b:2"]


def test_a_name_may_come_as_a_form(door: Door) -> None:
    door.load("app:1")
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

    assert door("POST", "/images/app:1/tag?repo=query&tag=query", b"repo=body", form).status == 201
    assert sorted(names(door)[0]) == ["app:1", "body:query"]


@pytest.mark.parametrize(
    ("repo", "tag", "name"), [("a", "", "a:latest"), ("a:b", "", "a:b"), ("a:b", "c", "a:c"), ("h:1/a", "c", "h:1/a:c")]
)
def test_the_tag_comes_from_its_parameter_or_the_name(door: Door, repo: str, tag: str, name: str) -> None:
    door.load("app:1")

    assert door.post("/images/app:1/tag", repo=repo, tag=tag).status == 201
    assert name in names(door)[0]


@pytest.mark.parametrize(
    ("repo", "tag", "status", "words"),
    [
        ("sha256", "x", 400, "refusing to create an ambiguous tag using digest algorithm as name"),
        (f"a@sha256:{'0' * 64}", "", 400, "refusing to create a tag with a digest reference"),
        ("UPPER", "x", 400, "invalid reference format"),
        ("a", "-x", 400, "invalid reference format"),
        ("", "x", 400, "invalid reference format"),
    ],
)
def test_a_name_that_cannot_be_given_is_refused(door: Door, repo: str, tag: str, status: int, words: str) -> None:
    door.load("app:1")

    told = door.post("/images/app:1/tag", repo=repo, tag=tag).told

    assert told[0] == status
    assert words in told[1]


def test_an_image_that_is_not_there_gets_no_name(door: Door) -> None:
    assert door.post("/images/gone/tag", repo="a").told == (404, "No such image: gone:latest")


# ── removal


def test_one_name_of_several_is_untagged(door: Door) -> None:
    door.load("app:1", "app:2")

    assert door.delete("/images/app:1").json == [{"Untagged": "app:1"}]
    assert names(door) == [["app:2"]]


def test_the_last_name_takes_the_image_with_it(door: Door) -> None:
    image = door.load("team/app:1")

    lines = door.delete("/images/team/app:1").json

    assert lines[:2] == [{"Untagged": "team/app:1"}, {"Untagged": f"team/app@{image}"}]
    assert lines[2] == {"Deleted": image}
    assert names(door) == []


def test_an_image_that_two_repositories_name_goes_by_force_alone(door: Door) -> None:
    image = door.load("app:1", "other:1")

    assert door.delete(f"/images/{image}").told == (
        409,
        f"conflict: unable to delete {image[7:19]} (must be forced) - image is referenced in multiple repositories",
    )
    assert {"Deleted": image} in door.delete(f"/images/{image}", force="1").json


@pytest.mark.parametrize("name", ["gone", "gone:1", "localhost:5000/a/b", "sha256:" + "0" * 64, "0" * 12])
def test_what_is_not_there_cannot_go(door: Door, name: str) -> None:
    status, sentence = door.delete(f"/images/{name}").told

    assert status == 404
    assert sentence.startswith(f"No such image: {name}")


def test_nothing_cannot_go(door: Door) -> None:
    assert door.delete("/images/").told == (400, "image name cannot be blank")


def test_one_platform_goes_by_force_alone(door: Door) -> None:
    door.load("app:1")

    told = door.delete("/v1.50/images/app:1", platforms='{"os":"linux","architecture":"amd64"}').told

    assert told[0] == 409
    assert "--force" in told[1]


def test_a_prune_takes_what_has_no_name(door: Door) -> None:
    old = door.load("app:1")
    door.load("app:1", label="y")

    pruned = door.post("/v1.50/images/prune", filters=filters(dangling=["true"])).json

    assert {"Deleted": old} in pruned["ImagesDeleted"]
    assert pruned["SpaceReclaimed"] >= 0  # a lease may keep content for a day
    assert names(door) == [["app:1"]]


def test_a_prune_of_all_takes_all(door: Door) -> None:
    door.load("app:1")

    pruned = door.post("/images/prune", filters='{"dangling":["0"]}').json

    assert {"Untagged": "app:1"} in pruned["ImagesDeleted"]
    assert names(door) == []


def test_a_prune_that_finds_nothing_says_null(door: Door) -> None:
    assert door.post("/images/prune").json == {"ImagesDeleted": None, "SpaceReclaimed": 0}


def test_a_prune_passes_over_what_its_filters_leave_out(door: Door) -> None:
    door.load("app:1", label="keep")

    door.post("/images/prune", filters=filters(dangling=["false"], **{"label!": ["label=keep"]}))
    door.post("/images/prune", filters=filters(dangling=["false"], until=["2020-01-01"]))

    assert names(door) == [["app:1"]]


def test_a_prune_knows_its_own_filters(door: Door) -> None:
    assert door.post("/images/prune", filters=filters(reference=["x"])).told == (400, "invalid filter 'reference'")
