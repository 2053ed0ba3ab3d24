"""Agents over the API: tokens made, shown once and revoked; who is connected; and what stock agents are told."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.certificates import Authority
from tests.fakes.websocket_client import Closed, WebSocketClient
from tests.fronts.rest_api.caller import DENIED, Caller, House, address, unset, until

HELLO = {
    "type": "hello",
    "version": "0.2.14",
    "protocol": "1.0",
    "agentId": "a-1",
    "agentName": "rack 3",
    "dockerVersion": "28.0.4",
    "hostname": "rack3.corp",
    "capabilities": ["exec", "metrics", "events", "compose"],
}


def edge(house: House, name: str) -> int:
    """A new environment of that kind."""
    made = house.admin.post("/api/environments", {"name": name, "connectionType": "hawser-edge"})
    assert made.status == 201, made.text
    return int(made.json["id"])


def token(caller: Caller, environment: int, **fields: object) -> Any:
    """What the making of a token answers."""
    made = caller.post("/api/hawser/tokens", {"name": "t", "environmentId": environment, **fields})
    assert made.status == 201, made.text
    return made.json


@contextmanager
def agent(house: House, secret: str) -> Iterator[WebSocketClient]:
    """One that is in."""
    with WebSocketClient(address(house.running.api)) as client:
        client.say(**HELLO, token=secret)
        assert client.hear()["type"] == "welcome"
        yield client


def test_a_token_is_shown_once_with_the_lines_to_paste(house: House) -> None:
    made = token(house.admin, edge(house, "shown"), expiresAt="2999-01-01T00:00:00Z")
    secret, api = made["token"], house.running.api
    assert len(secret) == 43
    assert made["command"] == f"lading agent --server {api} --token {secret}"
    assert f"DOCKHAND_SERVER_URL={api.replace('http', 'ws')}/api/hawser/connect" in made["stockCommand"]
    assert f"TOKEN={secret}" in made["stockCommand"]

    (row,) = [row for row in house.admin.get("/api/hawser/tokens").json if row["id"] == made["tokenId"]]
    assert row["tokenPrefix"] == secret[:8]
    assert (row["isActive"], row["expiresAt"], row["lastUsed"]) == (True, "2999-01-01T00:00:00.000Z", None)
    assert secret not in house.admin.get("/api/hawser/tokens").text


def test_the_line_names_the_server_as_it_was_reached(house: House) -> None:
    port = address(house.running.api)[1]
    body = {"environmentId": edge(house, "reached")}
    made = house.admin.post("/api/hawser/tokens", body, Host=f"localhost:{port}")
    assert made.json["command"].startswith(f"lading agent --server http://localhost:{port} --token ")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"environmentId": 99}, 404, "Environment not found"),
        ({}, 404, "Environment not found"),
        ({"environmentId": "x"}, 400, "environmentId must be a whole number"),
        ({"environmentId": 1, "expiresAt": "soon"}, 400, "expiresAt must be a time like 2026-11-21T10:00:00Z"),
        ({"environmentId": 1, "token": "mine"}, 400, "token is not known here"),
    ],
)
def test_a_token_that_cannot_be_made(house: House, body: object, status: int, error: str) -> None:
    assert house.admin.post("/api/hawser/tokens", body).brief == (status, error)


def test_only_an_edge_environment_has_tokens(house: House) -> None:
    assert house.admin.post("/api/hawser/tokens", {"environmentId": 1}).status == 400


def test_who_is_connected_is_told_at_two_places(house: House) -> None:
    environment = edge(house, "connected")
    path = f"/api/environments/{environment}"
    assert house.admin.get(path).json["agent"] is None
    with agent(house, token(house.admin, environment)["token"]):
        told = house.admin.get("/api/hawser/connect").json
        assert (told["status"], told["protocol"], told["activeConnections"]) == ("ready", "1.0", 1)
        (connection,) = told["connections"]
        shown = {**HELLO, "environmentId": environment, "agentVersion": HELLO["version"], "address": "127.0.0.1"}
        for name in ("type", "version", "protocol"):
            del shown[name]
        shown["capabilities"] = sorted(HELLO["capabilities"])
        assert {name: connection[name] for name in shown} == shown
        assert connection["connectedAt"] <= connection["lastHeartbeat"]
        listed = {row["id"]: row for row in house.admin.get("/api/environments").json}
        assert listed[environment]["agent"]["agentName"] == "rack 3"
        assert "agent" not in listed[1]
    until(lambda: house.admin.get(path).json["agent"] is None, "the agent is away")


def test_a_token_taken_back_ends_the_connection(house: House) -> None:
    made = token(house.admin, edge(house, "revoked"))
    with agent(house, made["token"]) as client:
        assert house.admin("DELETE", f"/api/hawser/tokens/{made['tokenId']}").status == 204
        assert client.ended() == Closed(1008, "Token revoked")
    with WebSocketClient(address(house.running.api)) as client:
        client.say(**HELLO, token=made["token"])
        assert client.hear()["error"] == "Invalid token"
    assert house.admin("DELETE", f"/api/hawser/tokens?id={made['tokenId']}").brief == (404, "Token not found")


def test_a_new_token_ends_the_connection_of_the_one_before(house: House) -> None:
    environment = edge(house, "renewed")
    with agent(house, token(house.admin, environment)["token"]) as client:
        made = token(house.admin, environment)
        assert client.ended() == Closed(1000, "Token regenerated")
        with agent(house, made["token"]):
            assert house.admin("DELETE", f"/api/hawser/tokens?id={made['tokenId']}").status == 204


def test_an_environment_that_is_removed_takes_its_agent_along(house: House) -> None:
    environment = edge(house, "removed")
    with agent(house, token(house.admin, environment)["token"]) as client:
        assert house.admin("DELETE", f"/api/environments/{environment}").status == 204
        assert client.ended() is not None


def test_a_newer_login_takes_the_place_of_the_older(house: House) -> None:
    secret = token(house.admin, edge(house, "twice"))["token"]
    with agent(house, secret) as first, agent(house, secret):
        first.ended()
        assert house.admin.get("/api/hawser/connect").json["activeConnections"] == 1


def test_agents_come_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.server("127.0.0.1")
    files = {"tls_cert": str(issued.certificate), "tls_key": str(issued.key)}
    trusting = ssl.create_default_context(cafile=authority.certificate)
    with (
        unset(tmp_path / "data", **files) as running,
        WebSocketClient(address(running.api), tls=trusting) as client,
    ):
        client.say(**HELLO, token="wrong")
        assert client.hear()["error"] == "Invalid token"
        assert client.ended() == Closed(1008, "Invalid token")


def test_without_a_websocket_an_agent_is_told_what_it_takes(house: House) -> None:
    answer = house.nobody.post("/api/hawser/connect")
    assert answer.status == 426
    assert answer.headers["upgrade"] == "websocket"
    told = answer.json
    assert told["error"] == "WebSocket required"
    assert told["message"]
    assert all(isinstance(line, str) for line in told["instructions"])


def test_who_may_see_one_environment_sees_its_agent_alone(house: House) -> None:
    first, second = edge(house, "seen"), edge(house, "unseen")
    role = house.role("one", {"permissions": ["environments:view"], "environments": [first]})
    ann = house.user("ann", role)
    with agent(house, token(house.admin, first)["token"]), agent(house, token(house.admin, second)["token"]):
        assert [each["environmentId"] for each in ann.get("/api/hawser/connect").json["connections"]] == [first]
        assert {row["environmentId"] for row in ann.get("/api/hawser/tokens").json} == {first}
    denied = ann.post("/api/hawser/tokens", {"environmentId": first})
    assert (denied.status, denied.json) == (403, DENIED)


def test_logins_are_recorded_and_hold_no_token(house: House) -> None:
    made = token(house.admin, edge(house, "recorded"))
    with agent(house, made["token"]):
        pass
    rows = house.admin.get("/api/audit?limit=200").text
    assert '"agent' in rows
    assert made["token"] not in rows


def test_a_standard_agents_token_is_written_and_never_read(house: House) -> None:
    form = {"name": "std", "connectionType": "hawser-standard", "host": "192.0.2.9", "hawserToken": "s3cret-of-std"}
    made = house.admin.post("/api/environments", form)
    assert made.status == 201, made.text
    assert (made.json["hasHawserToken"], made.json["port"]) == (True, 2376)
    path = f"/api/environments/{made.json['id']}"
    told = [made.text, house.admin.get(path).text, house.admin.get("/api/environments").text]
    told.append(house.admin.get("/api/audit?limit=200").text)
    assert not [text for text in told if "s3cret-of-std" in text]
    assert "agent" not in made.json
