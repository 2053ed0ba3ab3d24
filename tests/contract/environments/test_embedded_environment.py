"""Our own engine keeps the contract of environments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.services.environment import Environment
from tests.contract.environments.suite import EnvironmentContract, TransferContract
from tests.fakes.embedded import embedded
from tests.peers import programs
from tests.peers.programs import RunningRegistry


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    with embedded(tmp_path / "lading") as made:
        yield made.environment


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    folder = tmp_path_factory.mktemp("docker-registry")
    with programs.docker_registry(folder, htpasswd=("me", "secret")) as running:
        yield running


class TestEmbedded(EnvironmentContract):
    """Over a real data folder."""


@pytest.mark.peer("docker-registry")
class TestEmbeddedTransfers(TransferContract):
    """With a real registry."""
