"""Repositories of our own registry over REST: settings, rules, tags, releases."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tests.fronts.rest_api.caller import DENIED, House

HERE = "/api/repositories/rules%2Fapp"


def push(house: House, name: str, label: str = "x", way: str = "application/json") -> tuple[int, str]:
    """An image into our own registry as rules/<name>; what was said."""
    image = house.load(f"{name.partition(':')[0]}:{label}", label=label)
    form = {"imageId": image, "registryId": house.own_registry(), "newTag": f"rules/{name}"}
    answer = house.admin.post("/api/images/push", form, Accept=way)
    return answer.status, str(answer.json.get("error"))


@pytest.fixture
def app(house: House) -> str:
    """A repository with the tag 1.0, without rules; its path here."""
    house.admin("PUT", HERE, {"rules": [], "visibility": "private"})
    house.admin("DELETE", HERE)
    assert push(house, "app:1.0") == (200, "None")
    return HERE


def test_a_repository_tells_of_itself(house: House, app: str) -> None:
    row = house.admin.get(app).json

    assert row["name"] == "rules/app"
    assert (row["visibility"], row["immutable"], row["rules"], row["tags"]) == ("private", False, [], 1)
    assert row["size"] > 100
    assert row["pushedAt"] >= row["createdAt"] > "2026"
    assert row in house.admin.get("/api/repositories").json
    assert house.admin.get("/api/repositories?filter=RULES/&page=1").json == {"items": [row], "total": 1}


def test_what_is_sent_is_changed_and_the_rest_stays(house: House, app: str) -> None:
    rule = {"tags": ["v*"], "excepts": ["v0*"], "protects": "overwrite", "releases": "age", "afterSeconds": 60.0}
    assert house.admin("PUT", app, {"rules": [rule], "visibility": "public"}).json["rules"] == [rule]
    assert house.admin("PUT", app, {"immutable": True}).json["visibility"] == "public"

    row = house.admin.get(app).json
    assert row["immutable"] is True
    assert row["rules"][1] == rule
    assert house.admin("PUT", app, {"immutable": False}).json["rules"] == [rule]
    assert house.admin("PUT", app, {"rules": []}).json["rules"] == []


def test_a_repository_is_made_with_its_rules_before_anything_is_pushed(house: House) -> None:
    made = house.admin("PUT", "/api/repositories/rules%2Fnew", {"immutable": True})

    assert (made.status, made.json["immutable"], made.json["tags"]) == (200, True, 0)
    assert house.admin("DELETE", "/api/repositories/rules%2Fnew").status == 204
    assert house.admin.get("/api/repositories/rules%2Fnew").status == 404


def test_a_change_of_a_repository_that_is_not_there_makes_none(house: House) -> None:
    changed = house.admin("PATCH", "/api/repositories/rules%2Ftypo", {"visibility": "public", "immutable": True})

    assert (changed.status, changed.json["error"]) == (404, "there is no repository rules/typo")
    assert house.admin.get("/api/repositories/rules%2Ftypo").status == 404


def test_an_immutable_tag_stays_whatever_is_asked(house: House, app: str) -> None:
    house.admin("PUT", app, {"immutable": True})
    (tag,) = house.admin.get(f"{app}/tags").json

    refusals = [
        house.admin("DELETE", f"{app}/tags/1.0"),
        house.admin("DELETE", app),
        house.admin.post(f"{app}/rename", {"to": "rules/else"}),
    ]
    pushed = push(house, "app:1.0", label="other")

    reason = "tag 1.0 of rules/app is immutable (rule ** of this repository)"
    assert [answer.status for answer in refusals] == [409, 409, 409]
    assert [answer.json["code"] for answer in refusals] == ["immutable"] * 3
    assert [answer.json["error"] for answer in refusals] == [
        f"{reason}: it cannot be deleted",
        f"{reason}: the repository cannot be deleted or renamed",
        f"{reason}: the repository cannot be deleted or renamed",
    ]
    assert pushed[0] == 409
    assert f"{reason}: it cannot be overwritten" in pushed[1]
    assert push(house, "app:1.0") == (200, "None")
    assert house.admin.get(f"{app}/tags").json == [tag]
    assert [each["against"] for each in tag["protectedBy"]] == ["overwrite", "delete"]
    assert tag["protectedBy"][0]["rule"] == house.admin.get(app).json["rules"][0]
    assert tag["protectedBy"][0]["scope"] == "repository"
    denied = house.admin.get("/api/audit?result=denied&filter=rules/app:1.0").json
    assert {row["details"]["refused"] for row in denied} >= {
        refusals[0].json["error"],
        f"{reason}: it cannot be overwritten",
    }


def test_a_release_is_used_once_and_on_the_trail(house: House, app: str) -> None:
    house.admin("PUT", app, {"immutable": True})
    assert house.admin.post(f"{app}/tags/1.0/release", {}).status == 400

    released = house.admin.post(f"{app}/tags/1.0/release", {"reason": "it holds a secret"})
    assert (released.status, released.json["username"], released.json["until"]) == (200, "admin", None)
    assert house.admin.get(f"{app}/tags").json[0]["release"]["reason"] == "it holds a secret"
    assert push(house, "app:1.0", label="second") == (200, "None")
    assert push(house, "app:1.0", label="third")[0] == 409

    (record,) = house.admin.get("/api/audit?action=release&limit=1").json
    assert record["entityName"] == "rules/app:1.0"
    assert record["details"]["reason"] == "it holds a secret"


def test_a_release_may_be_for_a_time_and_be_taken_back(house: House, app: str) -> None:
    house.admin("PUT", app, {"immutable": True})
    tomorrow = datetime.fromtimestamp(time.time() + 86_400, UTC).isoformat()

    for wrong in ("2020-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "tomorrow"):
        assert house.admin.post(f"{app}/tags/1.0/release", {"reason": "a", "until": wrong}).status == 400
    assert house.admin.post(f"{app}/tags/1.0/release", {"reason": "a", "until": tomorrow}).json["until"]
    assert house.admin.get(f"{app}/tags").json[0]["protectedBy"] == []
    assert house.admin("DELETE", f"{app}/tags/1.0/release").status == 204
    assert house.admin("DELETE", f"{app}/tags/1.0").status == 409
    assert house.admin.post(f"{app}/tags/none/release", {"reason": "a"}).status == 404


def test_rules_of_the_whole_registry_name_repositories(house: House, app: str) -> None:
    rule = {"repositories": ["rules/*"], "tags": ["1.*"], "protects": "both", "releases": "never"}
    try:
        assert house.admin("PUT", "/api/settings/repositories", {"rules": [rule]}).json == {"rules": [rule]}
        refused = house.admin("DELETE", f"{app}/tags/1.0")
        unreleased = house.admin.post(f"{app}/tags/1.0/release", {"reason": "a"})
    finally:
        house.admin("PUT", "/api/settings/repositories", {"rules": []})

    assert refused.brief == (
        409,
        "tag 1.0 of rules/app is immutable (rule 1.* of the whole registry): it cannot be deleted",
    )
    assert unreleased.status == 409
    assert house.admin("DELETE", f"{app}/tags/1.0").status == 204


def test_a_repository_is_called_something_else_with_all_it_has(house: House, app: str) -> None:
    house.admin("PUT", app, {"rules": [{"tags": ["2.*"]}], "visibility": "public"})
    before = house.admin.get(app).json

    renamed = house.admin.post(f"{app}/rename", {"to": "rules/other"})
    assert renamed.json == {**before, "name": "rules/other"}
    assert house.admin.get(app).status == 404
    assert house.admin.get("/api/repositories/rules%2Fother/tags").json[0]["name"] == "1.0"
    assert push(house, "app:1.0") == (200, "None")
    assert house.admin.post("/api/repositories/rules%2Fother/rename", {"to": "rules/app"}).json["code"] == "name_taken"
    assert house.admin.post("/api/repositories/rules%2Fother/rename", {"to": "Not/A Name"}).status == 400
    assert house.admin("DELETE", "/api/repositories/rules%2Fother").status == 204


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"tags": []},
        {"tags": ["a b"]},
        {"tags": ["x"], "protects": "everything"},
        {"tags": ["x"], "releases": "age"},
        {"tags": ["x"], "releases": "age", "afterSeconds": 0},
        {"tags": ["x"], "releases": "age", "afterSeconds": True},
        {"tags": ["x"], "releases": "age", "afterSeconds": "60"},
        {"tags": ["x"], "afterSeconds": 5},
        {"tags": ["x"], "repositories": ["y"]},
        {"tags": ["x"], "id": 7},
    ],
)
def test_a_rule_that_is_none_is_refused(house: House, rule: object) -> None:
    answer = house.admin("PUT", "/api/repositories/rules%2Fnone", {"rules": [rule]})

    assert (answer.status, answer.json["code"]) == (400, "invalid")
    assert house.admin.get("/api/repositories/rules%2Fnone").status == 404


def test_a_publisher_sees_and_changes_no_rule(house: House, app: str) -> None:
    eve = house.user("eve.publisher", "publisher")

    assert eve.get(app).json["name"] == "rules/app"
    assert eve.get(f"{app}/tags").status == 200
    for method, path, body in (
        ("PUT", app, {"immutable": False}),
        ("DELETE", app, None),
        ("POST", f"{app}/rename", {"to": "rules/else"}),
        ("DELETE", f"{app}/tags/1.0", None),
        ("POST", f"{app}/tags/1.0/release", {"reason": "a"}),
        ("DELETE", f"{app}/tags/1.0/release", None),
        ("GET", "/api/settings/repositories", None),
        ("PUT", "/api/settings/repositories", {"rules": []}),
    ):
        answer = eve(method, path, body)
        assert (answer.status, answer.json) == (403, DENIED), path
        assert (
            house.admin.get("/api/audit?result=denied&username=eve.publisher&limit=1").json[0]["requestId"]
            == (answer.headers["x-request-id"])
        )


def test_who_may_for_some_repositories_may_not_move_one_out_of_them(house: House, app: str) -> None:
    house.role("rules keeper", {"permissions": ["repositories:*"], "repositories": ["rules/*"]})
    kim = house.user("kim.keeper", "rules keeper")

    assert kim("PUT", app, {"visibility": "public"}).status == 200
    assert kim("PUT", "/api/repositories/other", {"visibility": "public"}).status == 403
    assert kim.post(f"{app}/rename", {"to": "elsewhere/app"}).status == 403
    assert {row["name"].partition("/")[0] for row in kim.get("/api/repositories").json} == {"rules"}
