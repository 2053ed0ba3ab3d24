"""One running door for the tests of a module, without images for each test; and a registry that it reaches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.services.identity.authentication import OPEN
from tests.fakes.docker_archives import docker_archive
from tests.fronts.docker_api import door as doors
from tests.fronts.docker_api.transfers import LAYERS
from tests.fronts.docker_api.upstream import Upstream, upstream


@pytest.fixture(scope="module")
def running_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[doors.Door]:
    """Over an embedded environment."""
    with doors.door(tmp_path_factory.mktemp("door")) as running:
        yield running


@pytest.fixture
def door(running_door: doors.Door) -> Iterator[doors.Door]:
    """Empty, and open to everybody."""
    running_door.clear()
    yield running_door
    running_door.who[:] = [OPEN]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Upstream]:
    """Empty, for one test."""
    with upstream(tmp_path / "upstream") as running:
        yield running


@pytest.fixture
def app(door: doors.Door, registry: Upstream) -> str:
    """The name of an image that is here, made for the registry."""
    name = f"{registry.host}/team/app"
    door.load_archive(docker_archive([f"{name}:1"], LAYERS))
    return name
