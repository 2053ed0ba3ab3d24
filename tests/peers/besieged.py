"""`lading serve` under attack: a process of its own on real sockets, and who is there."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.fakes.docker_archives import docker_archive
from tests.fronts.rest_api.caller import Caller, logged_in
from tests.peers.service_process import PASSWORD, Service

JSON = "application/json"
SECRET = "s3cret-0f-the-registry"


@dataclass(frozen=True)
class Besieged:
    """A service that runs, and who is there: the admin by cookie, and people with little."""

    service: Service
    admin: Caller
    image: str
    registry: int

    @property
    def nobody(self) -> Caller:
        return Caller(self.admin.api)

    @property
    def own(self) -> str:
        """host:port of the registry that it serves itself."""
        return f"127.0.0.1:{self.service.registry_port}"

    def user(self, name: str, *grants: Mapping[str, object]) -> Caller:
        """Somebody with these grants alone, by cookie."""
        role = self.admin.post("/api/roles", {"name": name, "grants": list(grants)}).json["id"]
        made = self.admin.post("/api/users", {"username": name, "password": PASSWORD, "roles": [role]})
        assert made.status == 201, made.text
        return logged_in(self.admin.api, name)

    def load(self, *names: str, label: str) -> str:
        archive = docker_archive(names, label=label)
        answer = self.admin("POST", "/api/images/import", raw=archive, headers={"Accept": JSON})
        assert answer.status == 200, answer.text
        return str(answer.json["images"][0]["id"])


@contextmanager
def siege(folder: Path) -> Iterator[Besieged]:
    """Runs meanwhile."""
    service = Service(folder)
    with service.running():
        admin = logged_in(f"http://127.0.0.1:{service.port}")
        form = {"name": "own", "url": f"http://127.0.0.1:{service.registry_port}", "username": "admin"}
        made = admin.post("/api/registries", {**form, "password": service.token})
        built = Besieged(service, admin, "", int(made.json["id"]))
        yield replace(built, image=built.load("team/app:1", label="team"))


def basic(name: str, secret: str) -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
