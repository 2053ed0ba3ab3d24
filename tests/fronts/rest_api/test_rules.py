"""What is wrong with a request is told by the field's path and in our own words."""

from __future__ import annotations

import pytest

from tests.fronts.rest_api.caller import House

LONG = "x" * 5000


@pytest.mark.parametrize(
    ("method", "path", "body", "error"),
    [
        ("POST", "/api/images/push", {"registryId": "one"}, "registryId must be a whole number"),
        ("POST", "/api/images/push", {"registryId": 1.5}, "registryId must be a whole number"),
        ("POST", "/api/images/push", {"registryId": 0}, "registryId must be at least 1"),
        ("POST", "/api/images/push", {"registryId": []}, "registryId must be a whole number"),
        ("POST", "/api/images/push", {"tags": "a"}, "tags must be a list"),
        ("POST", "/api/images/push", {"tags": ["a", 7]}, "tags.1 must be text"),
        ("POST", "/api/images/push", {"tags": ["a"] * 101}, "tags must have at most 100 entries"),
        ("POST", "/api/images/push", {"dryRun": "perhaps"}, "dryRun must be true or false"),
        ("POST", "/api/images/push", {"target": LONG}, "target must have at most 4096 characters"),
        ("POST", "/api/images/push", {"imageID": "a"}, "imageID is not known here"),
        (
            "POST",
            "/api/roles",
            {"name": "x", "grants": [{"permissions": []}]},
            "grants.0.permissions must have at least 1 entries",
        ),
        ("POST", "/api/roles", {"name": "x", "grants": [{}]}, "grants.0.permissions is missing"),
        *(
            (
                "POST",
                "/api/roles",
                {"name": "x", "grants": [{"permissions": ["*"], none: []}]},
                f"grants.0.{none} must have at least 1 entries",
            )
            for none in ("environments", "repositories")
        ),
        ("POST", "/api/roles", {"name": "x", "grants": [7]}, "grants.0 must be a JSON object"),
        ("GET", "/api/jobs?page=first", None, "page must be a whole number"),
        ("GET", "/api/jobs?limit=201", None, "limit must be at most 200"),
        ("GET", "/api/audit?since=yesterday", None, "since must be a time like 2026-11-21T10:00:00Z"),
        ("GET", "/api/registry/tags?registry=1", None, "repository is missing"),
        ("GET", "/api/environments/one", None, "id must be a whole number"),
        ("GET", "/api/environments/9" + "9" * 5000, None, "id must be a smaller number"),
    ],
)
def test_a_field_that_cannot_be_is_told_by_its_path(
    house: House, method: str, path: str, body: object, error: str
) -> None:
    answer = house.admin(method, path, body)

    assert (answer.status, answer.json) == (400, {"error": error, "code": "invalid"})


@pytest.mark.parametrize("shown", ["Bearer", "Bearer ", "Basic !!!", "Digest x", ""])
def test_a_header_that_shows_nothing_is_not_called_a_wrong_password(house: House, shown: str) -> None:
    answer = house.nobody.get("/api/images", Authorization=shown)

    assert answer.status == 401
    assert answer.json["message"].startswith("the Authorization header holds neither Bearer and a token")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/registries/99", "Registry not found"),
        ("/api/environments/99", "Environment not found"),
        ("/api/users/99", "User not found"),
        ("/api/roles/99", "Role not found"),
        ("/api/images?env=99", "Environment not found"),
    ],
)
def test_what_is_not_found_is_told_with_its_id_and_what_to_do(house: House, path: str, error: str) -> None:
    answer = house.admin.get(path)

    assert answer.brief == (404, error)
    assert answer.json["detail"] == f"There is no {error.split(maxsplit=1)[0].lower()} 99 in Lading."
    assert answer.json["hint"].startswith("The list of ")


def test_a_job_that_is_not_found_is_told_with_its_id(house: House) -> None:
    told = house.admin.get("/api/jobs/none-such").json

    assert (told["error"], told["code"]) == ("Job not found", "not_found")
    assert "'none-such'" in told["detail"]
    assert told["hint"]
