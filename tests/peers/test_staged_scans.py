"""Images of a real Docker engine that pushes them to us to be looked at, into a repository of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.advisory_files import advisory, brought, folder_of
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.peers import programs
from tests.peers.service_process import Service

pytestmark = [pytest.mark.peer("dockerd")]

STATUS = b"Package: demo\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n"
DEBIAN = {"etc/os-release": b"ID=debian\nVERSION_ID=12\n", "var/lib/dpkg/status": STATUS}
NAME = "lading-staged-scan:1"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    port = programs.free_port()
    service = Service(tmp_path / "data", {"LADING_REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{port}"}, registry_port=port)
    service.data.mkdir()
    record = advisory("DEBIAN-CVE-2099-0001", ecosystem="Debian:12", fixed="1.0-2", upstream=["CVE-2099-0001"])
    brought(service.data, folder_of(tmp_path / "advisories", record))
    with service.running():
        yield service


@pytest.fixture
def image(docker_engine: programs.RunningDocker) -> Iterator[str]:
    docker_engine("load", input=docker_archive([NAME], [tar_of(DEBIAN), tar_of({"big": os.urandom(100_000)})]))
    yield NAME
    docker_engine("rmi", NAME)


def environment(service: Service, docker: programs.RunningDocker) -> int:
    row = {"name": "host", "connectionType": "socket", "socketPath": str(docker.socket)}
    status, made = service.ask("POST", "/api/environments", row)
    assert status == 201, made
    return int(str(made["id"]))


def scanned(service: Service, number: int, image: str) -> dict[str, Any]:
    started = service.started(f"/api/images/scan?env={number}", {"image": image, "scanner": "osv"})
    ended = service.ended([started])[started]
    assert ended["status"] == "done", ended
    (result,) = told(service, f"/api/images/scan?env={number}&image={image}")
    return result


def told(service: Service, path: str) -> list[dict[str, Any]]:
    """What an answer lists."""
    status, text = service.text("GET", path)
    assert status == 200, text
    found: list[dict[str, Any]] = json.loads(text)
    return found


def test_a_host_pushes_its_image_to_us_and_nothing_of_it_stays_but_layers(
    service: Service, docker_engine: programs.RunningDocker, image: str
) -> None:
    number = environment(service, docker_engine)

    result = scanned(service, number, image)

    assert [each["id"] for each in result["vulnerabilities"]] == ["CVE-2099-0001"]
    assert [each["name"] for each in told(service, "/api/repositories")] == [f"lading-scans/{number}"]
    assert told(service, f"/api/repositories/lading-scans%2F{number}/tags") == []
    assert docker_engine("images", "--format", "{{.Repository}}").split().count("lading-staged-scan") == 1
    assert "lading-scans" not in docker_engine("images", "--digests", "--format", "{{.Repository}}")
    assert [each["name"] for each in told(service, "/api/auth/tokens?all=true")] == ["tests"]


def test_a_host_that_cannot_reach_us_hands_out_an_archive(
    docker_engine: programs.RunningDocker, image: str, tmp_path: Path
) -> None:
    nobody = programs.free_port()
    service = Service(tmp_path / "data", {"LADING_REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{nobody}"})
    service.data.mkdir()
    record = advisory("DEBIAN-CVE-2099-0001", ecosystem="Debian:12", fixed="1.0-2", upstream=["CVE-2099-0001"])
    brought(service.data, folder_of(tmp_path / "advisories", record))
    with service.running():
        number = environment(service, docker_engine)

        result = scanned(service, number, image)

        assert [each["id"] for each in result["vulnerabilities"]] == ["CVE-2099-0001"]
        assert told(service, "/api/repositories") == []
