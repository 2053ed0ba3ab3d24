"""The docker command at a door of Lading that leads to a real Docker engine: its jobs, in its words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.main.product import running
from lading.services.environments.forms import EnvironmentForm
from lading.services.identity.authentication import OPEN
from lading.services.jobs.records import JobFilter
from lading.settings import Settings
from tests.fakes.docker_archives import docker_archive
from tests.fronts.docker_api import door as doors
from tests.peers import docker_door, programs
from tests.peers.docker_command import DockerCommand, settled

pytestmark = pytest.mark.peer("dockerd", "docker", "docker-registry")


@pytest.fixture
def door(docker_engine: programs.RunningDocker, tmp_path: Path) -> Iterator[doors.Door]:
    with running(Settings(tmp_path / "lading", no_auth=True), doors.AMD64) as product:
        form = EnvironmentForm(name="host", connection_type="socket", socket_path=str(docker_engine.socket))
        row = product.product.environments.add(OPEN, form)
        with doors.leading(product, row.id) as opened:
            yield opened


def test_images_move_by_jobs_of_ours(
    door: doors.Door, docker_registry: programs.RunningRegistry, tmp_path: Path
) -> None:
    docker = DockerCommand(docker_door.newest(), f"tcp://127.0.0.1:{door.port}", tmp_path / "home")
    name = f"{docker_registry.host}/team/through:1"

    assert docker("load", given=docker_archive([name])).out == f"Loaded image: {name}\n"
    pushed = docker("push", name)
    gone = docker("rmi", name)
    pulled, again = docker("pull", name), docker("pull", name)
    missing = docker("pull", f"{docker_registry.host}/team/through:none")

    assert [each.status for each in (pushed, gone, pulled, again, missing)] == [0, 0, 0, 0, 1]
    lines = settled(pushed.out)
    assert lines[0] == "The push refers to repository [REGISTRY/team/through]"
    assert lines[1:] == ["SHORTID: Preparing"] * 2 + ["SHORTID: Pushed"] * 2 + ["1: digest: sha256:DIGEST size: N"]
    assert pulled.out.splitlines()[-2] == f"Status: Downloaded newer image for {name}"
    assert again.out.splitlines()[-2] == f"Status: Image is up to date for {name}"
    assert missing.err.strip() == (
        f"Error response from daemon: manifest for {docker_registry.host}/team/through:none not found: "
        "manifest unknown: manifest unknown"
    )
    kinds = [job.request.kind for job in door.product.database.jobs.page(JobFilter(), 0, 10).jobs]
    assert kinds == ["pull", "pull", "pull", "push"]
    docker("rmi", "-f", name)
