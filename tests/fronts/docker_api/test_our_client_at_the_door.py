"""Our own client of Docker hosts at our own Docker door keeps the contract of environments: each shows what the other
gets wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.main.environments import EnvironmentBuilder
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.records import EnvironmentRow
from tests.contract.environments.events_suite import EventsContract
from tests.contract.environments.images_suite import DistributionContract, ImagesContract
from tests.contract.environments.suite import EnvironmentContract
from tests.contract.environments.transfers_suite import TransferContract
from tests.fakes.agents import PlayedHub
from tests.fakes.embedded import embedded
from tests.fronts.docker_api.door import Door
from tests.peers import programs
from tests.peers.programs import RunningRegistry


@pytest.fixture
def environment(door: Door, tmp_path: Path) -> Iterator[Environment]:
    row = EnvironmentRow(1, "door", ConnectionType.DIRECT, host="127.0.0.1", port=door.port, protocol="http")
    with embedded(tmp_path / "elsewhere") as made:
        builder = EnvironmentBuilder(made.places, lambda: made.environment, "lading/tests", PlayedHub())
        yield builder(row, None)
        builder.close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    folder = tmp_path_factory.mktemp("docker-registry")
    with programs.docker_registry(folder, htpasswd=("me", "secret")) as running:
        yield running


class TestOurClient(EnvironmentContract, ImagesContract, EventsContract):
    """Over TCP, at the newest version."""


@pytest.mark.peer("docker-registry")
class TestOurClientTransfers(TransferContract, DistributionContract):
    """Through a registry with a password."""
