"""Retention and promotion over REST: rules, previews, runs; images that become tags of other repositories."""

from __future__ import annotations

import base64
import threading
import time
import urllib.request

import pytest

from tests.fronts.rest_api.caller import DENIED, House

JSON = "application/json"
HERE = "/api/repositories/kept%2Fapp"
OTHER = "/api/repositories/kept%2Fprod"


def push(house: House, name: str, label: str = "x") -> None:
    """An image into our own registry as kept/<name>."""
    image = house.load(f"{name.partition(':')[0]}:{label}", label=label)
    form = {"imageId": image, "registryId": house.own_registry(), "newTag": f"kept/{name}"}
    answer = house.admin.post("/api/images/push", form, Accept=JSON)
    assert answer.status == 200, answer.json


@pytest.fixture
def app(house: House) -> str:
    """A repository with three tags, without rules; its path here."""
    for path in (HERE, OTHER):
        house.admin("PUT", path, {"rules": []})
        house.admin("DELETE", path)
    for number in range(3):
        push(house, f"app:1.{number}", label=str(number))
    return HERE


def tags(house: House, path: str) -> list[str]:
    return [tag["name"] for tag in house.admin.get(f"{path}/tags").json]


def test_the_preview_tells_for_each_tag_what_becomes_of_it(house: House, app: str) -> None:
    rule = {"tags": ["1.*"], "keepNewest": 1}
    assert house.admin("PUT", f"{app}/retention", {"rules": [rule]}).json == {"rules": [rule]}
    house.admin("PUT", app, {"rules": [{"tags": ["1.0"]}]})

    seen = house.admin.post(f"{app}/retention/preview").json

    told = {"kind": "retention", "scope": "repository", "rule": rule}
    assert (seen["total"], seen["gone"], seen["manifests"]) == (3, 1, 0)
    assert [(each["tag"], each["kept"], each["why"]) for each in seen["items"]] == [
        ("1.0", True, "a rule protects it: 1.0"),
        ("1.1", False, "not one of the newest 1"),
        ("1.2", True, "it is one of the newest 1"),
    ]
    assert [each["rule"] for each in seen["items"][1:]] == [told, told]
    assert seen["items"][0]["rule"]["kind"] == "protection"
    assert seen["items"][0]["digest"] == house.admin.get(f"{app}/tags").json[0]["digest"]
    assert tags(house, app) == ["1.0", "1.1", "1.2"]


def test_a_run_does_what_the_preview_said(house: House, app: str) -> None:
    house.admin("PUT", f"{app}/retention", {"rules": [{"tags": ["*"], "keepNewest": 1}]})
    seen = house.admin.post(f"{app}/retention/preview").json

    ended = house.admin.post(f"{app}/retention/run", Accept=JSON)

    assert (ended.status, ended.json) == (
        200,
        {"status": "complete", "repositories": 1, "tags": 2, "manifests": 0},
    )
    assert tags(house, app) == [each["tag"] for each in seen["items"] if each["kept"]] == ["1.2"]
    records = [row for row in house.admin.get("/api/audit?action=retain&limit=5").json if row["details"].get("tags")]
    assert (records[0]["entityName"], records[0]["details"]["tags"]) == ("kept/app", 2)
    assert records[0]["details"]["first"] == ["1.0", "1.1"]
    assert house.admin.post(f"{app}/retention/run", Accept=JSON).json["tags"] == 0
    assert (
        house.admin.get(house.admin.post(f"{app}/retention/run").json["jobId"].join(("/api/jobs/", ""))).status == 200
    )


def test_rules_are_tried_before_they_are_written(house: House, app: str) -> None:
    seen = house.admin.post(f"{app}/retention/preview?limit=2", {"rules": [{"tags": ["*"], "keepNewest": 0}]}).json

    assert (seen["gone"], len(seen["items"]), seen["next"]) == (3, 2, 2)
    assert house.admin.post(f"{app}/retention/preview?page=2&limit=2", {"rules": []}).json["items"][0]["kept"]
    assert house.admin.get(f"{app}/retention").json == {"rules": []}


def test_rules_of_the_whole_registry_are_carried_out_everywhere(house: House, app: str) -> None:
    rule = {"repositories": ["kept/*"], "tags": ["1.*"], "keepNewest": 2}
    assert house.admin("PUT", "/api/settings/repositories", {"retention": [rule]}).json == {"retention": [rule]}
    assert house.admin.get("/api/settings/repositories").json["retention"] == [rule]
    try:
        assert house.admin.post(f"{app}/retention/preview").json["gone"] == 1
        ended = house.admin.post("/api/prune/repositories", Accept=JSON).json
    finally:
        house.admin("PUT", "/api/settings/repositories", {"retention": []})

    assert (ended["tags"], tags(house, app)) == (1, ["1.1", "1.2"])
    assert house.admin("PUT", "/api/settings/repositories", {}).json["retention"] == []


