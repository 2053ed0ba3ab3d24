"""Logins, registries and a machine that services ask about, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lading.errors import AccessDenied, LadingError
from lading.oci.reference import Repository
from lading.services.registries.registries import Found, Login
from lading.services.server.diagnosis import Helper
from lading.wire.authorize import Credential
from lading.wire.hub_search import Hit


class Search:
    """Knows one login, at registry.test."""

    def find(self, repository: Repository) -> Found:
        if repository.registry == "registry.test":
            return Found(Credential("alice", "s3cret"), "Lading's own logins")
        return Found(None, "")

    def next_after_first(self, repository: Repository) -> str | None:
        return "config.json" if repository.registry == "registry.test" else None


class Own:
    """Our own logins, in plain text."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, str]] = {}

    def set(self, place: str, username: str, secret: str) -> None:
        self.kept[place] = (username, secret)

    def remove(self, place: str) -> bool:
        return self.kept.pop(place, None) is not None

    def logins(self) -> Sequence[Login]:
        return [Login(place, username) for place, (username, _) in sorted(self.kept.items())]


class Probe:
    """A registry that takes one password and lists a few names; `error` is what it answers instead."""

    def __init__(self) -> None:
        self.checked: list[str] = []
        self.searched: list[str] = []
        self.error: LadingError | None = None

    def check(self, host: str, credential: Credential | None) -> None:
        self.checked.append(host)
        if self.error is not None:
            raise self.error
        if credential is not None and credential.secret != "s3cret":
            raise AccessDenied("no")

    def knock(self, host: str, credential: Credential | None) -> None:
        self.check(host, credential)

    def repositories(self, host: str) -> Iterator[str]:
        yield from ("acme/db", "acme/web", "other/web")

    def search_hub(self, term: str) -> Sequence[Hit]:
        self.searched.append(term)
        return [Hit(Repository("docker.io", "library/nginx"), "A web server", 3, True)]

    def tags(self, repository: Repository) -> Iterator[str]:
        yield from ("1", "2") if repository == Repository("registry.test", "acme/web") else ()


class Machine:
    """A machine with nothing wrong; a test breaks one thing."""

    seconds = 1_800_000_000.0
    bytes_free = 50 * 1000**3
    free_port = True
    answering = ""
    sockets: Sequence[tuple[str, bool]] = (("/var/run/docker.sock", True),)
    named: Sequence[Helper] = (Helper("docker-credential-pass", "~/.docker/config.json", missing=False),)

    def now(self) -> float:
        return self.seconds

    def free(self, folder: str) -> int:
        return self.bytes_free

    def port_free(self, port: int) -> bool:
        return self.free_port

    def server_name(self, port: int) -> str:
        return self.answering

    def authorities(self) -> tuple[str, int]:
        return "/etc/ssl/certs", 140

    def docker_sockets(self) -> Sequence[tuple[str, bool]]:
        return self.sockets

    def helpers(self) -> Sequence[Helper]:
        return self.named
