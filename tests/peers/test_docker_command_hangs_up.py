"""The docker command killed in the middle of a push: the upload stops, and the next push goes on inside the layer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lading.services.jobs.job import JobState
from lading.services.jobs.records import JobFilter
from tests.fakes.docker_archives import docker_archive
from tests.fronts.docker_api import door as doors
from tests.fronts.docker_api.upstream import until, upstream
from tests.peers import docker_door
from tests.peers.docker_command import DockerCommand

pytestmark = [pytest.mark.peer("docker"), pytest.mark.proof]

SIZE = 64 * 1024 * 1024
STOP_SECONDS = [60.0, pytest.param(2.0, marks=pytest.mark.proof(reason="how fast; that it stops, 60.0 shows"))]
"""Within which a push without a client is given up (issue 5)."""


@pytest.mark.parametrize("program", docker_door.commands())
@pytest.mark.parametrize("seconds", STOP_SECONDS)
def test_a_killed_push_stops_and_is_gone_on_with(program: str, seconds: float, tmp_path: Path) -> None:
    with upstream(tmp_path / "upstream") as registry, doors.door(tmp_path / "door") as door:
        name = f"{registry.host}/team/app:1"
        door.load_archive(docker_archive([name], [os.urandom(SIZE)]))
        docker = DockerCommand(program, f"tcp://127.0.0.1:{door.port}", tmp_path / "home")
        registry.hold_at = SIZE // 2
        with docker.start("push", name) as pushing:
            registry.wait_until(SIZE // 2)
            pushing.kill()
        killed = time.monotonic()
        jobs = door.product.database.jobs
        until(lambda: jobs.page(JobFilter(), 0, 1).jobs[0].state is JobState.CANCELLED)
        assert time.monotonic() - killed < seconds
        registry.let_go()
        before = registry.received

        again = docker("push", name)

        assert (again.status, "digest: sha256:" in again.out) == (0, True), again.all
        assert registry.received - before < SIZE - SIZE // 4
