"""Two engines side by side, a real dockerd and `lading serve`, with a registry both can reach; and the docker commands
that are here."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers import docker_images, programs
from tests.peers.docker_command import DockerCommand
from tests.peers.docker_images import Images
from tests.peers.service_process import Service

NEW = 28
"""The first docker command that asks for what the newest engines know."""


@dataclass(frozen=True)
class Engines:
    """Both by their socket's URL, and what their registry holds. `service` is the one of ours."""

    dockerd: str
    lading: str
    images: Images
    service: Service


@contextlib.contextmanager
def engines(folder: Path, dockerd: programs.RunningDocker) -> Iterator[Engines]:
    """Both up, over one registry; `folder` keeps what is ours."""
    with (
        programs.docker_registry(folder / "registry") as registry,
        programs.docker_registry(folder / "locked", htpasswd=(docker_images.USER, docker_images.PASSWORD)) as locked,
        tempfile.TemporaryDirectory(prefix="lading-") as short,
    ):
        images = docker_images.fill(registry.host, locked.host, folder / "images")
        ours = f"unix://{short}/docker.sock"
        service = Service(folder / "lading", {"LADING_DOCKER_API": ours})
        with service.running():
            yield Engines(f"unix://{dockerd.socket}", ours, images, service)


def commands() -> Sequence[str]:
    """Debian's docker command, and a new one where this machine has it: no Debian of today does."""
    found = [programs.find("docker") or "", shutil.which("docker") or ""]
    return tuple(dict.fromkeys(program for program in found if program))


def newest() -> str:
    """The newest of them."""
    return max(commands(), key=major)


def is_new() -> bool:
    """Whether the newest of them knows platforms everywhere."""
    return bool(commands()) and major(newest()) >= NEW


def major(program: str) -> int:
    """Of its version."""
    said = re.search(r"version (\d+)\.", programs.run(program, "--version"))
    assert said, program
    return int(said[1])


def emptied(docker: DockerCommand) -> None:
    """It has no image any more."""
    ids = sorted(set(docker("images", "-aq").out.split()))
    if ids:
        gone = docker("rmi", "-f", *ids)
        assert gone.status == 0, gone.all


def root_file_system(path: Path) -> Path:
    """A small tar that can be imported."""
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("etc/motd")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"hello"))
    return path
