"""Lists: an array, or asked with a page `{items, total, next?}`; at most so many; filtered."""

from __future__ import annotations

import pytest

from tests.fronts.rest_api.caller import PASSWORD, House


@pytest.fixture(scope="module")
def lists(house: House) -> dict[str, str]:
    """Each list with a text that three of its items hold, and others do not."""
    three = ("One", "Two", "Three")
    roles = [role["id"] for role in house.admin.get("/api/roles").json if role["name"] == "viewer"]
    registry = house.own_registry()
    for name in three:
        house.admin.post("/api/users", {"username": f"many.{name}".lower(), "password": PASSWORD, "roles": roles})
        house.admin.post("/api/roles", {"name": f"Many {name}"})
        house.admin.post("/api/auth/tokens", {"name": f"Many {name}"})
        house.admin.post("/api/registries", {"name": f"Many {name}", "url": f"{name.lower()}.test"})
        house.admin.post("/api/environments", {"name": f"Many {name}", "connectionType": "socket"})
        image = house.load(f"many/{name.lower()}:1", label=name)
        push = {"imageId": image, "registryId": registry, "newTag": f"many/{name.lower()}:{name}"}
        assert house.admin.post("/api/images/push", push, Accept="application/json").status == 200
    house.load("other:1", label="other")
    return {
        "/api/users": "MANY.",
        "/api/roles": "many",
        "/api/auth/tokens": "many",
        "/api/registries": "many",
        "/api/environments": "many",
        "/api/images": "Many/",
        "/api/jobs?kind=push": "mAny",
        "/api/audit?action=push&result=done&env=1": "MANY/",
        f"/api/registry/catalog?registry={registry}": "many/",
        f"/api/registry/search?registry={registry}&term=many": "Many",
    }


def with_query(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


def bare(page: dict[str, object]) -> dict[str, object]:
    """Without what pages of images tell besides."""
    marks = {"uniqueSize", "severity", "locked", "signed"}
    items = page["items"]
    assert isinstance(items, list)
    return page | {"items": [{name: each[name] for name in each if name not in marks} for each in items]}


def test_a_list_is_an_array_or_a_page(house: House, lists: dict[str, str]) -> None:
    for path, text in lists.items():
        filtered = with_query(path, f"filter={text}")
        whole = house.admin.get(filtered).json
        first = house.admin.get(with_query(filtered, "page=1&limit=2")).json
        second = house.admin.get(with_query(filtered, "page=2&limit=2")).json
        beyond = house.admin.get(with_query(filtered, "page=9&limit=2")).json
        short = house.admin.get(with_query(filtered, "limit=2")).json

        assert len(whole) == 3, (path, whole)
        assert bare(first) == {"items": whole[:2], "total": 3, "next": 2}, path
        assert bare(second) == {"items": whole[2:], "total": 3}, path
        assert beyond == {"items": [], "total": 3}, path
        assert short == whole[:2], path
        assert len(house.admin.get(path).json) >= 3, path


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=a", "limit=0", "limit=201", "page=1&limit=x"])
def test_a_page_that_cannot_be_is_refused(house: House, lists: dict[str, str], query: str) -> None:
    for path in lists:
        answer = house.admin.get(with_query(path, query))
        assert answer.status == 400, path
        assert answer.json["error"].startswith(("page must be ", "limit must be "))
        assert answer.json["code"] == "invalid"


def test_the_tags_of_a_repository_are_a_list_too(house: House, lists: dict[str, str]) -> None:
    path = f"/api/registry/tags?registry={house.own_registry()}&repository=many/one"
    assert house.admin.get(path).json == [{"name": "One"}]
    assert house.admin.get(path + "&page=1").json == {"items": [{"name": "One"}], "total": 1}
    assert house.admin.get(path + "&filter=two").json == []
