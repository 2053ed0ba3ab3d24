"""The whole way of an agent: `lading serve` as a process, a token over its API, and a WebSocket client of our own that
says what an agent says."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.websocket_client import Closed, WebSocketClient
from tests.fakes.work import BOUND_SECONDS
from tests.peers.service_process import Service, until

HELLO = {
    "type": "hello",
    "version": "0.2.14",
    "protocol": "1.0",
    "agentId": "a-1",
    "agentName": "rack 3",
    "dockerVersion": "28.0.4",
    "hostname": "rack3",
    "capabilities": ["exec", "metrics", "events", "compose"],
}
VERSION = {"Api-Version": "1.47", "Content-Type": "application/json"}
IMAGE = {
    "Id": f"sha256:{'1' * 64}",
    "RepoTags": ["team/app:1"],
    "RepoDigests": [],
    "Created": 1,
    "Size": 5,
    "Labels": {},
}


def edge(service: Service) -> int:
    """A new environment of that kind."""
    name = f"rack {uuid.uuid4()}"
    status, made = service.ask("POST", "/api/environments", {"name": name, "connectionType": "hawser-edge"})
    assert status == 201, made
    return int(str(made["id"]))


def token(service: Service, environment: int) -> tuple[str, int]:
    """A new one, and its id."""
    status, made = service.ask("POST", "/api/hawser/tokens", {"name": "t", "environmentId": environment})
    assert status == 201, made
    return str(made["token"]), int(str(made["tokenId"]))


@contextmanager
def agent(service: Service, secret: str) -> Iterator[WebSocketClient]:
    """One that is in."""
    with WebSocketClient(("127.0.0.1", service.port)) as client:
        client.say(**HELLO, token=secret)
        assert client.hear()["type"] == "welcome"
        yield client


def connections(service: Service) -> list[object]:
    """Which agents' environments are connected."""
    status, told = service.ask("GET", "/api/hawser/connect")
    assert status == 200, told
    listed = told["connections"]
    assert isinstance(listed, list)
    return [each["environmentId"] for each in listed]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("service") / "data")
    with service.running():
        yield service


def test_from_a_token_to_its_end(service: Service) -> None:
    environment = edge(service)
    secret, number = token(service, environment)
    with agent(service, secret) as client:
        assert connections(service) == [environment]
        assert service.ask("DELETE", f"/api/hawser/tokens/{number}")[0] == 204
        assert client.ended() == Closed(1008, "Token revoked")
    until(lambda: not connections(service), "the agent is away")

    with WebSocketClient(("127.0.0.1", service.port)) as client:
        client.say(**HELLO, token=secret)
        assert client.hear() == {"type": "error", "error": "Invalid token", "message": "Invalid token"}
        assert client.ended() == Closed(1008, "Invalid token")
    assert secret not in service.log.read_text()


def test_a_request_goes_out_over_the_socket_and_its_answer_comes_back(service: Service) -> None:
    environment = edge(service)
    with agent(service, token(service, environment)[0]) as client, ThreadPoolExecutor(1) as thread:
        asking = thread.submit(service.text, "GET", f"/api/images?env={environment}")
        request = client.hear()
        assert (request["type"], request["method"]) == ("request", "GET")
        while "/images/json" not in request["path"]:
            client.say(type="response", requestId=request["requestId"], statusCode=200, headers=VERSION, body="OK")
            request = client.hear()
        body = json.dumps([IMAGE])
        client.say(type="response", requestId=request["requestId"], statusCode=200, headers=VERSION, body=body)
        status, images = asking.result(BOUND_SECONDS)
    assert status == 200, images
    assert [image["tags"] for image in json.loads(images)] == [["team/app:1"]]


def test_a_stopping_service_sends_agents_away_and_takes_them_again(tmp_path: Path) -> None:
    service = Service(tmp_path / "data")
    with service.running() as process:
        environment = edge(service)
        secret, _ = token(service, environment)
        with agent(service, secret) as client:
            process.send_signal(signal.SIGTERM)
            closed = client.ended()
            process.wait(30)
    assert closed is not None
    assert closed.code in {1001, 1012}
    with service.running(), agent(service, secret):
        assert connections(service) == [environment]
