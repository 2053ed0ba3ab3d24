"""`lading serve`, `lading agent` and a real Docker engine, on a network that breaks in the midst: nobody notices."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fakes.cutting_relay import CuttingRelay
from tests.fakes.root_images import tar_of
from tests.peers import programs
from tests.peers.edge_ways import our_agent
from tests.peers.programs import RunningDocker, RunningRegistry
from tests.peers.service_process import Service, until

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]

LAYER_BYTES = 8_000_000


@dataclass
class Edge:
    """The service, its environment, and the network to the agent."""

    service: Service
    environment: object
    relay: CuttingRelay

    def present(self) -> bool:
        """Whether the agent is connected."""
        return self.service.ask("GET", "/api/hawser/connect")[1]["activeConnections"] == 1

    def cut_once(self) -> None:
        """The network breaks; returns when the agent is back."""
        dialled = self.relay.connections
        self.relay.cut()
        until(lambda: self.relay.connections > dialled, "the agent has dialled")
        until(self.present, "the agent is back")

    def exported(self, image: str) -> str:
        """The digest of an image's archive."""
        digest = hashlib.sha256()
        with contextlib.closing(self.service.connection()) as connection:
            headers = {"Authorization": f"Bearer {self.service.token}"}
            connection.request("GET", f"/api/images/{image}/export?env={self.environment}", headers=headers)
            answer = connection.getresponse()
            assert answer.status == 200
            while piece := answer.read(2**18):
                digest.update(piece)
        return digest.hexdigest()


@pytest.fixture(scope="module")
def edge(docker_engine: RunningDocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    folder = tmp_path_factory.mktemp("edge")
    service = Service(folder / "data")
    with service.running(), CuttingRelay(service.port) as relay:
        _, row = service.ask("POST", "/api/environments", {"name": "cellar", "connectionType": "hawser-edge"})
        status, made = service.ask("POST", "/api/hawser/tokens", {"name": "cellar", "environmentId": row["id"]})
        assert status == 201, made
        with our_agent(folder, f"http://127.0.0.1:{relay.port}", str(made["token"]), docker_engine):
            edge = Edge(service, row["id"], relay)
            until(edge.present, "the agent is connected")
            yield edge


@pytest.fixture(scope="module")
def image(docker_engine: RunningDocker) -> str:
    noise = random.Random("cellar").randbytes(LAYER_BYTES)
    docker_engine("import", "-", "cellar/noise:1", input=tar_of({"noise": noise}))
    return "cellar%2Fnoise:1"


def test_an_export_over_a_network_that_breaks_is_the_same(edge: Edge, image: str) -> None:
    straight, before = edge.exported(image), edge.relay.connections
    edge.relay.cut_at(900_001, 1, 3_000_000, 2_000)
    edge.cut_once()

    assert edge.exported(image) == straight
    assert edge.relay.connections - before > 4


def test_a_push_over_a_network_that_breaks_is_done_and_was_asked_for_once(
    edge: Edge, image: str, docker_registry: RunningRegistry
) -> None:
    """The way to the registry is held, so that every break is in the push's midst."""
    with CuttingRelay(int(docker_registry.host.rpartition(":")[2])) as pipe:
        registry = edge.service.registry(f"127.0.0.1:{pipe.port}")
        pipe.hold_at(LAYER_BYTES // 2)
        order = {"imageId": "cellar/noise:1", "registryId": registry}
        job = edge.service.started(f"/api/images/push?env={edge.environment}", order)
        assert pipe.held.wait(60)
        for _ in range(3):
            edge.cut_once()
        pipe.let_go()

        done = edge.service.ended([job])[job]
    assert done["status"] == "done", done["lines"]
    programs.get(docker_registry, "/v2/cellar/noise/manifests/1")
    assert [each.path for each in docker_registry.asked() if each.method == "PUT"].count(
        "/v2/cellar/noise/manifests/1"
    ) == 1
