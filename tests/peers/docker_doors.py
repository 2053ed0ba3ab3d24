"""One server with a Docker door of each kind, what comes to them, and the client bundles that it makes."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.fakes.service_folder import ServiceFolder
from tests.peers import docker_door, programs
from tests.peers.docker_command import DockerCommand
from tests.peers.service_process import Service

NOBODY, NO_GROUP = 65534, 65534


@dataclass(frozen=True)
class Doors:
    """One server with a door of each kind, in a folder that everybody may look into."""

    folder: Path
    service: Service
    loopback: int
    open_to_others: int
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def socket(self) -> Path:
        return self.folder / "docker.sock"

    def lading(self, *arguments: str) -> str:
        """What `lading …` prints beside the server."""
        return ServiceFolder(self.service.data, self.settings)(*arguments).out

    def bundle(self, place: Path, user: str, *arguments: str) -> Bundle:
        """Made and unpacked."""
        file = place / f"{user}-{len(list(place.iterdir()))}.zip"
        said = json.loads(self.lading("user", "bundle", user, "--out", str(file), "--format", "json", *arguments))
        unpacked = file.with_suffix("")
        with zipfile.ZipFile(file) as packed:
            packed.extractall(unpacked)
        return Bundle(unpacked, str(said["dockerHost"]), int(said["id"]), file)


@dataclass(frozen=True)
class Bundle:
    """What `lading user bundle` made."""

    folder: Path
    host: str
    token: int
    file: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """As its env.sh says, which a shell reads."""
        asked = f". ./env.sh && {sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
        shell = ["sh", "-c", asked]
        surroundings = {"PATH": os.environ["PATH"]}
        found = subprocess.run(shell, cwd=self.folder, env=surroundings, capture_output=True, check=True)
        return {name: value for name, value in json.loads(found.stdout).items() if name.startswith("DOCKER")}

    def context(self) -> ssl.SSLContext:
        """For a client that shows it."""
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        context.load_cert_chain(self.folder / "cert.pem", self.folder / "key.pem")
        return context


@contextmanager
def served() -> Iterator[Doors]:
    """Up until the block ends."""
    with tempfile.TemporaryDirectory(prefix="doors-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        loopback, others = programs.free_port(), programs.free_port()
        settings = {
            "LADING_DOCKER_API": f"unix://{folder}/docker.sock,tcp://127.0.0.1:{loopback},tcp://0.0.0.0:{others}",
            "LADING_DOCKER_API_GROUP": str(NO_GROUP if os.geteuid() == 0 else os.getegid()),
        }
        service = Service(folder / "data", settings)
        with service.running():
            yield Doors(folder, service, loopback, others)


def newest(doors: Doors, folder: Path) -> DockerCommand:
    """The newest docker command that is here, at the unix socket."""
    return DockerCommand(docker_door.newest(), f"unix://{doors.socket}", folder / "home", None)


def at(docker: DockerCommand, **environment: str) -> DockerCommand:
    """The same command with this besides in its environment."""
    return replace(docker, environment=environment)
