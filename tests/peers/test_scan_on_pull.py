"""A pull that is scanned, at `lading serve` as a person runs it: by the API, by the docker command, by docker-py.

The advisories are imported by the command line, the image comes from Docker's own registry.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from tests.fakes.advisory_files import advisory, folder_of
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.peers import docker_door, programs
from tests.peers.docker_command import DockerCommand
from tests.peers.job_follower import JobFollower
from tests.peers.service_process import Json, Service

pytestmark = pytest.mark.peer("docker-registry")

SITE = "usr/local/lib/python3.11/site-packages"
BASE = tar_of({f"{SITE}/demo-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"})
ADDED = tar_of({f"{SITE}/other-3.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: other\nVersion: 3.0\n"})
DOCUMENTED: dict[str, set[str]] = {
    "scanning": {"status", "message"},
    "scan-progress": {"status", "stage", "message", "progress"},
    "scan-complete": {"status", "message", "results"},
    "result": {
        "imageId", "imageName", "scanner", "scannedAt", "scanDuration", "summary", "vulnerabilities",
    },
    "vulnerability": {"id", "severity", "package", "version", "fixedVersion", "description"},
}  # fmt: skip
"""The fields of the published events (interfaces §2, Pull)."""


@dataclass(frozen=True)
class Place:
    """The service, its Docker door, and an image that is only in a registry."""

    service: Service
    door: str
    image: str

    def forget(self) -> None:
        self.service.ask("DELETE", f"/api/images/{self.image.replace('/', '%2F')}?force=true")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("scanned")
    with tempfile.TemporaryDirectory(prefix="lading-") as short, programs.docker_registry(folder / "r") as registry:
        door = f"unix://{short}/docker.sock"
        service = Service(folder / "data", {"LADING_DOCKER_API": door})
        records = folder_of(
            folder / "advisories",
            advisory("PYSEC-1", aliases=["CVE-2099-0001"], database_specific={"severity": "HIGH"}),
            advisory("PYSEC-2", "other", fixed="2.0"),
        )
        imported = subprocess.run(
            [sys.executable, "-m", "lading", "advisories", "import", str(records)],
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LADING_DATA": str(service.data)},
            capture_output=True,
            check=False,
        )
        assert imported.returncode == 0, imported.stderr.decode()
        with service.running():
            number = service.registry(registry.host)
            image = f"{registry.host}/team/app:1"
            service.load(docker_archive([image], [BASE, ADDED]))
            push = {"imageId": image, "registryId": number}
            status, told = service.ask("POST", "/api/images/push", push, {"Accept": "application/json"})
            assert status == 200, told
            assert service.ask("PUT", "/api/settings/scanner", {"scanner": "osv"})[0] == 200
            made = Place(service, door, image)
            made.forget()
            yield made


def test_the_events_are_those_that_are_documented(place: Place) -> None:
    place.forget()
    follower = JobFollower(place.service, place.service.started("/api/images/pull", {"image": place.image})).start()
    assert follower.ended.wait(60)
    follower.stop()

    lines = [line for line in follower.lines if isinstance(line, dict)]
    statuses = [line["status"] for line in lines]
    scan = [line for line in lines if line["status"] in DOCUMENTED]
    assert statuses[-1] == "complete"
    assert statuses.index("scanning") > statuses.index("Pull complete")
    assert lines[-1 - len(scan) : -1] == scan  # one after the other, right before the end
    assert [line["status"] for line in scan] == [
        "scanning", *["scan-progress"] * (len(scan) - 2), "scan-complete",
    ]  # fmt: skip
    assert scan[0] == {"status": "scanning", "message": "Starting vulnerability scan..."}
    assert all(set(line) >= DOCUMENTED[str(line["status"])] for line in scan)
    analyzing = [line for line in scan if line.get("stage") == "analyzing"]
    assert {line["message"] for line in analyzing} == {"Analyzing image layers"}
    assert scan[-1]["message"] == "Scan complete - found 1 vulnerabilities"
    (result,) = scan[-1]["results"]
    assert set(result) >= DOCUMENTED["result"] | {"status", "coverage", "dbVersion"}
    assert (result["imageName"], result["scanner"], result["status"]) == (place.image, "osv", "ok")
    assert result["summary"] == {"critical": 0, "high": 1, "medium": 0, "low": 0, "negligible": 0, "unknown": 0}
    (found,) = result["vulnerabilities"]
    assert set(found) >= DOCUMENTED["vulnerability"]
    assert (found["id"], found["severity"], found["package"], found["version"], found["fixedVersion"]) == (
        "CVE-2099-0001", "high", "demo", "1.0", "2.0",
    )  # fmt: skip


def test_what_was_found_is_known_by_the_images_name(place: Place) -> None:
    def newest() -> Json:
        status, found = place.service.ask("GET", f"/api/images/scan?image={place.image}")
        assert status == 200
        return found[0]  # type: ignore[index, return-value]  # a list of scans

    place.service.ask("POST", "/api/images/pull", {"image": place.image}, {"Accept": "application/json"})
    assert newest()["summary"]["high"] == 1  # type: ignore[index]  # a JSON object
    assert newest()["coverage"]["packages"] == 2  # type: ignore[index]


@pytest.mark.peer("docker")
def test_the_docker_command_prints_that_it_was_scanned(place: Place, tmp_path: Path) -> None:
    place.forget()
    command = DockerCommand(docker_door.newest(), place.door, tmp_path, api=None)

    said = command("pull", place.image)

    assert said.status == 0, said.all
    assert "Starting vulnerability scan...\nScan complete - found 1 vulnerabilities\nDigest: sha256:" in said.out
    assert said.out.endswith(f"Status: Downloaded newer image for {place.image}\n{place.image}\n")
    place.forget()
    assert command.on_terminal("pull", place.image).status == 0


def test_docker_py_pulls_as_ever(place: Place) -> None:
    place.forget()
    client = docker.DockerClient(base_url=place.door, timeout=60)
    try:
        image = client.images.pull(place.image.rpartition(":")[0], tag="1")
        assert place.image in image.tags
        told = list(client.api.pull(place.image.rpartition(":")[0], tag="1", stream=True, decode=True))
    finally:
        client.close()
    assert "Scan complete - found 1 vulnerabilities" in [line.get("status") for line in told]
    assert not [line for line in told if "error" in line]
