"""A host that runs our agent and no Docker: its environment is Lading's own engine in the agent's data folder.

What both engines do alike is asked of it over the whole way: Docker client, hub, WebSocket, agent, Docker door, engine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lading.engine.cancel import Cancellation
from lading.main.environments import EnvironmentBuilder
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.records import EnvironmentRow
from tests.contract.environments.suite import EnvironmentContract
from tests.contract.environments.transfers_suite import TransferContract
from tests.fakes.embedded import embedded
from tests.fakes.hub_door import HubDoor
from tests.peers.docker_environments import guarded_registry
from tests.peers.edge_ways import local_hub
from tests.peers.programs import RunningRegistry
from tests.peers.service_process import stop

pytestmark = pytest.mark.peer("docker-registry")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with guarded_registry(tmp_path_factory.mktemp("docker-registry")) as running:
        yield running


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    folder = tmp_path_factory.mktemp("undocked")
    with (
        embedded(folder / "lading") as made,
        local_hub(folder / "agents") as hub,
        HubDoor(hub.attach) as door,
        (folder / "agent.log").open("wb") as log,
    ):
        builder = EnvironmentBuilder(made.places, lambda: made.environment, "lading/tests", hub)
        command = [sys.executable, "-m", "lading", "agent", "--no-docker", "--server", door.url]
        surroundings = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "LADING_TOKEN": "1"}
        surroundings["LADING_DATA"] = str(folder / "agent-data")
        child = subprocess.Popen(command, env=surroundings, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            with Cancellation() as cancel:
                assert hub.back(1, cancel, 60), (folder / "agent.log").read_text()
            yield builder(EnvironmentRow(1, "edge", ConnectionType.HAWSER_EDGE), None)
        finally:
            stop(child)
            builder.close()


class TestWithoutDocker(EnvironmentContract):
    """What needs no registry."""


@pytest.mark.proof
class TestTransfersWithoutDocker(TransferContract):
    """Through a registry with a password."""
