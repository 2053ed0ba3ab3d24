"""What the door asks of registries beside transfers: logins, searches, what stands behind a name."""

from __future__ import annotations

import json

import pytest

from lading.services.access import Actor, Grant
from tests.fakes.docker_archives import docker_archive
from tests.fronts.docker_api.door import Door, Reply, denied
from tests.fronts.docker_api.transfers import auth, push
from tests.fronts.docker_api.upstream import Upstream


@pytest.fixture
def filled(door: Door, registry: Upstream) -> Upstream:
    """It holds team/app:1 and team/other:1."""
    for name in ("app", "other"):
        whole = f"{registry.host}/team/{name}"
        door.load_archive(docker_archive([f"{whole}:1"]))
        assert "aux" in push(door, whole, tag="1")[-1]
    return registry


def log_in(door: Door, **members: str) -> Reply:
    return door("POST", "/auth", json.dumps(members).encode(), {"Content-Type": "application/json"})


def test_a_login_that_the_registry_takes(door: Door, registry: Upstream) -> None:
    registry.login = "ann:secret"

    reply = log_in(door, username="ann", password="secret", serveraddress=f"http://{registry.host}/v2/")

    assert (reply.status, reply.json) == (200, {"IdentityToken": "", "Status": "Login Succeeded"})


@pytest.mark.parametrize("members", [{"username": "ann", "password": "wrong"}, {}])
def test_a_login_that_the_registry_does_not_take(door: Door, registry: Upstream, members: dict[str, str]) -> None:
    registry.login = "ann:secret"

    status, message = log_in(door, serveraddress=registry.host, **members).told

    assert status == 401
    assert message == f'Get "https://{registry.host}/v2/": unauthorized: authentication required'


def test_a_registry_that_is_not_there(door: Door) -> None:
    status, message = log_in(door, username="ann", password="x", serveraddress="127.0.0.1:1").told

    assert status == 500
    assert message.startswith('Get "https://127.0.0.1:1/v2/": ')


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "invalid JSON"),
        (b"[]", "invalid JSON"),
        (b'{"username": 1}', "invalid login: its username is no text"),
        (b'{"serveraddress": "a b"}', "invalid login: its serveraddress is no host"),
    ],
)
def test_what_is_no_login(door: Door, body: bytes, message: str) -> None:
    status, text = door("POST", "/auth", body).told

    assert (status, text.startswith(message)) == (400, True)


def test_a_registry_is_searched_by_its_list(door: Door, filled: Upstream) -> None:
    found = door.get("/images/search", term=f"{filled.host}/oth").json

    assert found == [
        {
            "star_count": 0,
            "is_official": False,
            "name": f"{filled.host}/team/other",
            "is_automated": False,
            "description": "",
        }
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"limit": "1"}, 1),
        ({"limit": "0"}, 2),
        ({"filters": '{"is-official":{"true":true}}'}, 0),
        ({"filters": '{"is-official":["false"]}'}, 2),
        ({"filters": '{"stars":["3"]}'}, 0),
        ({"filters": '{"stars":["0"]}'}, 2),
        ({"filters": '{"is-automated":["true"]}'}, 0),
    ],
)
def test_a_search_is_narrowed(door: Door, filled: Upstream, query: dict[str, str], names: int) -> None:
    assert len(door.get("/images/search", term=f"{filled.host}/team", **query).json) == names


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"term": ""}, "invalid search term"),
        ({"term": "x", "limit": "101"}, "invalid limit 101"),
        ({"term": "x", "limit": "-1"}, "invalid limit -1"),
        ({"term": "x", "filters": '{"colour":["blue"]}'}, "invalid filter 'colour'"),
        ({"term": "x", "filters": '{"stars":["many"]}'}, "invalid filter 'stars=[many]'"),
    ],
)
def test_a_search_that_cannot_be(door: Door, query: dict[str, str], message: str) -> None:
    status, text = door.get("/images/search", **query).told

    assert (status, text.startswith(message)) == (400, True)


def test_a_search_uses_the_login_that_comes_along(door: Door, filled: Upstream) -> None:
    filled.login = "ann:secret"
    path = f"/images/search?term={filled.host}/app"

    assert len(door("GET", path, headers=auth(username="ann", password="secret")).json) == 1
    assert door("GET", path).status == 403


def test_a_search_goes_on_without_a_login_that_cannot_be_read(door: Door, filled: Upstream) -> None:
    unreadable = door("GET", f"/images/search?term={filled.host}/app", headers={"X-Registry-Auth": "!!"})

    assert "X-Registry-Auth cannot be read" in unreadable.headers["warning"]


def test_what_stands_behind_a_name(door: Door, filled: Upstream) -> None:
    found = door.get(f"/distribution/{filled.host}/team/app:1/json").json

    assert found["Descriptor"]["digest"] == door.get(f"/images/{filled.host}/team/app:1/json").json["Id"]
    assert sorted(found["Descriptor"]) == ["digest", "mediaType", "size"]
    assert found["Platforms"] == [{"architecture": "amd64", "os": "linux"}]


def test_nothing_stands_behind_a_name(door: Door, filled: Upstream) -> None:
    name = f"{filled.host}/team/app:none"

    status, message = door.get(f"/distribution/{name}/json").told

    assert (status, message.startswith(f"manifest for {name} not found: manifest unknown")) == (404, True)


@pytest.mark.parametrize("path", ["/images/search?term=x", "/distribution/x/json"])
def test_who_may_not_pull_asks_no_registry(door: Door, path: str) -> None:
    door.who[:] = [Actor("looker", (Grant(frozenset({"images:view"})),), 7)]

    assert door("GET", path).told == denied("images:pull")
    assert log_in(door, serveraddress="127.0.0.1:1").told == denied("images:pull")
