"""A pull through a real Docker engine past an enforcing policy: scanned by a program, judged, and only then named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.scanner_program import installed
from tests.fronts.rest_api.caller import JSON, Answer, House, done, house
from tests.peers.programs import RunningDocker

pytestmark = pytest.mark.peer("dockerd")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, docker_engine: RunningDocker) -> Iterator[tuple[House, int, str]]:
    """With the Docker host as an environment, and an image in our registry."""
    folder = tmp_path_factory.mktemp("gated")
    grype = installed(folder / "programs", "grype")
    with house(folder / "data", grype=str(grype)) as running:
        admin = running.admin
        admin("PUT", "/api/settings/scanner", {"scanner": "grype"})
        assert done(admin, admin.post("/api/scanners/update", {"scanner": "grype"}).json["jobId"])["status"] == "done"
        registry = running.own_registry()
        image = running.load("gates/docker:here", label="gated at a Docker host")
        push = {"imageId": image, "registryId": registry, "newTag": "gates/docker:1"}
        assert admin.post("/api/images/push", push, Accept=JSON).status == 200
        host = {"name": "docker", "connectionType": "socket", "socketPath": str(docker_engine.socket)}
        environment = admin.post("/api/environments", host).json["id"]
        yield running, environment, f"{running.running.address}/gates/docker:1"


def test_a_docker_host_names_nothing_that_was_not_admitted(served: tuple[House, int, str]) -> None:
    house, environment, image = served

    def pull() -> Answer:
        return house.admin.post(f"/api/images/pull?env={environment}", {"image": image}, Accept=JSON)

    def images() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = house.admin.get(f"/api/images?env={environment}").json
        return [each for each in found if any("gates/docker" in name for name in (*each["tags"], *each["digests"]))]

    policy = {"name": "p", "action": "pull", "mode": "enforce", "maxSeverity": "medium", "environments": [environment]}
    made = house.admin.post("/api/policies", policy).json

    refused = pull()

    assert refused.status == 409, refused.text
    assert "CVE-2099-0001 (high in demo 2.0.1" in refused.json["error"]
    assert images() == []
    (scan,) = house.admin.get(f"/api/scans?env={environment}").json
    assert scan["imageName"] == image

    house.admin.post("/api/exceptions", {"vulnerability": "CVE-2099-0001", "reason": "x", "status": "not_affected"})
    pulled = pull()
    assert pulled.status == 200, pulled.text
    (found,) = images()
    assert found["tags"] == [image]
    assert [verdict["suppressed"] for verdict in pulled.json["verdicts"]] == [1]

    for exception in house.admin.get("/api/exceptions").json:
        house.admin("DELETE", f"/api/exceptions/{exception['id']}")
    assert pull().status == 409
    assert images() == [found]
    house.admin("DELETE", f"/api/policies/{made['id']}")
    again = pull()
    assert (again.status, again.json.get("current")) == (200, True)
