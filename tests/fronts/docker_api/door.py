"""Asking the Docker Engine API over a whole product: the real services over a folder and SQLite, the real server on
loopback, and a doorkeeper who lets in whom the test sends."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lading.fronts.docker_api.application import DockerApi
from lading.fronts.docker_api.product import DockerProduct, Doorkeeper, EngineFacts
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.exchange import IncomingRequest
from lading.fronts.http.ours import OurNames
from lading.main.product import Running, running
from lading.oci.platform import Platform
from lading.services.access import Actor
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.image_events import ImageEvents
from lading.services.identity.authentication import OPEN
from lading.settings import Settings
from lading.wire.progress import Event
from tests.fakes.docker_archives import docker_archive, reader
from tests.fakes.places import NEVER

WAIT_SECONDS = 30.0
AMD64 = Platform("linux", "amd64")
FACTS = EngineFacts("1.2.3", "engine-id", "machine", AMD64, "6.1.0", "Debian", 2, 4_000_000_000, "Python 3.13.1")


@dataclass(frozen=True)
class Reply:
    """One answer, its body read; header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # every test knows what it asked for, and fails where it is something else
        return json.loads(self.body)

    @property
    def told(self) -> tuple[int, str]:
        """The status, and the message of a failure."""
        return self.status, self.json["message"]


@dataclass
class Door:
    """`who` comes in can be changed while it runs."""

    product: Running
    port: int = 0
    who: list[Actor] = field(default_factory=lambda: [OPEN])

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str | list[str]] | None = None,
    ) -> Reply:
        asked = f"{path}?{urlencode(query, doseq=True)}" if query else path
        with closing(self.connection()) as connection:
            connection.request(method, asked, body, dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def get(self, path: str, **query: str | list[str]) -> Reply:
        return self("GET", path, query=query)

    def post(self, path: str, **query: str | list[str]) -> Reply:
        return self("POST", path, query=query)

    def delete(self, path: str, **query: str | list[str]) -> Reply:
        return self("DELETE", path, query=query)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS)

    @property
    def environment(self) -> GuardedEnvironment:
        return self.product.product.environments.open(OPEN, None)

    def load(self, *names: str, label: str = "x") -> str:
        """An image under these names; its id."""
        return self.load_archive(docker_archive(names, label=label))

    def load_archive(self, archive: bytes) -> str:
        """The id of its first image."""
        return self.environment.load_now(reader(archive), _unheard, NEVER)[0].id

    def clear(self) -> None:
        """No image is left."""
        for each in self.environment.images(NEVER):
            self.environment.remove(each.id, True, NEVER)


def _unheard(_event: Event) -> None:
    """Nobody listens."""


@contextmanager
def door(folder: Path) -> Iterator[Door]:
    """Open to everybody, until `who` is changed."""
    with running(Settings(folder, no_auth=True), AMD64) as product, leading(product) as opened:
        yield opened


@contextmanager
def leading(product: Running, environment: int | None = None) -> Iterator[Door]:
    """A door to this environment of a product that runs; None: the default one."""
    opened = Door(product)

    def doorkeeper(_request: IncomingRequest) -> Actor:
        return opened.who[-1]

    with ByteServer([("127.0.0.1", 0)], DockerApi(docker_product(product, doorkeeper, environment))) as server:
        opened.port = server.addresses[0][1]
        yield opened


def docker_product(running: Running, doorkeeper: Doorkeeper, environment: int | None = None) -> DockerProduct:
    """As main puts it together, but for the doorkeeper."""
    product = running.product
    return DockerProduct(
        environments=product.environments,
        registries=product.registries,
        pulls=product.pulls,
        pushes=product.pushes,
        jobs=product.jobs,
        news=product.news,
        errands=running.errands,
        events=ImageEvents(running.database.audit, running.trail, product.clock),
        doorkeeper=doorkeeper,
        facts=FACTS,
        names=OurNames(frozenset({"lading.example"})),
        cancellation=product.cancellation,
        clock=product.clock,
        environment=environment,
    )


def denied(permission: str) -> tuple[int, str]:
    """What somebody is told who may not."""
    return 403, f"Permission denied. It takes the permission {permission}: ask whoever grants roles."
