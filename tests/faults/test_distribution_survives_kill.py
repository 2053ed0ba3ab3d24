"""A server that is killed while hosts fetch an image: the job goes on, and nothing of it stays behind."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.fakes.docker_archives import docker_archive
from tests.fronts.docker_api.door import Door, door
from tests.peers import programs
from tests.peers.service_process import Service, kill, until

NAME = "shop.example/app:1"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    port = programs.free_port()
    settings = {"LADING_REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    return Service(tmp_path / "data", settings, registry_port=port)


def environment(service: Service, name: str, port: int) -> int:
    row = {"name": name, "connectionType": "direct", "host": "127.0.0.1", "port": port, "protocol": "http"}
    status, made = service.ask("POST", "/api/environments", row)
    assert status == 201, made
    return int(str(made["id"]))


def has_it(host: Door) -> bool:
    return any(NAME in (image["RepoTags"] or ()) for image in host.get("/v1.41/images/json").json)


def listed(service: Service, path: str) -> Any:
    status, found = service.ask("GET", path)
    assert status == 200, found
    return found


@pytest.mark.proof(
    reason="jobs that go on after a kill: test_service_survives_kill; one host that fails: test_distribution"
)
def test_the_job_goes_on_and_tells_truly_where_the_image_is(service: Service, tmp_path: Path) -> None:
    with door(tmp_path / "host") as host:
        with closing(socket.create_server(("127.0.0.1", 0))) as deaf, service.running() as child:
            numbers = [
                environment(service, "sound", host.port),
                environment(service, "deaf", deaf.getsockname()[1]),
            ]
            service.load(docker_archive([NAME]))
            job = service.started("/api/images/distribute", {"image": NAME, "environments": numbers})
            until(lambda: has_it(host), "the sound host has it")
            kill(child)

        with service.running():
            ended: Any = service.ended([job])[job]

            assert (ended["status"], ended["result"]["cause"]) == ("error", "partly_done")
            assert [(each["name"], each["status"]) for each in ended["result"]["results"]] == [
                ("sound", "done"),
                ("deaf", "error"),
            ]
            path = quote("lading-distributed/app", "")
            assert listed(service, f"/api/repositories/{path}/tags") == []
            assert [user["username"] for user in listed(service, "/api/users")] == ["admin"]
            rows = listed(service, "/api/audit?action=distribute&page=1&limit=50")["items"]
            assert sorted(row["result"] for row in rows) == ["failed", "started"]