def test_an_image_becomes_a_tag_of_another_repository(house: House, app: str) -> None:
    promoted = house.admin.post(f"{app}/promote", {"tag": "1.1", "to": "kept/prod", "toTag": "stable"})

    digest = next(tag["digest"] for tag in house.admin.get(f"{app}/tags").json if tag["name"] == "1.1")
    assert promoted.status == 200
    assert (promoted.json["digest"], promoted.json["moved"], promoted.json["left"]) == (digest, True, [])
    assert (promoted.json["source"], promoted.json["target"]) == ("kept/app:1.1", "kept/prod:stable")
    assert [tag["digest"] for tag in house.admin.get(f"{OTHER}/tags").json] == [digest]
    record = house.admin.get("/api/audit?action=promote&limit=1").json[0]
    assert (record["entityId"], record["details"]["target"]) == (digest, "kept/prod:stable")


def test_an_immutable_tag_of_the_target_stays_and_says_why(house: House, app: str) -> None:
    house.admin.post(f"{app}/promote", {"tag": "1.1", "to": "kept/prod"})
    house.admin("PUT", OTHER, {"immutable": True})

    refused = house.admin.post(f"{app}/promote", {"tag": "1.0", "to": "kept/prod", "toTag": "1.1"})

    assert (refused.status, refused.json["code"]) == (409, "immutable")
    assert refused.json["error"].startswith("tag 1.1 of kept/prod is immutable (rule ** of this repository)")
    assert (
        house.admin.get("/api/audit?result=denied&action=promote&limit=1").json[0]["details"]["refused"]
        == (refused.json["error"])
    )
    assert house.admin.post(f"{app}/promote", {"tag": "1.1", "to": "kept/prod"}).json["moved"] is False
    assert house.admin.post(f"{app}/promote", {"tag": "none", "to": "kept/prod"}).status == 404
    assert house.admin.post(f"{app}/promote", {"tag": "1.0"}).status == 400
    house.admin("PUT", OTHER, {"immutable": False})


def test_a_pull_is_counted_and_shown(house: House, app: str) -> None:
    before = house.admin.get(f"{app}/tags").json[0]
    token = house.admin.post("/api/auth/tokens", {"name": "puller"}).json["token"]
    login = base64.b64encode(f"admin:{token}".encode()).decode()
    url = f"http://{house.running.address}/v2/kept/app/manifests/1.0"
    for method in ("GET", "HEAD", "GET"):
        asked = urllib.request.Request(url, headers={"Authorization": f"Basic {login}"}, method=method)
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 200

    deadline = time.monotonic() + 60
    while (tag := house.admin.get(f"{app}/tags").json[0])["pulls"] < 2 and time.monotonic() < deadline:
        threading.Event().wait(0.2)

    assert (tag["pulls"], before["pulls"], before["pulledAt"]) == (2, 0, None)
    assert tag["pulledAt"] > tag["pointedAt"]
    assert house.admin.get(app).json["pulls"] >= 2


@pytest.mark.parametrize(
    "rule",
    [
        {"tags": ["*"]},
        {"tags": ["a b"], "keepNewest": 1},
        {"tags": ["*"], "keepPushedDays": 0},
        {"tags": ["*"], "keepPushedDays": True},
        {"tags": ["*"], "keepNewest": True},
        {"tags": ["*"], "keepNewest": 1, "repositories": ["y"]},
        {"tags": ["*"], "keepNewest": 1, "id": 7},
    ],
)
def test_a_rule_that_is_none_is_refused(house: House, rule: object) -> None:
    assert house.admin("PUT", f"{HERE}-none/retention", {"rules": [rule]}).status == 400
    assert house.admin.get(f"{HERE}-none/retention").status == 404


def test_a_publisher_looks_and_changes_nothing(house: House, app: str) -> None:
    eve = house.user("eve.keeps", "publisher")

    assert eve.get(f"{app}/retention").status == 200
    assert eve.post(f"{app}/retention/preview").status == 200
    assert eve.post(f"{app}/promote", {"tag": "1.0", "to": "kept/eve"}).status == 200
    for method, path, body in (
        ("PUT", f"{app}/retention", {"rules": []}),
        ("POST", f"{app}/retention/run", None),
        ("POST", "/api/prune/repositories", None),
        ("PUT", "/api/settings/repositories", {"retention": []}),
    ):
        answer = eve(method, path, body)
        assert (answer.status, answer.json) == (403, DENIED), path
        assert (
            house.admin.get("/api/audit?result=denied&username=eve.keeps&limit=1").json[0]["requestId"]
            == (answer.headers["x-request-id"])
        )


def test_who_may_only_look_promotes_nothing(house: House, app: str) -> None:
    house.role("half", {"permissions": ["repositories:pull"], "repositories": ["kept/*"]})
    kim = house.user("kim.half", "half")

    assert kim.post(f"{app}/promote", {"tag": "1.0", "to": "kept/prod"}).json == DENIED
    assert house.admin.get(f"{OTHER}/tags").status == 404
