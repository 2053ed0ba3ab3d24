"""How soon `GET /api/jobs` is answered: alone, beside many pushes that wait for their result, and beside as many whose
Docker host never answers."""

from __future__ import annotations

import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from benchmarks.service_images import SeededRegistry
from tests.peers import programs
from tests.peers.service_process import Service, until

PUSHES = 40
SAMPLES = 200
PAUSE_SECONDS = 0.02
LAYERS, LAYER_BYTES = 3, 1024 * 1024
RATE = 3_000_000
"""Bytes a second of all pushes together: they take three quarters of a minute."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Milliseconds that `GET /api/jobs` takes in these circumstances: `most` is what 95 of 100 stay below."""

    circumstances: str
    median: float
    most: float
    longest: float


def run_answers(folder: Path, storage: Path) -> list[Answers]:
    """In these empty folders: the server's and the registry's."""
    seeded = SeededRegistry(storage / "source", LAYER_BYTES)
    for number in range(PUSHES):
        seeded.add(f"app{number}", LAYERS, LAYER_BYTES)
    service = Service(folder / "data")
    with (
        programs.docker_registry(folder / "registry", storage=storage / "source") as registry,
        programs.docker_registry(folder / "target", storage=storage / "target") as target,
    ):
        images = [f"{registry.host}/app{number}:1" for number in range(PUSHES)]
        with service.running():
            service.registry(registry.host)
            number = service.registry(target.host)
            service.ended([service.started("/api/images/pull", {"image": image}) for image in images])
        service.settings = {"LADING_LIMIT_RATE": str(RATE)}
        with service.running(), mute_host() as host:
            alone = _answers(service, "alone")
            pushes = [{"imageId": image, "registryId": number} for image in images]
            with waiting_for(service, "/api/images/push", pushes):
                until(lambda: _running(service) == PUSHES, "all pushes run")
                beside = _answers(service, f"{PUSHES} synchronous pushes")
                assert _running(service) == PUSHES
            mute = {
                "name": "mute",
                "connectionType": "direct",
                "host": "127.0.0.1",
                "port": host.port,
                "protocol": "http",
            }
            environment = service.ask("POST", "/api/environments", mute)[1]["id"]
            with waiting_for(service, f"/api/images/push?env={environment}", pushes):
                stuck = _answers(service, f"{PUSHES} synchronous pushes at a Docker host that never answers")
    return [alone, beside, stuck]


def _answers(service: Service, circumstances: str) -> Answers:
    seconds = []
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    with closing(connection):
        for _ in range(SAMPLES):
            began = time.perf_counter()
            connection.request("GET", "/api/jobs?limit=20&page=1", headers={"Authorization": f"Bearer {service.token}"})
            connection.getresponse().read()
            seconds.append(time.perf_counter() - began)
            time.sleep(PAUSE_SECONDS)  # the pace at which somebody asks
    cuts = quantiles(seconds, n=100)
    return Answers(circumstances, cuts[49] * 1000, cuts[94] * 1000, max(seconds) * 1000)


def _running(service: Service) -> int:
    return int(str(service.ask("GET", "/api/jobs?page=1&limit=1&status=running")[1]["total"]))


@contextmanager
def waiting_for(service: Service, path: str, bodies: list[dict[str, object]]) -> Iterator[Callable[[], int]]:
    """Each of these is sent by somebody who waits for its result: how many still wait. They hang up at the end."""
    connections = [http.client.HTTPConnection("127.0.0.1", service.port, timeout=120) for _ in bodies]
    headers = {
        "Authorization": f"Bearer {service.token}",
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    for connection, body in zip(connections, bodies, strict=True):
        connection.request("POST", path, json.dumps(body), headers)
    sockets = [connection.sock for connection in connections]
    try:
        yield lambda: len(sockets) - len(select.select(sockets, [], [], 0)[0])
    finally:
        for connection in connections:
            connection.close()


class MuteHost:
    """Somebody who takes every connection, and says nothing."""

    def __init__(self, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self.taken: list[socket.socket] = []
        self._listener = listener

    def take(self) -> None:
        """Until nobody listens any more."""
        while True:
            try:
                self.taken.append(self._listener.accept()[0])
            except OSError:
                return


@contextmanager
def mute_host() -> Iterator[MuteHost]:
    """On a free port."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        host = MuteHost(listener)
        thread = threading.Thread(target=host.take)
        thread.start()
        try:
            yield host
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in host.taken:
                connection.close()
