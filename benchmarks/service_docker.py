"""What the service adds to `docker push` of an image that the registry has: through a real dockerd, taking turns."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.service_memory import Memory
from tests.peers import layouts, programs
from tests.peers.service_process import Service

ROUNDS = 20
LAYERS, LAYER_BYTES = 5, 200_000


@dataclass(frozen=True, slots=True)
class DockerPushes:
    """Medians in milliseconds: the docker command, the service's synchronous answer for the same push, and what a round
    differs; `cpu` is the milliseconds of our processor time that a push takes."""

    docker: float
    service: float
    added: float
    cpu: float


def run_docker_pushes(folder: Path, rounds: int = ROUNDS) -> DockerPushes:
    """In an empty folder. Needs root."""
    service = Service(folder / "data")
    with (
        programs.docker_registry(folder / "registry") as registry,
        programs.docker_engine(folder / "dockerd") as docker,
        service.running() as child,
    ):
        image = f"{registry.host}/app:1"
        docker("load", "-i", str(_archive(folder, image)))
        row = {"name": "docker", "connectionType": "socket", "socketPath": str(docker.socket)}
        status, environment = service.ask("POST", "/api/environments", row)
        assert status == 201, environment
        wanted = {"imageId": image, "registryId": service.registry(registry.host)}

        def pushed() -> None:
            path = f"/api/images/push?env={environment['id']}"
            status, told = service.ask("POST", path, wanted, {"Accept": "application/json"})
            assert (status, told["status"]) == (200, "complete"), json.dumps(told)

        docker("push", "-q", image)
        pushed()
        ours = Memory([child.pid])
        alone, through, cpu = [], [], 0.0
        for _ in range(rounds):
            alone.append(_seconds(lambda: docker("push", "-q", image)))
            before = ours.cpu()
            through.append(_seconds(pushed))
            cpu += ours.cpu() - before
    added = [mine - theirs for mine, theirs in zip(through, alone, strict=True)]
    return DockerPushes(median(alone) * 1000, median(through) * 1000, median(added) * 1000, cpu / rounds * 1000)


def _archive(folder: Path, image: str) -> Path:
    """A docker archive of an image of five layers."""
    layout, archive = folder / "layout", folder / "image.tar"
    layers = [layouts.layer(str(number), LAYER_BYTES) for number in range(LAYERS)]
    layouts.write_layout(layout, "1", layouts.write_image(layout, layers))
    programs.skopeo("--insecure-policy", "copy", "-q", f"oci:{layout}:1", f"docker-archive:{archive}:{image}")
    return archive


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
