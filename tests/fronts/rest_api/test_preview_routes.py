"""What a push or a pull would come to, told beforehand, by the rules that hold when it is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fronts.rest_api.caller import DENIED, House, done

PUSH, PULL = "/api/images/push/preview", "/api/images/pull/preview"


@pytest.fixture(scope="module")
def ghcr(house: House) -> int:
    form = {"name": "ghcr", "url": "https://ghcr.io/acme", "username": "ann", "password": "secret"}
    return int(house.admin.post("/api/registries", form).json["id"])


@pytest.fixture(scope="module")
def away(house: House) -> int:
    """An environment that nobody can ask: nobody does."""
    form = {"name": "away", "connectionType": "direct", "host": "127.0.0.1", "port": 1, "protocol": "http"}
    return int(house.admin.post("/api/environments", form).json["id"])


def problems(told: Any) -> list[tuple[str, str]]:
    return [(each["field"], each["text"]) for each in told["problems"]]


def test_the_preview_is_where_the_push_goes(house: House, registry: int, image: str) -> None:
    body = {"imageId": image, "registryId": registry, "newTag": "previewed/app:2", "tags": ["3"]}
    told = house.admin.post(PUSH, body).json
    pushed = done(house.admin, house.admin.post("/api/images/push", body).json["jobId"])

    assert told["problems"] == []
    assert told["targets"] == pushed["result"]["targets"]  # type: ignore[index]  # a job that is done has one
    assert told["target"] == told["targets"][0]
    assert told["registry"] == {"id": registry, "name": "own"}
    assert told["credential"] == "admin, the login of own."


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({"newTag": "web:9"}, "ghcr.io/acme/web:9"),
        ({"newTag": "ghcr.io/acme/web"}, "ghcr.io/acme/web:latest"),
        ({}, "ghcr.io/acme/team/app:1"),
    ],
)
def test_targets_follow_the_rules_of_pushes(
    house: House, image: str, ghcr: int, body: dict[str, str], target: str
) -> None:
    told = house.admin.post(PUSH, {"imageId": image, "registryId": ghcr, **body}).json

    assert (told["target"], told["problems"]) == (target, [])
    assert told["credential"] == "ann, the login of ghcr."


def test_a_target_is_served_by_the_registry_that_fits(house: House, image: str, ghcr: int) -> None:
    fits = house.admin.post(PUSH, {"imageId": image, "target": "ghcr.io/acme/web"}).json
    none = house.admin.post(PUSH, {"imageId": image, "target": "quay.io/acme/web"}).json

    assert (fits["target"], fits["registry"]) == ("ghcr.io/acme/web:latest", {"id": ghcr, "name": "ghcr"})
    assert (none["target"], none["registry"]) == ("quay.io/acme/web:latest", None)
    assert none["credential"] == "No login: no configured registry serves quay.io."


def test_each_field_that_is_wrong_is_named(house: House, image: str, ghcr: int) -> None:
    def told(**body: object) -> list[str]:
        return [field for field, _ in problems(house.admin.post(PUSH, body).json)]

    assert told() == ["imageId", "registryId"]
    assert told(imageId="nothing:here", registryId=ghcr) == ["imageId"]
    assert told(imageId=image, registryId=999) == ["registryId"]
    assert told(imageId=image, registryId=ghcr, newTag="UPPER/x") == ["newTag"]
    assert told(imageId=image, target="x@sha256:" + "a" * 64) == ["target"]
    assert told(imageId=image, registryId=ghcr, target="a/b") == ["target"]
    assert told(imageId=image, registryId=ghcr, tags=["-bad"]) == ["tags"]
    assert told(imageId=image, registryId=ghcr, platform="linux/") == ["platform"]


def test_a_host_is_not_asked(house: House, ghcr: int, away: int) -> None:
    body = {"imageId": "sha256:" + "a" * 64, "registryId": ghcr}
    named = house.admin.post(f"{PUSH}?env={away}", {**body, "imageName": "web:1"}).json
    unnamed = house.admin.post(f"{PUSH}?env={away}", body).json
    chosen = house.admin.post(f"{PUSH}?env={away}", {**body, "newTag": "web:2"}).json

    assert (named["target"], named["problems"]) == ("ghcr.io/acme/web:1", [])
    assert (unnamed["target"], unnamed["problems"]) == (None, [])
    assert chosen["target"] == "ghcr.io/acme/web:2"


def test_what_one_may_not_is_a_problem(house: House, image: str, ghcr: int) -> None:
    grant = {"permissions": ["images:*"], "repositories": ["ghcr.io/acme/web", "team/*"]}
    some = house.user("some", house.role("some", grant))
    here = some.post(PUSH, {"imageId": "team/app:1", "registryId": ghcr, "newTag": "web:1"}).json
    there = some.post(PUSH, {"imageId": "team/app:1", "registryId": ghcr, "newTag": "other:1"}).json

    assert here["problems"] == []
    assert problems(there) == [("newTag", "You may not push there.")]
    assert problems(some.post(PULL, {"image": "busybox"}).json) == [("image", "You may not pull busybox there.")]
    none = house.user("none")
    assert [none.post(path, {"imageId": image}).json for path in (PUSH,)] == [DENIED]
    assert none.post(PULL, {"image": "a"}).json == DENIED


def test_a_pull_is_told_as_it_is_read(house: House, ghcr: int) -> None:
    def told(image: str) -> Any:
        return house.admin.post(PULL, {"image": image}).json

    assert told("busybox")["reference"] == "busybox:latest"
    assert told("busybox")["credential"] == "No login: no configured registry serves Docker Hub."
    assert told("ghcr.io/acme/web")["registry"] == {"id": ghcr, "name": "ghcr"}
    assert problems(told("")) == [("image", "Image name is required")]
    assert told("A B")["reference"] is None
    assert [field for field, _ in problems(told("A B"))] == ["image"]


def test_no_login_is_told_of_where_one_may_not_go(house: House, image: str, ghcr: int) -> None:
    """Nor, to who sees no registries, which host a row stands for, or as whom Lading logs in."""
    few = house.user(
        "few", house.role("few", {"permissions": ["images:*"], "repositories": ["team/*", "ghcr.io/mine/*"]})
    )
    hidden = few.post(PUSH, {"imageId": "team/app:1", "registryId": ghcr}).json
    typed = few.post(PUSH, {"imageId": "team/app:1", "target": "ghcr.io/acme/web:1"}).json
    pulled = few.post(PULL, {"image": "ghcr.io/acme/web"}).json

    assert (hidden["target"], hidden["targets"]) == (None, [])
    assert "ghcr" not in str(hidden)
    assert (typed["target"], pulled["reference"]) == ("ghcr.io/acme/web:1", "ghcr.io/acme/web:latest")
    for told in (hidden, typed, pulled):
        assert (told["registry"], told["credential"]) == (None, None)
        assert len(told["problems"]) == 1
    house.admin.post(
        "/api/registries", {"name": "mine", "url": "https://ghcr.io/mine", "username": "robot", "password": "x"}
    )
    mine = few.post(PULL, {"image": "ghcr.io/mine/web"}).json
    assert (mine["registry"]["name"], mine["credential"]) == ("mine", "The login of mine.")


def test_a_name_that_one_may_not_see_names_no_push(house: House, image: str, registry: int) -> None:
    """An image has two names, of which the first is somebody else's."""
    house.admin.post("/api/images/team%2Fapp:1/tag", {"repo": "aaa-hidden/app", "tag": "1"})
    own = house.admin.get(f"/api/registries/{registry}").json["url"].partition("://")[2]
    some = house.user(
        "seer", house.role("seer", {"permissions": ["images:*"], "repositories": ["team/*", f"{own}/team/*"]})
    )
    told = some.post(PUSH, {"imageId": "team/app:1", "registryId": registry}).json
    pushed = done(some, some.post("/api/images/push", {"imageId": "team/app:1", "registryId": registry}).json["jobId"])

    assert "hidden" not in str(told)
    assert (told["target"], told["problems"]) == (f"{own}/team/app:1", [])
    assert pushed["status"] == "done"
