"""Every route asks who it is, and whether they may: the fixed answers of interfaces §2 to who is unknown, and who may
not."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import pytest

from tests.fronts.rest_api.caller import DENIED, UNAUTHORIZED, House

OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/api/openapi.json"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/logout"),
    ("GET", "/api/auth/oidc"),
    ("GET", "/api/auth/oidc/login"),
    ("GET", "/api/auth/oidc/callback"),
    ("POST", "/api/hawser/connect"),
}
"""Asked by whoever likes."""

ONES_OWN = {
    ("GET", "/api/auth/session"),
    ("GET", "/api/auth/tokens"),
    ("POST", "/api/auth/tokens"),
    ("POST", "/api/auth/password"),
    ("GET", "/api/jobs"),
    ("GET", "/api/jobs/events"),
    ("GET", "/api/overview"),
    ("GET", "/api/statistics/transfers"),
    ("GET", "/api/registry/address"),
}
"""Answered to everybody about themselves, or, of jobs, about those they made; of all there is, what they may see; and
where the registry is."""

IMAGE = "team/app:1"
BODIES: dict[tuple[str, str], object] = {
    ("POST", "/api/images/push"): {"imageId": "a", "registryId": 1},
    ("POST", "/api/images/pull"): {"image": "registry.test/a"},
    ("POST", "/api/images/scan"): {"image": "team/app:1"},
    ("PUT", "/api/settings/scanner"): {"scanner": "osv"},
    ("POST", "/api/images/copy"): {"source": "registry.test/a", "targets": ["registry.test/b"]},
    ("POST", "/api/images/{image}/tag"): {"repo": "a"},
    ("POST", "/api/registries/test"): {"url": "registry.test"},
    ("POST", "/api/registries"): {"name": "x", "url": "registry.test"},
    ("POST", "/api/environments"): {"name": "x", "connectionType": "socket"},
    ("POST", "/api/users"): {"username": "x", "password": "correct horse"},
    ("POST", "/api/roles"): {"name": "x"},
    ("PUT", "/api/roles/{id}"): {"name": "x"},
    ("POST", "/api/auth/tokens"): {"name": "x"},
    ("POST", "/api/auth/password"): {"oldPassword": "a", "newPassword": "b"},
    ("PUT", "/api/repositories/{repository}/trust"): {"mode": "off"},
}
QUERIES = {
    "/api/registry/catalog": "registry=1",
    "/api/registry/search": "registry=1&term=a",
    "/api/registry/tags": "registry=1&repository=a",
    "/api/registry/image": "registry=1&repository=a&reference=b",
    "/api/images/imports/{id}": "offset=0",
}


@pytest.fixture(scope="module")
def routes(house: House) -> list[tuple[str, str]]:
    """All that the API describes, with rows to ask for."""
    house.load(IMAGE)
    house.admin.post("/api/registries", {"name": "r", "url": "registry.test"})
    house.admin.post("/api/images/pull", {"image": "127.0.0.1:1/a"})
    paths = house.admin.get("/api/openapi.json").json["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def asked(house: House, path: str) -> str:
    job = house.admin.get("/api/jobs").json[0]["id"]
    given = path.replace("{image}", IMAGE.replace("/", "%2F"))
    given = given.replace("{id}", job if "/jobs/" in path else "1").replace("{other}", "1")
    return f"{given}?{QUERIES[path]}" if path in QUERIES else given


def test_nobody_in_particular_must_log_in(house: House, routes: list[tuple[str, str]]) -> None:
    answers = {
        route: house.nobody(route[0], asked(house, route[1]), BODIES.get(route, {}))
        for route in routes
        if route not in OPEN
    }

    told = {route: (answer.status, answer.json) for route, answer in answers.items()}
    assert {route: answer for route, answer in told.items() if answer != (401, UNAUTHORIZED)} == {}


@pytest.mark.parametrize("environment", [1, 99])
def test_nobody_learns_which_environments_imports_and_jobs_there_are(
    house: House, routes: list[tuple[str, str]], environment: int
) -> None:
    paths = [
        *((way, path) for way, path in routes if "images" in path and "/imports/{id}" not in path),
        ("GET", "/api/jobs/x"),
        ("DELETE", "/api/jobs/x"),
        ("POST", "/api/jobs/x/retry"),
    ]
    answers = [house.nobody(way, f"{path}?env={environment}", BODIES.get((way, path), {})) for way, path in paths]
    bodies = {(answer.status, str(answer.json)) for answer in answers}

    assert bodies == {(401, str(UNAUTHORIZED))}


def test_who_may_nothing_there_learns_no_environments(house: House) -> None:
    weak = house.user("weak", house.role("jobs", {"permissions": ["jobs:edit"]}))
    near = house.user("near", house.role("near", {"permissions": ["images:*"], "environments": [98]}))
    for caller, path in ((weak, "/api/images?env=1"), (weak, "/api/images?env=99"), (near, "/api/images?env=99")):
        answer = caller.get(path)
        assert (answer.status, answer.json) == (403, DENIED)
    assert house.admin.get("/api/images?env=99").brief == (404, "Environment not found")


def test_who_may_nothing_is_denied(house: House, routes: list[tuple[str, str]]) -> None:
    ann = house.user("ann")
    me = ann.get("/api/auth/session").json["userId"]
    answers = {
        route: ann(route[0], asked(house, route[1]), BODIES.get(route, {}))
        for route in routes
        if route not in OPEN | ONES_OWN and "/imports/{id}" not in route[1]
    }

    told = {route: (answer.status, answer.json) for route, answer in answers.items()}
    assert {route: answer for route, answer in told.items() if answer != (403, DENIED)} == {}
    assert ann.get(f"/api/users/{me}").status == 200
    denied = house.admin.get("/api/audit?result=denied&username=ann&limit=200").json
    assert Counter(row["requestId"] for row in denied) == {
        answer.headers["x-request-id"]: 1 for answer in answers.values()
    }


def test_who_may_nothing_is_not_told_what_there_is(house: House, routes: list[tuple[str, str]]) -> None:
    """Rows that are not there are denied like those that are, but for jobs and imports, which are their makers'."""
    bob = house.user("bob")
    named = [route for route in routes if "{id}" in route[1] or "registry=1" in QUERIES.get(route[1], "")]
    rows = [route for route in named if "/jobs/" not in route[1] and "/imports/" not in route[1]]
    answers = [bob(way, missing(path), BODIES.get((way, path), {})) for way, path in rows]

    assert len(rows) > 15
    assert {(answer.status, str(answer.json)) for answer in answers} == {(403, str(DENIED))}
    denied = house.admin.get("/api/audit?result=denied&username=bob&limit=200").json
    assert {row["requestId"] for row in denied} == {answer.headers["x-request-id"] for answer in answers}


