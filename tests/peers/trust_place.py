"""Our trust server as docker and `notary` meet it: `lading serve` under TLS, and their commands with homes of their
own, which believe its authority and hold passphrases."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import shutil
import ssl
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lading.backends.credentials.box import KeyFile
from lading.backends.database.service_database import open_service_database
from lading.proof.tuf_build import signed_by
from lading.proof.tuf_json import Signed
from lading.proof.tuf_metadata import Entry, Root, Timestamp
from lading.services.trust.records import TrustFile
from lading.services.trust.server_keys import TrustServerKeys
from tests.fakes.certificates import Authority
from tests.peers import layouts, programs
from tests.peers.docker_command import DockerCommand, Said
from tests.peers.programs import RunningDocker
from tests.peers.service_process import BOUND_SECONDS, PASSWORD, Service

PASSPHRASE = "a long word"
PASSPHRASES = {
    "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE": PASSPHRASE,
    "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE": PASSPHRASE,
    **{f"NOTARY_{role}_PASSPHRASE": PASSPHRASE for role in ("ROOT", "TARGETS", "SNAPSHOT", "DELEGATION")},
}


@dataclass
class TrustedService(Service):
    """Asked over TLS, by a name that docker's engine asks without knowing the authority."""

    authority: Authority = field(kw_only=True)

    @property
    def host(self) -> str:
        return f"localhost:{self.registry_port}"

    def connection(self) -> http.client.HTTPConnection:
        return self._connection(self.port)

    def trust(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """What the registry's port answers, with the admin's token."""
        connection = self._connection(self.registry_port)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def reader(self, name: str) -> None:
        """Somebody who may pull, and no more."""
        grant = {"permissions": ["repositories:view", "repositories:pull"]}
        status, role = self.ask("POST", "/api/roles", {"name": f"{name}s", "grants": [grant]})
        assert status == 201, role
        status, made = self.ask("POST", "/api/users", {"username": name, "password": PASSWORD, "roles": [role["id"]]})
        assert status == 201, made

    def expire(self, repository: str) -> int:
        """Puts a timestamp in place of the newest whose time is over, signed as the server does; its version."""
        with closing(open_service_database(self.data / "lading.db", time.time)) as database:
            box = KeyFile(self.data / "secret.key").box(making=False)
            keys = TrustServerKeys(database.trust, box, os.urandom, time.time).signers(repository)
            held = database.trust.newest(repository)
            [gun] = [each for each in database.trust.signed_before(time.time()) if each.name == repository]
            role = Root.read(Signed.read(held["root"].content, "root")).roles["timestamp"]
            over = Timestamp(held["timestamp"].version + 1, time.time() - 60, Entry.of(held["snapshot"].content))
            raw = signed_by(repository, "timestamp", over.content, role, keys.timestamp)
            file = TrustFile("timestamp", over.version, hashlib.sha256(raw).hexdigest(), raw, time.time())
            assert database.trust.publish(gun, held["timestamp"].sha256, [file], list(held))
        return over.version

    def _connection(self, port: int) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        return http.client.HTTPSConnection("localhost", port, timeout=BOUND_SECONDS, context=context)


def trusted_service(folder: Path) -> TrustedService:
    """Not begun yet."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder)
    shown = authority.server("localhost", "127.0.0.1")
    settings = {"LADING_TLS_CERT": str(shown.certificate), "LADING_TLS_KEY": str(shown.key)}
    return TrustedService(folder / "data", settings, authority=authority)


@dataclass(frozen=True)
class Signer:
    """Somebody's docker command with content trust, and `notary`, over one home."""

    docker: DockerCommand
    engine: RunningDocker
    service: TrustedService
    user: str

    @classmethod
    def logged_in(
        cls, program: str, engine: RunningDocker, service: TrustedService, home: Path, user: str = "admin"
    ) -> Signer:
        """With a login in docker's configuration."""
        known = home / ".docker/tls" / service.host
        known.mkdir(parents=True)
        shutil.copy(service.authority.certificate, known / "ca.crt")
        environment = {**PASSPHRASES, "DOCKER_CONTENT_TRUST": "1"}
        docker = DockerCommand(program, f"unix://{engine.socket}", home, None, environment)
        said = docker("login", service.host, "-u", user, "--password-stdin", given=PASSWORD.encode())
        assert said.status == 0, said.all
        return cls(docker, engine, service, user)

    def image(self, name: str) -> str:
        """Made in the engine under this path and tag of the service; its whole name."""
        whole = f"{self.service.host}/{name}"
        said = self.docker("import", "-", whole, given=layouts.layer(name, 20_000)[0])
        assert said.status == 0, said.all
        return whole

    def done(self, *arguments: str, given: str = "") -> Said:
        """A docker command that ends well."""
        said = self.docker(*arguments, given=given.encode())
        assert said.status == 0, f"{arguments}: {said.all}\n{self.service.log.read_text()[-2000:]}"
        return said

    def refused(self, *arguments: str) -> str:
        """What a docker command says that does not."""
        said = self.docker(*arguments)
        assert said.status != 0, said.all
        return said.all

    def seen(self, name: str) -> tuple[set[str], dict[str, Sequence[str]]]:
        """The signers there are, and who signed each tag."""
        [found] = json.loads(self.done("trust", "inspect", name).out)
        tags = {tag["SignedTag"]: tag["Signers"] for tag in found["SignedTags"]}
        return {signer["Name"] for signer in found["Signers"]}, tags

    def root(self, repository: str) -> dict[str, object]:
        """The version of the published root, and the keys that it names for each role."""
        status, raw = self.service.trust(f"/v2/{repository}/_trust/tuf/root.json")
        assert status == 200, raw
        signed = json.loads(raw)["signed"]
        return {"version": signed["version"], **{name: role["keyids"] for name, role in signed["roles"].items()}}

    def notary(self, *arguments: str, answer: str = "") -> str:
        """`notary` with docker's own keys."""
        login = base64.b64encode(f"{self.user}:{PASSWORD}".encode()).decode()
        where = ["-s", f"https://{self.service.host}", "-d", str(self.docker.home / ".docker/trust")]
        ca = ["--tlscacert", str(self.service.authority.certificate)]
        environment = {**self.docker.surroundings(), "NOTARY_AUTH": login}
        command = ["env", *(f"{name}={value}" for name, value in environment.items())]
        program = str(programs.find("notary"))
        return programs.run(*command, program, *where, *ca, *arguments, input=answer.encode())
