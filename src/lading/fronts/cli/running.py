"""What runs for as long as its command does: a registry, the service, a worker, the program beside a Docker host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from lading.wire.message import Cancel


class OpenRegistry(Protocol):
    """A registry that runs."""

    @property
    def address(self) -> str:
        """host:port, as image names begin."""

    @property
    def folder(self) -> str:
        """Where its data lives."""


class Serving(OpenRegistry, Protocol):
    """The service that runs: the registry, and the API with its pages."""

    @property
    def api(self) -> str:
        """The URL of the API and its pages."""

    @property
    def open(self) -> bool:
        """Whether it asks for no login."""

    @property
    def docker_hosts(self) -> Sequence[str]:
        """Sockets of Docker hosts on this machine that it may use."""

    @property
    def setup(self) -> str | None:
        """The one-time link that makes the first admin, while there is none."""

    @property
    def docker(self) -> Sequence[str]:
        """What DOCKER_HOST may say: the addresses of the Docker Engine API."""

    @property
    def renew(self) -> Callable[[], None] | None:
        """Reads the certificate again, and logs what it cannot use; None where there is none."""


class Working(Protocol):
    """The worker that runs."""

    @property
    def jobs(self) -> int:
        """How many it does at once."""

    @property
    def database(self) -> str:
        """Where jobs come from, without its password."""

    @property
    def storage(self) -> str:
        """Where content is kept."""

    @property
    def folder(self) -> str:
        """What is its own."""


class EdgeAgent(Protocol):
    """The program beside a Docker host, which a server elsewhere uses through it."""

    @property
    def server(self) -> str:
        """Where it connects to."""

    @property
    def engine(self) -> str:
        """What it hands the server's requests to, for people."""

    @property
    def name(self) -> str:
        """What it is called."""

    def run(self, cancel: Cancel) -> None:
        """Until it is cancelled, which it raises."""
