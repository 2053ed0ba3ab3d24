"""Images of a real Docker engine: scanned by their archive, and not asked for again where all layers are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.advisory_files import advisory, brought, folder_of
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.peers import programs
from tests.peers.service_process import Service

pytestmark = [pytest.mark.peer("dockerd")]

SITE = "usr/local/lib/python3.11/site-packages"
BASE = tar_of({f"{SITE}/demo-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"})
ADDED = tar_of({f"{SITE}/other-3.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: other\nVersion: 3.0\n"})
FIRST, SECOND = "lading-host-scan:1", "lading-host-scan:2"


@dataclass(frozen=True)
class Host:
    """The service, and the environment that is the Docker engine."""

    service: Service
    number: int

    def scan(self, image: str) -> dict[str, Any]:
        path, body = f"/api/images/scan?env={self.number}", {"image": image, "scanner": "osv"}
        status, text = self.service.text("POST", path, body, {"Accept": "application/json"})
        assert status == 200, text
        (found,) = json.loads(text)["scans"]
        whole: dict[str, Any] = self.service.ask("GET", f"/api/scans/{found['id']}")[1]
        return whole


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, docker_engine: programs.RunningDocker) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    service = Service(folder / "data")
    service.data.mkdir()
    brought(service.data, folder_of(folder / "advisories", advisory("PYSEC-1"), advisory("PYSEC-2", "other")))
    for name, layers in ((FIRST, [BASE]), (SECOND, [BASE, ADDED])):
        docker_engine("load", input=docker_archive([name], layers))
    with service.running():
        row = {"name": "host", "connectionType": "socket", "socketPath": str(docker_engine.socket)}
        status, made = service.ask("POST", "/api/environments", row)
        assert status == 201, made
        yield Host(service, int(str(made["id"])))
    docker_engine("rmi", FIRST, SECOND)


def test_what_a_docker_host_has_is_scanned_too(host: Host) -> None:
    first = host.scan(FIRST)
    again = host.scan(FIRST)
    second = host.scan(SECOND)

    assert [each["id"] for each in first["vulnerabilities"]] == ["PYSEC-1"]
    assert first["imageName"] == FIRST
    assert again["id"] == first["id"]
    assert [each["id"] for each in second["vulnerabilities"]] == ["PYSEC-1"]  # other 3.0 is beyond what is wrong
    assert second["coverage"]["packages"] == 2
    assert second["vulnerabilities"][0]["layer"] == first["vulnerabilities"][0]["layer"]


def test_a_round_goes_over_the_host_and_learns_what_is_gone(host: Host, docker_engine: programs.RunningDocker) -> None:
    service = host.service
    assert service.ask("PUT", f"/api/settings/scanner?env={host.number}", {"scanner": "osv"})[0] == 200
    _round(host)
    listed = f"/api/findings?env={host.number}&filter=lading-host-scan"
    assert len(service.ask("GET", listed)[1]) == 2

    docker_engine("rmi", SECOND)
    _round(host)
    docker_engine("load", input=docker_archive([SECOND], [BASE, ADDED]))

    assert len(service.ask("GET", listed)[1]) == 1


def test_a_pull_into_a_docker_host_is_scanned(
    host: Host, docker_engine: programs.RunningDocker, tmp_path: Path
) -> None:
    with programs.docker_registry(tmp_path / "registry") as registry:
        name = f"{registry.host}/team/app:1"
        docker_engine("tag", FIRST, name)
        docker_engine("push", name)
        docker_engine("rmi", name)
        assert host.service.ask("PUT", f"/api/settings/scanner?env={host.number}", {"scanner": "osv"})[0] == 200

        started = host.service.started(f"/api/images/pull?env={host.number}", {"image": name})
        job = host.service.ended([started])[started]
        docker_engine("rmi", name)

    assert job["status"] == "done", job
    lines: list[Any] = [line["data"] for line in job["lines"]]  # type: ignore[attr-defined]  # a list
    complete = lines[-2]
    assert complete["message"].startswith("Scan complete - found 1 vulnerabilities"), complete
    (result,) = complete["results"]
    assert (result["imageName"], result["vulnerabilities"][0]["id"]) == (name, "PYSEC-1")


def _round(host: Host) -> None:
    path = f"/api/scans/rounds?env={host.number}"
    status, told = host.service.ask("POST", path, None, {"Accept": "application/json"})
    assert (status, told["status"]) == (200, "complete"), told  # other tests leave images there without a package
