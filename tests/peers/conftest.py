"""Real programs as fixtures. Ask for one only in a test marked `peer(…)` with its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import mission_place, mission_start, programs


@pytest.fixture
def docker_registry(tmp_path: Path) -> Iterator[programs.RunningRegistry]:
    """An empty docker-registry over plain HTTP."""
    with programs.docker_registry(tmp_path / "docker-registry") as registry:
        yield registry


@pytest.fixture(scope="session")
def mission(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mission_place.Place]:
    """A service, a Docker engine and registries as the published documents know them, for all tests of a process."""
    if programs.own_address() is None:
        pytest.skip("this machine has no address but loopback's")
    with mission_start.place(tmp_path_factory.mktemp("mission")) as place:
        yield place
