"""Two servers on one PostgreSQL, and a stock agent that is connected to one of them: both work with its Docker host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contract.environments.transfers_suite import DOCKER_MANIFEST
from tests.fakes.docker_archives import docker_archive
from tests.fakes.stock_agent import StockAgent
from tests.fakes.stock_engine import SocketEngine
from tests.fakes.stock_playing import playing
from tests.peers import programs
from tests.peers.postgres_server import RunningPostgres
from tests.peers.service_process import SECRET_KEY, Service, until

pytestmark = [pytest.mark.peer("postgres", "docker-registry"), pytest.mark.peer("dockerd")]

AWAY = {"status": "error", "error": "Edge agent not connected"}
JSON = {"Accept": "application/json"}


def replica(folder: Path, name: str, url: str) -> Service:
    listen = f"127.0.0.1:{programs.free_port()}"
    settings = {"LADING_DATABASE": url, "LADING_SECRET_KEY": SECRET_KEY, "LADING_REPLICA_LISTEN": listen}
    return Service(folder / name, settings)


def test_both_servers_work_with_the_agent_that_one_of_them_holds(tmp_path: Path, postgres: RunningPostgres) -> None:
    url = postgres.empty()
    holder, other = replica(tmp_path, "holder", url), replica(tmp_path, "other", url)
    with (
        programs.docker_engine(tmp_path / "docker") as docker,
        programs.docker_registry(tmp_path / "registry") as registry,
        other.running(),
    ):
        docker("load", input=docker_archive(["app:1"], label="behind a firewall"))
        with holder.running():
            made = other.ask("POST", "/api/environments", {"name": "attic", "connectionType": "hawser-edge"})[1]
            number = made["id"]
            token = other.ask("POST", "/api/hawser/tokens", {"name": "attic", "environmentId": number})[1]["token"]
            agent = StockAgent(f"ws://127.0.0.1:{holder.port}", str(token), SocketEngine(str(docker.socket)))
            with playing(agent):
                assert agent.connected.wait(60), agent.refusals
                listed = f"/api/images?env={number}"
                until(lambda: other.text("GET", listed)[0] == 200, "the other server sees the agent")
                names = [image["tags"] for image in json.loads(other.text("GET", listed)[1])]
                row = other.registry(registry.host)
                wanted = {"imageId": "app:1", "registryId": row, "newTag": "carried:1"}
                pushed = other.ask("POST", f"/api/images/push?env={number}", wanted, JSON)
                there = programs.get(registry, "/v2/carried/manifests/1", DOCKER_MANIFEST)[1]["docker-content-digest"]
                tested = other.ask("POST", f"/api/environments/{number}/test")
        until(lambda: other.text("GET", listed)[0] == 503, "the agent is gone with its server")
        away = other.ask("POST", f"/api/images/push?env={number}", wanted, JSON)

    assert names == [["app:1"]]
    assert pushed[0] == 200, pushed
    assert pushed[1]["digest"] == there
    assert tested[1]["success"] is True, tested
    assert away[0] == 503
    assert {key: away[1][key] for key in AWAY} == AWAY
    for service in (holder, other):
        assert str(token) not in service.log.read_text()
