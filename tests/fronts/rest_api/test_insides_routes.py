"""Layers, places, comparisons, grids and lists of images over the API (interfaces §2, images)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from lading.oci.digest import Digest
from tests.fakes.docker_archives import docker_archive
from tests.fronts.rest_api import caller
from tests.fronts.rest_api.caller import DENIED, JSON, House

ONE, TWO = "team/one:1", "team/two:1"
BASE, FIRST, SECOND = (word * 300 for word in (b"base", b"first", b"second"))
"""Layers, which nobody unpacks."""

SAID = {"Accept": JSON}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Two images that share a base; both in our own registry too."""
    with caller.house(tmp_path_factory.mktemp("house")) as running:
        for name, own in ((ONE, FIRST), (TWO, SECOND)):
            archive = docker_archive([name], [BASE, own], label=name)
            assert running.admin("POST", "/api/images/import", raw=archive, headers=SAID).status == 200
        registry = running.own_registry()
        for image, target in ((ONE, "grid/app:1"), (ONE, "grid/app:2"), (TWO, "grid/app:3"), (TWO, "secret/app:1")):
            body = {"imageId": image, "registryId": registry, "newTag": target}
            pushed = running.admin("POST", "/api/images/push", body, headers=SAID)
            assert pushed.status == 200, pushed.text
        yield running


@pytest.fixture(scope="module")
def outsider(house: House) -> caller.Caller:
    """Who may see team/one and the repository grid/app, and nothing else."""
    some = {"permissions": ["images:view", "repositories:view"], "repositories": ["docker.io/team/one", "grid/*"]}
    return house.user("outsider", house.role("outsider", some))


def path(image: str, verb: str = "") -> str:
    return f"/api/images/{quote(image, safe='')}{'/' if verb else ''}{verb}"


def test_layers_are_told_from_the_base_up_with_who_shares_them(house: House) -> None:
    told = house.admin.get(path(ONE, "layers")).json

    base, own = told["layers"]
    assert (base["createdBy"], base["diffId"], base["empty"]) == ("step 0", str(Digest.of(BASE)), False)
    assert base["shared"] == 1 + 2  # the other image, and its two tags
    assert own["shared"] == 0  # its own tags are no others
    assert (told["total"], told["unique"]) == (base["size"] + own["size"], own["size"])
    assert told["platforms"] == [told["platform"]] == ["linux/amd64"]


def test_of_who_shares_a_layer_only_those_count_that_may_be_seen(house: House, outsider: caller.Caller) -> None:
    base, own = outsider.get(path(ONE, "layers")).json["layers"]

    assert (base["shared"], own["shared"]) == (1, 0)  # grid/app:3
    assert outsider.get(path(TWO, "layers")).brief == (403, DENIED["error"])


def test_places_are_found_by_digest_under_whatever_name(house: House, outsider: caller.Caller) -> None:
    house.admin.post(path(ONE, "tag"), {"repo": "secret/other:9"})
    places = [(each["kind"], each["reference"], each["state"]) for each in house.admin.get(path(ONE, "places")).json]
    seen = [(each["kind"], each["reference"]) for each in outsider.get(path(ONE, "places")).json]
    house.admin("DELETE", path("secret/other:9"))

    assert places == [
        ("repository", "grid/app:1", "here"),
        ("repository", "grid/app:2", "here"),
        ("environment", "secret/other:9", "here"),
        ("environment", ONE, "here"),
    ]
    assert seen == [("repository", "grid/app:1"), ("repository", "grid/app:2"), ("environment", ONE)]


def test_a_host_that_does_not_answer_is_listed_and_not_waited_for(house: House) -> None:
    form = {"name": "gone", "connectionType": "socket", "socketPath": "/nowhere/docker.sock"}
    made = house.admin.post("/api/environments", form).json

    found = [each for each in house.admin.get(path(TWO, "places")).json if each["environmentId"] == made["id"]]
    house.admin("DELETE", f"/api/environments/{made['id']}")

    assert [(each["name"], each["state"], each["reference"], each["seenAt"]) for each in found] == [
        ("gone", "unknown", None, None)
    ]