def missing(path: str) -> str:
    query = f"?{QUERIES[path]}".replace("registry=1", "registry=999") if path in QUERIES else ""
    return path.replace("{id}", "999").replace("{other}", "999") + query


def test_a_token_may_no_more_than_its_scopes(house: House) -> None:
    made = house.admin.post("/api/auth/tokens", {"name": "narrow", "scopes": ["images:view"]})
    narrow = house.nobody.bearing(made.json["token"])

    assert narrow.get("/api/images").status == 200
    assert narrow.get("/api/auth/session").json["scopes"] == ["images:view"]
    for path in ("/api/registries", "/api/users", "/api/audit", "/api/environments", "/metrics"):
        assert (narrow.get(path).status, narrow.get(path).json) == (403, DENIED), path
    assert narrow.post("/api/auth/tokens", {"name": "wider"}).json == DENIED


def test_a_token_that_is_wrong_revoked_or_over_opens_nothing(house: House) -> None:
    made = house.admin.post("/api/auth/tokens", {"name": "gone", "expiresIn": 60}).json
    bearer = house.nobody.bearing(made["token"])
    before = bearer.get("/api/images").status
    removed = house.admin("DELETE", f"/api/auth/tokens/{made['id']}")
    after = bearer.get("/api/images")

    assert (before, removed.status, after.status) == (200, 204, 401)
    assert after.json["error"] == "Unauthorized"
    for shown in ("Bearer lad_wrong", "Bearer ", "Basic !!!", "Digest x", "", "Basic YWRtaW46bGFkX3g="):
        answer = house.nobody.get("/api/images", Authorization=shown)
        assert (answer.status, answer.json["error"]) == (401, "Unauthorized"), shown


def test_a_wrong_token_is_not_saved_by_a_right_cookie(house: House) -> None:
    assert house.admin.get("/api/images", Authorization="Bearer lad_wrong").status == 401


ALL = [*sorted(product(("images:view",), ("*", "images:*", "images:view"))), ("registries:view", "registries:*")]


@pytest.mark.parametrize(("permission", "pattern"), ALL)
def test_a_role_gives_what_its_patterns_say(house: House, permission: str, pattern: str) -> None:
    name = f"{permission}-{pattern}".replace(":", "-").replace("*", "all")
    role = house.role(name, {"permissions": [pattern]})
    user = house.user(name, role)
    path = {"images:view": "/api/images", "registries:view": "/api/registries"}[permission]

    assert user.get(path).status == 200
    taken = house.admin.get("/api/roles?filter=" + name).json[0]
    assert house.admin("DELETE", f"/api/roles/{taken['id']}").status == 204
    assert user.get(path).json == DENIED  # what is taken away is gone at once


def test_who_edits_users_gives_no_more_than_they_have(house: House) -> None:
    editor = house.user("editor", house.role("people", {"permissions": ["users:edit", "users:view"]}))
    roles: dict[str, Any] = {role["name"]: role["id"] for role in house.admin.get("/api/roles").json}

    assert editor.post("/api/users", {"username": "new", "roles": [roles["admin"]]}).json == DENIED
    assert editor.post("/api/roles", {"name": "all", "grants": [{"permissions": ["*"]}]}).json == DENIED
    assert editor("PATCH", "/api/users/1", {"password": "correct horse two"}).json == DENIED
    assert editor.post("/api/auth/tokens", {"name": "admins", "userId": 1}).json == DENIED
    assert editor("DELETE", "/api/users/1").json == DENIED
    assert editor.post("/api/users", {"username": "new", "roles": [roles["people"]]}).status == 201
