"""A service, a Docker host with a stock agent, and a registry, with networks between them that can be cut."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.fakes.cutting_relay import CuttingRelay
from tests.fakes.root_images import tar_of
from tests.peers import programs
from tests.peers.programs import RunningDocker, RunningRegistry
from tests.peers.service_process import Json, Service, kill, until

LAYER_BYTES = 3_000_000
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ROOT = Path(__file__).resolve().parents[2]


class Kind(Enum):
    """What comes from the Docker host, as a module to run and its words."""

    OLD = ("tests.fakes.stock_agent_process", "old")
    NEW = ("tests.fakes.stock_agent_process", "new")
    OURS = ("lading", "agent")


@dataclass
class EdgePlace:
    """`link` is the network between agent and service, `pipe` that between the Docker host and the registry."""

    service: Service
    docker: RunningDocker
    registry: RunningRegistry
    link: CuttingRelay
    pipe: CuttingRelay
    folder: Path
    environment: int = 0
    repository: str = ""
    """At the registry, of the transfer that was begun last."""

    token: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """The registry, as the Docker host and the service call it."""
        return f"127.0.0.1:{self.pipe.port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The service, which knows the registry; for the first time."""
        with self.service.running() as child:
            self.service.registry(self.host)
            yield child

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """The service, which runs, has a new environment."""
        row = {"name": f"edge {uuid.uuid4()}", "connectionType": "hawser-edge"}
        status, made = self.service.ask("POST", "/api/environments", row)
        assert status == 201, made
        self.environment = int(str(made["id"]))
        status, made = self.service.ask("POST", "/api/hawser/tokens", {"name": "t", "environmentId": self.environment})
        assert status == 201, made
        self.token = str(made["token"])
        yield

    @contextlib.contextmanager
    def agent(
        self, name: str = "agent", kind: Kind = Kind.OLD, *, within: Sequence[str] = (), **settings: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """An agent as a process, set up as stock ones are; killed at the end of the block."""
        variables = {
            "DOCKHAND_SERVER_URL": f"ws://127.0.0.1:{self.link.port}",
            "TOKEN": self.token,
            "DOCKER_SOCKET": str(self.docker.socket),
            "AGENT_NAME": name,
            "RECONNECT_DELAY": "0.2",
            "MAX_RECONNECT_DELAY": "1",
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / name),
            **settings,
        }
        command = [*within, sys.executable, "-m", *kind.value]
        with (self.folder / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(command, env=variables, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield child
        finally:
            kill(child)

    def connected(self, name: str = "agent") -> None:
        """Returns when the service says that the agent of this name is connected."""
        until(lambda: name in self.agents(), f"the agent {name} is connected")

    def gone(self) -> None:
        """Returns when the service says that no agent is connected."""
        until(lambda: not self.agents(), "no agent is connected")

    def agents(self) -> list[str]:
        """The names of those that the service says are connected."""
        found = self.service.ask("GET", "/api/hawser/connect")[1]["connections"]
        assert isinstance(found, list)
        return [each["agentName"] for each in found if each["environmentId"] == self.environment]

    def image(self, name: str) -> str:
        """One that nobody has seen, at the Docker host: `LAYER_BYTES` of noise. Its id."""
        noise = random.Random(name).randbytes(LAYER_BYTES)
        return self.docker("import", "-", f"{name}:1", input=tar_of({"noise": noise})).strip()

    def push(self, image: str, target: str) -> str:
        """The id of the job."""
        body = {"imageId": image, "target": f"{self.host}/{target}"}
        return self.service.started(f"/api/images/push?env={self.environment}", body)

    def held_push(self, name: str) -> str:
        """The id of the job of a push that is half done, and stands still until `pipe.let_go`."""
        self.repository = f"held/{name}-{self.environment}"
        image = self.image(self.repository)
        self.pipe.hold_at(LAYER_BYTES // 2)
        job = self.push(image, f"{self.repository}:1")
        assert self.pipe.held.wait(60)
        return job

    def held_pull(self, name: str) -> str:
        """The id of the job of a pull that is half done, and stands still until `pipe.let_go`."""
        self.repository = f"held/{name}-{self.environment}"
        reference = f"{self.registry.host}/{self.repository}:1"
        self.docker("tag", self.image(self.repository), reference)
        self.docker("push", "-q", reference)
        self.docker("rmi", reference, f"{self.repository}:1")
        self.pipe.hold_at(LAYER_BYTES // 2)
        wanted = {"image": f"{self.host}/{self.repository}:1", "scanAfterPull": False}
        job = self.service.started(f"/api/images/pull?env={self.environment}", wanted)
        assert self.pipe.held.wait(60)
        return job

    def arrived(self) -> None:
        """Returns when the registry has the tag."""
        tags = self.registry.root / f"docker/registry/v2/repositories/{self.repository}/_manifests/tags"
        until((tags / "1/current/link").exists, f"{self.repository} is at the registry")

    def ended(self, job: str, seconds: float = 60) -> Json:
        """The job, when it has ended."""
        return self.service.ended([job], seconds)[job]

    def assert_done(self, job: Json) -> None:
        """The registry has what the job says."""
        assert job["status"] == "done", job
        result = job["result"]
        assert isinstance(result, dict)
        answered = programs.get(self.registry, f"/v2/{self.repository}/manifests/1", MANIFEST)[1]
        assert answered["docker-content-digest"] == result["digest"]

    def assert_pulled(self, job: Json) -> None:
        """The Docker host has what the job says."""
        assert job["status"] == "done", job
        result = job["result"]
        assert isinstance(result, dict)
        digests = self.docker(
            "image", "inspect", "--format", "{{json .RepoDigests}}", f"{self.host}/{self.repository}:1"
        )
        assert f"{self.host}/{self.repository}@{result['digest']}" in digests, result

    def assert_true(self, job: Json) -> None:
        """Done, and the registry has what it says; or not, and it says why."""
        if job["status"] == "done":
            self.assert_done(job)
        else:
            assert isinstance(result := job["result"], dict)
            assert result["error"], job

    def assert_audited(self, job: Json) -> None:
        """One record of its start and one of its end, and the end is the job's; there are no others of its kind."""
        rows = self.service.ask("GET", "/api/audit?limit=200&page=1")[1]["items"]
        assert isinstance(rows, list)
        told = [row for row in rows if row["action"] == job["kind"] and row["environmentId"] == self.environment]
        assert sorted(row["result"] for row in told) == sorted(["started", _OF_JOB[str(job["status"])]]), told


_OF_JOB = {"done": "done", "error": "failed", "cancelled": "cancelled", "interrupted": "interrupted"}


@contextlib.contextmanager
def edge_place(folder: Path, docker: RunningDocker, settings: dict[str, str] | None = None) -> Iterator[EdgePlace]:
    """All but the service up."""
    service = Service(folder / "data", settings or {})
    with (
        programs.docker_registry(folder / "registry") as registry,
        CuttingRelay(service.port) as link,
        CuttingRelay(int(registry.host.rpartition(":")[2])) as pipe,
    ):
        yield EdgePlace(service, docker, registry, link, pipe, folder)
        pipe.let_go()
