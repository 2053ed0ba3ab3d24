"""Scanners that fail, at `lading serve` as a person runs it: the scan says so, nothing is left of it, and what becomes
of a pull is what the policy says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.docker_archives import docker_archive
from tests.fakes.scanner_program import installed
from tests.peers import programs
from tests.peers.service_process import Json, Service

pytestmark = pytest.mark.peer("docker-registry")

WAITING = {"Accept": "application/json"}


@dataclass(frozen=True)
class Place:
    """The service with grype as its scanner, and an image that is only in a registry."""

    service: Service
    programs: Path
    image: str
    policy: int

    def handles(self, handling: str) -> None:
        """What its policy makes of scans that fail."""
        policy = {"name": "gate", "action": "pull", "mode": "enforce", "scanFailed": handling}
        status, told = self.service.ask("PUT", f"/api/policies/{self.policy}", policy)
        assert status == 200, told

    def pulled(self) -> tuple[int, Json]:
        return self.service.ask("POST", "/api/images/pull", {"image": self.image}, WAITING)

    def names(self) -> list[str]:
        _, text = self.service.text("GET", "/api/images")
        return [name for image in json.loads(text) for name in image["tags"]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("failing")
    grype = installed(folder / "bin", "grype")
    settings = {"LADING_GRYPE": str(grype), "LADING_SCAN_TIMEOUT": "1s"}
    service = Service(folder / "data", settings)
    with programs.docker_registry(folder / "r") as registry, service.running():
        number = service.registry(registry.host)
        image = f"{registry.host}/team/app:1"
        service.load(docker_archive([image]))
        push = {"imageId": image, "registryId": number}
        assert service.ask("POST", "/api/images/push", push, WAITING)[0] == 200
        assert service.ask("DELETE", f"/api/images/{image.replace('/', '%2F')}?force=true")[0] == 200
        assert service.ask("POST", "/api/scanners/update", {}, WAITING)[0] == 200
        assert service.ask("PUT", "/api/settings/scanner", {"scanner": "grype"})[0] == 200
        status, policy = service.ask("POST", "/api/policies", {"name": "gate", "action": "pull", "mode": "enforce"})
        assert status == 201, policy
        yield Place(service, folder / "bin", image, int(str(policy["id"])))


@pytest.mark.parametrize("play", ["hangs", "floods", "truncates", "ignores"])
def test_a_scanner_that_fails_opens_no_gate_unless_the_policy_says_so(place: Place, play: str) -> None:
    installed(place.programs, "grype", play)

    place.handles("block")
    refused, told = place.pulled()
    kept = place.names()
    place.handles("allow")
    allowed, pulled = place.pulled()

    assert (refused, told["code"], kept) == (409, "denied", [])
    assert (allowed, pulled["status"]) == (200, "complete")
    assert isinstance(pulled["scans"], list)
    assert [(scan["status"], scan["summary"]) for scan in pulled["scans"]] == [("failed", None)]
    assert place.names() == [place.image]
    assert list((place.service.data / "scans").iterdir()) == []
    place.service.ask("DELETE", f"/api/images/{place.image.replace('/', '%2F')}?force=true")
