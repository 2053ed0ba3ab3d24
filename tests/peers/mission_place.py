"""A workplace as the published documents know it: one service, one Docker engine, registries of every kind.

    https://dockhand.example.com      lading serve, with TLS; curl and browsers find it by that name
    docker.io                         a docker-registry at the addresses that Docker Hub's names have here
    private   http, a password        docker and Lading both take it from loopback
    secure    TLS from a private CA   which dockerd knows, and Lading where its row says so
    strange   TLS from another CA     which nobody knows
    plain     http                    at an address where dockerd expects TLS
    tokens    a token service         which grants no push to locked/app, and no catalog
    two-faced nginx                   which shows manifests to docker alone
    limited   nginx                   which wants to be left alone
    counting  nginx                   which says how many requests are left

Docker Hub's names lead there by an /etc/hosts of their own, in a mount namespace around the service and the engine.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lading.oci.media_types import MANIFEST_TYPES
from tests.fakes.certificates import Authority
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.peers.programs import RunningDocker, RunningRegistry
from tests.peers.service_process import BOUND_SECONDS, PASSWORD, Json, Service

HOST = "dockhand.example.com"
LOGIN = ("me", "s3cret-of-the-registry")
HUB_NAMES = ("registry-1.docker.io", "auth.docker.io", "hub.docker.com")
SEARCH_NAME = "index.docker.io"
HUB_FINDS = {
    "num_results": 2,
    "query": "nginx",
    "results": [
        {"name": "nginx", "description": "A web server", "star_count": 7, "is_official": True, "is_automated": False},
        {"name": "me/nginx", "description": "", "star_count": 0, "is_official": False, "is_automated": False},
    ],
}

PLATFORMS = ("amd64", "arm64", "s390x")
"""What library/nginx is built for."""

ENVIRONMENTS = ("embedded", "socket", "tls")


@dataclass
class TlsService(Service):
    """`lading serve` behind its own certificate."""

    authority: Path = Path()

    def connection(self) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(self.authority))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=BOUND_SECONDS, context=context)


@dataclass(frozen=True)
class Answer:
    """Status, body as JSON, and header fields in lower case."""

    status: int
    body: Json
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """All of it, running. `environments` and `registries` are row ids by name."""

    folder: Path
    service: TlsService
    docker: RunningDocker
    hub: RunningRegistry
    private: RunningRegistry
    secure: RunningRegistry
    strange: RunningRegistry
    plain: RunningRegistry
    tokens: RunningRegistry
    two_faced: str
    limited: str
    counting: str
    authority: Authority
    private_authority: Authority
    environments: Mapping[str, int]
    registries: Mapping[str, int] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request with the admin's token (`Authorization=""`: without); `body` is sent as JSON, bytes as they are.
        A job is waited for where `Accept="application/json"` is among the headers."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        fields = {"Authorization": f"Bearer {self.service.token}", "Content-Type": kind}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        fields = {name: value for name, value in fields.items() if value}
        with contextlib.closing(self.service.connection()) as connection:
            connection.request(method, path, data, fields)
            answer = connection.getresponse()
            text = answer.read()
            told = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, json.loads(text) if text else {}, told)

    def done(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """As `ask`, with a job's end waited for."""
        return self.ask(method, path, body, Accept="application/json", **headers)

    def path(self, kind: str, rest: str) -> str:
        """Of the API, in that environment."""
        return f"/api/{rest}{'&' if '?' in rest else '?'}env={self.environments[kind]}"

    def bring(self, kind: str, name: str, *, size: int = 1000) -> str:
        """An image of two layers under this name; its id in that environment."""
        layer = tar_of({name.replace("/", "-").replace(":", "-"): name.encode() * (size // len(name) + 1)})
        archive = docker_archive([name], [tar_of({"shared": b"shared"}), layer], label=name)
        loaded = self.done("POST", f"/api/images/import?env={self.environments[kind]}", archive)
        assert loaded.status == 200, loaded
        images = loaded.body["images"]
        assert isinstance(images, list)
        return str(images[0]["id"])

    def push(self, kind: str, **fields: object) -> Answer:
        """Waited for."""
        return self.done("POST", f"/api/images/push?env={self.environments[kind]}", fields)

    def pull(self, kind: str, **fields: object) -> Answer:
        """Waited for."""
        return self.done("POST", f"/api/images/pull?env={self.environments[kind]}", fields)

    def cookie(self) -> str:
        """Of a new session of the admin's, as the Cookie header says it."""
        login = self.ask("POST", "/api/auth/login", {"username": "admin", "password": PASSWORD})
        return login.headers["set-cookie"].partition(";")[0]

    def rows(self, path: str) -> list[Json]:
        """What a GET of a list answers."""
        answer = self.ask("GET", path)
        found: object = answer.body
        assert answer.status == 200, answer
        assert isinstance(found, list)
        return found

    def ended(self, job: object) -> Json:
        """A job, once it has ended."""
        return self.service.ended([str(job)])[str(job)]

    def answers(self, registry: RunningRegistry, repository: str, tag: str) -> str:
        """The digest that a registry itself answers for a tag: the judge of every push."""
        login = base64.b64encode(":".join(LOGIN).encode()).decode()
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        context.load_verify_locations(self.private_authority.certificate)
        address, _, port = registry.host.partition(":")
        secure = registry.scheme == "https"
        connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection(address, int(port), context=context)
            if secure
            else http.client.HTTPConnection(address, int(port))
        )
        with contextlib.closing(connection):
            headers = {"Authorization": f"Basic {login}", "Accept": ", ".join(MANIFEST_TYPES)}
            connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers=headers)
            answer = connection.getresponse()
            answer.read()
            return answer.getheader("Docker-Content-Digest") or str(answer.status)

    def lines(self, answer: Answer) -> list[Json]:
        """What the answer's job told, line by line."""
        return lines_of(self.ask("GET", f"/api/jobs/{answer.headers['x-job-id']}").body)

    def configure(self, name: str, url: str, **fields: object) -> int:
        """The id of a new registry row."""
        made = self.ask("POST", "/api/registries", {"name": name, "url": url, **fields})
        assert made.status == 201, made
        return int(str(made.body["id"]))


def lines_of(job: Json) -> list[Json]:
    """What a job told, line by line."""
    lines = job["lines"]
    assert isinstance(lines, list)
    return [line["data"] for line in lines]
