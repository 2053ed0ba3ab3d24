"""Docker hosts as environments, and a registry with a password beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lading.main.environments import EnvironmentBuilder
from lading.services.environments.environment import ConnectionType
from lading.services.environments.orders import Access
from lading.services.environments.records import EnvironmentRow
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Tls
from tests.fakes.agents import PlayedHub
from tests.fakes.embedded import embedded
from tests.peers import programs
from tests.peers.programs import RunningDocker, RunningRegistry


def row_of(docker: RunningDocker) -> EnvironmentRow:
    return EnvironmentRow(1, "docker", ConnectionType.SOCKET, socket_path=str(docker.socket))


def access_of(registry: RunningRegistry, tls: Tls = Tls.VERIFY, ca: str | None = None) -> Access:
    login = Credential(registry.username, registry.password or "", source="tests") if registry.username else None
    return Access("tests", Endpoint(registry.host, tls, ca_pem=ca), login, 1)


@contextmanager
def environment_builder(folder: Path) -> Iterator[EnvironmentBuilder]:
    """What makes environments of rows, with an embedded one in the folder."""
    with embedded(folder / "lading") as made:
        builder = EnvironmentBuilder(made.places, lambda: made.environment, "lading/tests", PlayedHub())
        yield builder
        builder.close()


@contextmanager
def guarded_registry(folder: Path) -> Iterator[RunningRegistry]:
    with programs.docker_registry(folder, htpasswd=("me", "secret")) as running:
        yield running
