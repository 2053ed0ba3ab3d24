"""Our own agent's connection ends in mid-stream, again and again: what runs over it goes on where it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.naming import Names
from lading.backends.edge_hub.hub import LocalHub
from lading.engine.cancel import Cancellation
from lading.oci.reference import Reference
from lading.services.environments.environment import Environment
from lading.services.environments.orders import PushOrder
from tests.contract.environments.suite import CANCEL, told
from tests.fakes.cutting_relay import CuttingRelay
from tests.fakes.docker_archives import docker_archive, members, read_to_end, reader
from tests.fakes.embedded import embedded
from tests.fakes.hub_door import HubDoor
from tests.fakes.root_images import tar_of
from tests.peers import programs
from tests.peers.docker_environments import access_of
from tests.peers.edge_ways import local_hub, our_agent
from tests.peers.programs import RunningDocker, RunningRegistry
from tests.peers.service_process import until

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]

LAYER_BYTES = 6_000_000
CUTS = (700_001, 1, 1_500_000, 3_000, 2_000_000)
"""Bytes that each of the connections carries before it ends; the one after them lasts. Less than a login is one too."""


@dataclass
class Resumed:
    """An environment at whose host our agent stands; nothing here begins anything a second time."""

    environment: Environment
    hub: LocalHub
    relay: CuttingRelay

    def cut(self, *, up: bool) -> None:
        """The connection ends, and from then on as CUTS say."""
        self.relay.cut_at(*CUTS) if up else self.relay.cut_down_at(*CUTS)
        self.cut_once()

    def cut_once(self) -> None:
        """The connection ends; returns when the agent is back."""
        dialled = self.relay.connections
        self.relay.cut()
        until(lambda: self.relay.connections > dialled, "the agent has dialled")
        with Cancellation() as cancel:
            assert self.hub.back(1, cancel, 20)

    def assert_all_cut(self, before: int) -> None:
        """Every one of them came to its end."""
        assert self.relay.connections - before > len(CUTS)


@pytest.fixture(scope="module")
def resumed(docker_engine: RunningDocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resumed]:
    folder = tmp_path_factory.mktemp("resumed")
    with (
        embedded(folder / "lading") as made,
        local_hub(folder / "agents") as hub,
        HubDoor(hub.attach) as door,
        CuttingRelay(door.port) as relay,
        our_agent(folder, f"http://127.0.0.1:{relay.port}", "1", docker_engine),
    ):
        with Cancellation() as cancel:
            assert hub.back(1, cancel, 60), (folder / "agent.log").read_text()
        transport = hub.transport(1)
        environment = DockerEnvironment(
            transport, "http://docker", "edge", made.places.prove, Names(), back=_never_again
        )
        yield Resumed(environment, hub, relay)


def _never_again(_cancel: object) -> bool:
    """Whatever broke off would have to be begun again."""
    raise AssertionError("a transfer broke off")


@contextmanager
def an_image(docker: RunningDocker, name: str) -> Iterator[str]:
    """At the Docker host, until the end of the block; its id."""
    noise = random.Random(name).randbytes(LAYER_BYTES)
    identity = docker("import", "-", name, input=tar_of({"noise": noise})).strip()
    yield identity
    docker("rmi", "-f", identity)


def test_an_export_over_cut_connections_is_whole(resumed: Resumed, docker_engine: RunningDocker) -> None:
    with an_image(docker_engine, "resumed/export:1"):
        with resumed.environment.export(["resumed/export:1"], CANCEL) as stream:
            straight = read_to_end(stream)
        before = resumed.relay.connections
        resumed.cut(up=True)
        with resumed.environment.export(["resumed/export:1"], CANCEL) as stream:
            archive = read_to_end(stream)
    resumed.assert_all_cut(before)
    assert members(archive) == members(straight)
    assert len(archive) == len(straight)


def test_a_load_over_cut_connections_is_whole(resumed: Resumed, docker_engine: RunningDocker) -> None:
    noise = random.Random("load").randbytes(LAYER_BYTES * 2)
    archive = docker_archive(["resumed/load:1"], [tar_of({"noise": noise})])
    before = resumed.relay.connections
    resumed.cut(up=False)
    (arrived,) = resumed.environment.load(reader(archive), told, CANCEL)
    resumed.assert_all_cut(before)
    assert docker_engine("image", "inspect", "--format", "{{.Id}}", "resumed/load:1").strip() == arrived.id
    docker_engine("rmi", "-f", arrived.id)


def test_a_push_over_cut_connections_is_asked_for_once(
    resumed: Resumed, docker_engine: RunningDocker, tmp_path: Path
) -> None:
    """The registry's pipe is held, so that all of the cuts are in the push's midst."""
    with (
        programs.docker_registry(tmp_path / "registry") as docker_registry,
        CuttingRelay(int(docker_registry.host.rpartition(":")[2])) as pipe,
        an_image(docker_engine, "resumed/push:1") as identity,
    ):
        host = f"127.0.0.1:{pipe.port}"
        target = Reference.parse(f"{host}/resumed/push:1")
        access = access_of(RunningRegistry(host, docker_registry.log, docker_registry.root))
        pipe.hold_at(LAYER_BYTES // 2)
        with ThreadPoolExecutor(1) as threads:
            pushing = threads.submit(resumed.environment.push, PushOrder(identity, (target,), access), told, CANCEL)
            assert pipe.held.wait(60)
            for _ in range(5):
                resumed.cut_once()
            pipe.let_go()
            (arrived,) = pushing.result(60)
        assert arrived.error is None
        programs.get(docker_registry, "/v2/resumed/push/manifests/1")
