"""`lading environment distribute` beside a server that runs: it is followed to its end, and ends as it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.docker_archives import docker_archive
from tests.fakes.service_folder import ServiceFolder
from tests.fronts.docker_api.door import door
from tests.peers import programs
from tests.peers.service_process import Service

NAME = "shop.example/app:1"


@pytest.mark.proof
def test_the_command_follows_the_job_and_tells_which_hosts_have_not_got_it(tmp_path: Path) -> None:
    port = programs.free_port()
    settings = {"LADING_REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    service = Service(tmp_path / "data", settings, registry_port=port)
    lading = ServiceFolder(tmp_path / "data")
    with door(tmp_path / "host") as host, service.running():
        service.load(docker_archive([NAME]))
        lading("environment", "add", "sound", f"tcp://127.0.0.1:{host.port}")
        lading("environment", "add", "gone", f"tcp://127.0.0.1:{programs.free_port()}")

        whole = lading("environment", "distribute", NAME, "--to", "sound", "--as", "renamed:2")
        assert "sound: Done" in whole.out
        assert "Image renamed:2 is at 1 host\n" in whole.out
        partly = lading.run("environment", "distribute", NAME, "--all")

        assert partly.code == 3
        assert f"error: {NAME} is at 1 of 2 hosts; it is not at gone" in partly.err
        assert "why: gone: " in partly.err.replace("why:   ", "why: ")
        (job,) = lading.json("jobs", "ls", "--state", "error")
        again = lading("jobs", "retry", job["id"])
        assert lading.run("jobs", "watch", again.out.split()[0]).code == 10