def test_two_images_are_compared(house: House) -> None:
    told = house.admin.get(f"/api/images/compare?a={ONE}&b={TWO}").json

    assert (told["a"]["name"], told["b"]["name"], told["same"]) == (ONE, TWO, False)
    assert {name: [each["diffId"] for each in layers] for name, layers in told["layers"].items()} == {
        "same": [str(Digest.of(BASE))],
        "added": [str(Digest.of(SECOND))],
        "removed": [str(Digest.of(FIRST))],
    }
    assert told["config"] == [{"name": "Labels.label", "before": ONE, "after": TWO}]
    assert (told["packages"], told["findings"]) == (None, None)  # nobody scanned them


def test_a_comparison_needs_two_images_and_the_right_to_see_both(house: House, outsider: caller.Caller) -> None:
    assert house.admin.get(f"/api/images/compare?a={ONE}").brief == (400, "a and b are the two images to compare")
    assert outsider.get(f"/api/images/compare?a={ONE}&b={TWO}").brief == (403, DENIED["error"])
    assert outsider.get(f"/api/images/compare?a={ONE}&b={ONE}").json["same"]


def test_a_grid_tells_which_tags_share_which_layers(house: House, outsider: caller.Caller) -> None:
    grid = outsider.get("/api/repositories/grid%2Fapp/layers").json

    shared, *others = grid["layers"]
    by_tag = {each["tag"]: each["has"] for each in grid["tags"]}
    assert [each["tag"] for each in grid["tags"]] == ["3", "2", "1"]  # the newest first
    assert by_tag["1"] == by_tag["2"]
    assert set(by_tag["1"]) & set(by_tag["3"]) == {0}
    assert shared["size"] is not None
    assert len(others) == 2
    assert (grid["moreTags"], grid["moreLayers"]) == (0, 0)
    assert outsider.get("/api/repositories/secret%2Fapp/layers").brief == (403, DENIED["error"])
    assert house.admin.get("/api/repositories/no%2Fone/layers").status == 404


def test_a_page_of_images_tells_what_is_known_of_each(house: House) -> None:
    page = house.admin.get("/api/images?page=1&limit=2&sort=-name").json

    (two, one) = page["items"]
    assert (two["tags"], one["tags"], page["total"]) == ([TWO], [ONE], 2)
    own_layer = house.admin.get(path(ONE, "layers")).json["unique"]
    assert own_layer < one["uniqueSize"] < one["size"] + 10_000  # its config and manifest besides
    assert (one["severity"], one["locked"], one["signed"]) == (None, None, None)
    assert "uniqueSize" not in house.admin.get("/api/images").json[0]
    assert house.admin.get("/api/images?sort=colour").status == 400


@pytest.mark.parametrize("word", ["name", "created", "size", "severity", "uniqueSize"])
def test_images_are_sorted_both_ways(house: House, word: str) -> None:
    lists = [house.admin.get(f"/api/images?page=1&sort={sign}{word}").json["items"] for sign in ("", "-")]

    keys = [[each["tags"] if word == "name" else each.get(word) or 0 for each in items] for items in lists]
    assert keys[0] == sorted(keys[0])
    assert keys[1] == sorted(keys[1], reverse=True)


def test_an_image_of_our_own_registry_is_locked_where_a_rule_protects_its_tag(house: House) -> None:
    name = f"{house.running.address}/locked/app:1"
    house.admin.post(path(ONE, "tag"), {"repo": name})
    body = {"imageId": ONE, "registryId": house.own_registry(), "newTag": "locked/app:1"}
    house.admin("POST", "/api/images/push", body, headers=SAID)
    before = house.admin.get(path(ONE)).json["locked"]
    house.admin("PUT", "/api/repositories/locked%2Fapp", {"immutable": True})

    assert (before, house.admin.get(path(ONE)).json["locked"]) == (False, True)
    house.admin("DELETE", path(name))


def test_a_removed_image_is_told_of_by_whom_and_when(house: House, outsider: caller.Caller) -> None:
    gone = house.load("passing/app:1", label="passing")
    assert house.admin.get(path(gone)).status == 200
    house.admin("DELETE", path("passing/app:1"))

    for asked in (path(gone), path("passing/app:1", "layers"), f"/api/images/compare?a={gone}&b={ONE}"):
        answer = house.admin.get(asked)
        assert answer.status == 404
        assert answer.json["detail"].startswith("admin removed it at 20")
    assert "removed" not in str(house.admin.get(path("never/was:1")).json["detail"])
    assert "admin" not in outsider.get(path(gone)).text
