"""Versions, fields on every answer, what is not there, and who is let in."""

from __future__ import annotations

import socket

import pytest

from lading.fronts.docker_api.application import DockerApi
from lading.fronts.http.exchange import IncomingRequest, Peer
from lading.services.access import Actor, Grant
from lading.services.identity.authentication import OPEN
from tests.fakes.places import NEVER
from tests.fronts.docker_api.door import Door, denied, docker_product
from tests.fronts.registry_api.asking import GivenBody

PAGE = (404, "page not found")
NOBODY = Actor("nobody")
LOOKER = Actor("looker", (Grant(frozenset({"images:pull"})),), 7)


@pytest.mark.parametrize("path", ["/_ping", "/v1.24/_ping", "/v1.51/_ping"])
@pytest.mark.parametrize(("method", "body"), [("GET", b"OK"), ("HEAD", b"")])
def test_ping_says_what_is_spoken_here(door: Door, method: str, body: bytes, path: str) -> None:
    reply = door(method, path)

    assert (reply.status, reply.body) == (200, body)
    fields = dict(reply.headers)
    assert fields.pop("date")
    assert fields == {
        "api-version": "1.51",
        "docker-experimental": "false",
        "ostype": "linux",
        "server": "Docker/1.2.3 (linux)",
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(body)),
        "cache-control": "no-cache, no-store, must-revalidate",
        "pragma": "no-cache",
        "builder-version": "1",
        "swarm": "inactive",
    }


@pytest.mark.parametrize("path", ["/images/json", "/v1.24/images/json", "/nowhere", "/images/nothing/json"])
def test_every_answer_says_which_versions_there_are(door: Door, path: str) -> None:
    reply = door.get(path)

    assert {reply.headers[name] for name in ("api-version", "ostype", "docker-experimental")} == {
        "1.51",
        "linux",
        "false",
    }
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/nowhere"), ("POST", "/images/json"), ("HEAD", "/images/json"), ("GET", "/v9/x")],
)
def test_what_is_no_route_is_no_page(door: Door, method: str, path: str) -> None:
    reply = door(method, path)

    assert reply.status == 404
    assert method == "HEAD" or reply.told == PAGE


def test_versions_out_of_range_are_refused_in_dockers_words(door: Door) -> None:
    assert door.get("/v1.23/version").told == (
        400,
        "client version 1.23 is too old. Minimum supported API version is 1.24, "
        "please upgrade your client to a newer version",
    )
    assert door.get("/v1.52/_ping").told == (
        400,
        "client version 1.52 is too new. Maximum supported API version is 1.51",
    )


@pytest.mark.parametrize(
    ("path", "empty"),
    [
        ("/containers/json?all=1", []),
        ("/networks", []),
        ("/volumes", {"Volumes": [], "Warnings": None}),
        ("/plugins", []),
    ],
)
def test_there_is_nothing_but_images(door: Door, path: str, empty: object) -> None:
    reply = door.get(path)

    assert (reply.status, reply.json) == (200, empty)


@pytest.mark.parametrize("noun", ["containers", "networks", "volumes", "build"])
def test_pruning_what_is_not_there_frees_nothing(door: Door, noun: str) -> None:
    assert door.post(f"/v1.50/{noun}/prune").status == 200


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/containers/a/b/json", "No such container: a/b"),
        ("/networks/a", "network a not found"),
        ("/volumes/a", "get a: no such volume"),
        ("/plugins/a/json", 'plugin "a" not found'),
        ("/exec/a/json", "No such exec instance: a"),
    ],
)
def test_what_is_no_image_is_not_found(door: Door, path: str, sentence: str) -> None:
    assert door.get(path).told == (404, sentence)


@pytest.mark.parametrize(
    ("path", "deed"),
    [
        ("/containers/create?name=x", "create containers"),
        ("/commit?container=x", "commit containers"),
        ("/build", "build images"),
        ("/session", "build images"),
        ("/networks/create", "create networks"),
        ("/volumes/create", "create volumes"),
        ("/plugins/pull", "install plugins"),
        ("/swarm/init", "form a swarm"),
    ],
)
def test_what_takes_an_engine_that_runs_containers_is_said_so(door: Door, path: str, deed: str) -> None:
    assert door("POST", path, b'{"Image":"x"}').told == (
        501,
        f"Lading cannot {deed}: it keeps and moves images, and runs no containers. "
        "Pull the image from a Docker engine to run it there.",
    )


