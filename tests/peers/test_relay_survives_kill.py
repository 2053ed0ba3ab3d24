"""A push through us whose server is killed on the way: the next start ends it truthfully, and nothing of it is left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes.certificates import Authority
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.peers import programs
from tests.peers.programs import RunningDocker
from tests.peers.service_process import ENDED, Json, Service, kill, until

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry"), pytest.mark.proof]

NAME = "shop.example/killed:1"


@pytest.mark.parametrize("staged", [True, False])
@pytest.mark.parametrize("said", ["relaying", '"Pushed"', "Pushing"])
def test_a_killed_server_ends_what_it_relayed(
    tmp_path: Path, docker_engine: RunningDocker, staged: bool, said: str
) -> None:
    address = programs.own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback's")
    authority = Authority(tmp_path)
    shown = authority.server(address)
    docker_engine("load", input=docker_archive([NAME], [tar_of({"own": os.urandom(3_000_000)})], label=NAME))
    service = Service(tmp_path / "data")
    if staged:
        service.settings = {"LADING_REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{service.registry_port}"}
    with programs.docker_registry(
        tmp_path / "registry", address=address, tls=(shown.certificate, shown.key)
    ) as registry:
        with service.running() as child, registry.frozen():
            job = begun(service, docker_engine, f"https://{registry.host}", authority)
            until(lambda: said in service.text("GET", f"/api/jobs/{job}")[1], f"it says {said}")
            kill(child)
        with service.running():
            ended = service.ended([job])[job]
            names = docker_engine("images", "--digests", "--format", "{{.Repository}}").splitlines()
            again = pushed(service)
            results = audited(service, registry.host)
            left = service.text("GET", "/api/auth/tokens?all=true")[1]
    docker_engine("rmi", "--force", NAME)

    assert ended["status"] in ENDED
    assert again["status"] == "done", again
    assert ended["status"] != "done" or digest(ended) == digest(again)
    assert sorted(results) == sorted(["started", "started", str(ended["status"]), "done"])
    assert "one relay" not in left
    assert not any(str(service.registry_port) in name for name in names)
    assert [path for path in (service.data / "scratch").rglob("*") if path.is_file()] == []


def begun(service: Service, docker: RunningDocker, registry: str, authority: Authority) -> str:
    """The id of the job of a push through us."""
    host = {"name": "host", "connectionType": "socket", "socketPath": str(docker.socket)}
    assert service.ask("POST", "/api/environments", host)[0] == 201
    ca = authority.certificate.read_text()
    row = {"name": "far", "url": registry, "ca": ca, "relay": "always"}
    assert service.ask("POST", "/api/registries", row)[0] == 201
    return service.started(f"/api/images/push?env={environment(service)}", body())


def pushed(service: Service) -> Json:
    """The job of the same push, once it has ended."""
    job = service.started(f"/api/images/push?env={environment(service)}", body())
    return service.ended([job])[job]


def audited(service: Service, registry: str) -> list[str]:
    """How the pushes to it stand on the trail."""
    rows = service.ask("GET", "/api/audit?action=push&page=1")[1]["items"]
    assert isinstance(rows, list)
    return [str(row["result"]) for row in rows if str(row["entityName"]).startswith(registry)]


def environment(service: Service) -> object:
    rows = service.ask("GET", "/api/environments?page=1")[1]["items"]
    assert isinstance(rows, list)
    return next(row["id"] for row in rows if row["name"] == "host")


def body() -> Json:
    return {"imageId": NAME, "registryId": 1}


def digest(job: Json) -> object:
    result = job["result"]
    assert isinstance(result, dict)
    return result["digest"]