def test_there_is_no_swarm(door: Door) -> None:
    status, sentence = door.get("/nodes").told

    assert status == 503
    assert sentence.startswith("This node is not a swarm manager.")


def test_who_shows_nothing_may_ping_and_nothing_else(door: Door) -> None:
    door.who.append(NOBODY)

    assert door.get("/_ping").status == 200
    for method, path in (("GET", "/version"), ("GET", "/containers/json"), ("GET", "/info"), ("DELETE", "/images/x")):
        reply = door(method, path)
        assert reply.told == (401, "Authentication required")
        assert reply.headers["www-authenticate"] == 'Basic realm="lading"'


@pytest.mark.parametrize("path", ["/images/create?fromImage=x&tag=1", "/images/search?term=x"])
def test_the_docker_command_is_not_led_to_ask_for_a_password(door: Door, path: str) -> None:
    door.who.append(NOBODY)

    reply = door("GET" if "search" in path else "POST", path)

    assert reply.told == (403, "Authentication required")


def test_who_may_not_is_told_nothing_of_what_there_is(door: Door) -> None:
    door.load("app:1")
    door.who.append(LOOKER)

    for path in ("/images/json", "/images/app:1/json", "/images/nothing/json", "/images/app:1/history", "/events"):
        assert door.get(path).told == denied("images:view")
    assert door.delete("/images/app:1").told == denied("images:remove")
    assert door.post("/images/prune").told == denied("images:remove")
    assert door.get("/info").json["Images"] == 0


def test_who_may_work_in_other_environments_alone_runs_no_errands_from_this_one(door: Door) -> None:
    door.who.append(Actor("elsewhere", (Grant(frozenset({"images:*"}), environments=frozenset({99})),), 7))
    login = b'{"username":"a","password":"b","serveraddress":"127.0.0.1:1"}'

    assert door.get("/images/search", term="127.0.0.1:1/x").told == denied("images:pull")
    assert door("POST", "/auth", login).told == denied("images:pull")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_a_page_elsewhere_leads_no_browser_here(door: Door, headers: dict[str, str]) -> None:
    assert door("POST", "/images/prune", None, headers).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1:2375", "localhost", "lading.example", "192.0.2.7:1"])
def test_our_own_names_are_answered(door: Door, host: str) -> None:
    assert door("POST", "/images/prune", None, {"Host": host}).status == 200


def test_a_form_in_a_body_has_a_limit(door: Door) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    status, sentence = door("POST", "/images/x/tag", b"repo=" + b"x" * 2_000_000, form).told

    assert status == 400
    assert "too large" in sentence


def test_a_body_that_is_cut_changes_nothing_and_is_not_answered(door: Door) -> None:
    door.load("app:1")
    head = "POST /images/app:1/tag HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\nrepo=other"

    with socket.create_connection(("127.0.0.1", door.port), timeout=30) as client:
        client.sendall((head + kind).encode())
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1000) == b""

    assert door.get("/images/json").json[0]["RepoTags"] == ["app:1"]


def test_a_body_whose_chunks_are_none_is_refused(door: Door) -> None:
    head = "POST /images/x/tag HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\nno chunk\r\n"

    with socket.create_connection(("127.0.0.1", door.port), timeout=30) as client:
        client.sendall((head + kind).encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("peer", "secure", "origin", "status"),
    [
        (Peer("192.0.2.1", 5), False, None, 403),
        (Peer("192.0.2.1", 5), True, None, 200),
        (Peer("192.0.2.1", 5), True, "https://evil.example", 403),
        (Peer("192.0.2.1", 5), True, "https://builder.corp", 200),
        (Peer.local(1000, 7), False, "https://evil.example", 200),
    ],
    ids=["in the clear", "in TLS", "in TLS, from a page", "in TLS, from our own page", "at a unix socket"],
)
def test_a_name_we_do_not_know_is_answered_where_no_page_can_lead_by_it(
    door: Door, peer: Peer, secure: bool, origin: str | None, status: int
) -> None:
    headers = {"host": "builder.corp", **({"origin": origin} if origin else {})}
    asked = IncomingRequest("GET", "/images/json", "", headers, GivenBody(b"", length=0), peer, NEVER, secure)

    answer = DockerApi(docker_product(door.product, lambda _: OPEN))(asked)

    assert answer.status == status
