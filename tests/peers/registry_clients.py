"""Other programs that push and pull, each with a home of its own: docker's engine, skopeo, podman, and our own command.

All do the same four things, so that one test can be about all of them. A `push` and a `pull` give the digest that the
program itself prints or writes; what it says where it is refused is in the exception.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningDocker

WAIT_SECONDS = 120.0


class Failed(AssertionError):
    """The program exited with an error; `said` is all that it printed."""

    def __init__(self, command: Sequence[str], said: str) -> None:
        super().__init__(f"{' '.join(command)}:\n{said}")
        self.said = said


class Client(Protocol):
    """A program that knows images of its own. `name` is host:port/path:tag."""

    def login(self, host: str, user: str, password: str) -> str:
        """What it says. Raises Failed."""

    def logout(self, host: str) -> None: ...

    def push(self, name: str) -> str:
        """An image that it made. Raises Failed."""

    def pull(self, name: str) -> str:
        """As new: it has nothing of it before. Raises Failed."""


@dataclass(frozen=True)
class DockerClient:
    """Debian's docker command at a real dockerd: pushes Docker's own manifests."""

    engine: RunningDocker
    home: Path

    def login(self, host: str, user: str, password: str) -> str:
        return self._run("login", host, "-u", user, "--password-stdin", given=password)

    def logout(self, host: str) -> None:
        self._run("logout", host)

    def push(self, name: str) -> str:
        tar = layouts.layer(name, 200_000)[0]
        self._run("import", "-", name, given=tar)
        try:
            return _digest(self._run("push", name))
        finally:
            self._run("rmi", name)

    def pull(self, name: str) -> str:
        said = self._run("pull", name)
        self._run("rmi", name)
        return _digest(said)

    def _run(self, *arguments: str, given: str | bytes = "") -> str:
        command = [str(programs.find("docker")), "-H", f"unix://{self.engine.socket}", *arguments]
        return _run(command, given, {"HOME": str(self.home), "DOCKER_CONFIG": str(self.home / ".docker")})


@dataclass(frozen=True)
class SkopeoClient:
    """skopeo: from a layout, and into a folder that keeps manifests as they are."""

    home: Path

    def login(self, host: str, user: str, password: str) -> str:
        return self._run("login", "--tls-verify=false", "-u", user, "--password-stdin", host, given=password)

    def logout(self, host: str) -> None:
        self._run("logout", host)

    def push(self, name: str) -> str:
        layout = _layout(self.home, name)
        return self._copied("--dest-tls-verify=false", f"oci:{layout}:v1", f"docker://{name}")

    def pull(self, name: str) -> str:
        folder = self.home / "pulled"
        folder.mkdir(exist_ok=True)
        return self._copied("--src-tls-verify=false", f"docker://{name}", f"dir:{folder}")

    def _copied(self, *arguments: str) -> str:
        file = self.home / "digest"
        self._run("copy", f"--digestfile={file}", *arguments)
        return file.read_text()

    def _run(self, *arguments: str, given: str = "") -> str:
        return _run([str(programs.find("skopeo")), *arguments], given, _containers(self.home))


@dataclass(frozen=True)
class PodmanClient:
    """podman, with a store that needs no more than a folder; `short` is another, whose path it wants to be short."""

    home: Path
    short: Path

    def login(self, host: str, user: str, password: str) -> str:
        return self._run("login", "--tls-verify=false", "-u", user, "--password-stdin", host, given=password)

    def logout(self, host: str) -> None:
        self._run("logout", host)

    def push(self, name: str) -> str:
        made = self._run("pull", "-q", f"oci:{_layout(self.home, name)}:v1").strip()
        file = self.home / "digest"
        try:
            self._run("push", "--tls-verify=false", f"--digestfile={file}", made, name)
        finally:
            self._run("rmi", "--force", made)
        return file.read_text()

    def pull(self, name: str) -> str:
        made = self._run("pull", "-q", "--tls-verify=false", name).strip()
        inspected = json.loads(self._run("image", "inspect", made))
        self._run("rmi", "--force", made)
        return str(inspected[0]["Digest"])

    def _run(self, *arguments: str, given: str = "") -> str:
        store = [f"--root={self.home}/store", f"--runroot={self.short}", "--storage-driver=vfs"]
        command = [str(programs.find("podman")), *store, "--events-backend=none", "--cgroup-manager=cgroupfs"]
        return _run([*command, *arguments], given, _containers(self.home))


@dataclass(frozen=True)
class LadingClient:
    """Our own command, with no server."""

    home: Path

    def login(self, host: str, user: str, password: str) -> str:
        return self._run("login", host, "-u", user, "--password-stdin", given=password)

    def logout(self, host: str) -> None:
        self._run("logout", host)

    def push(self, name: str) -> str:
        return _digest(self._run("-q", "copy", f"oci:{_layout(self.home, name)}:v1", name))

    def pull(self, name: str) -> str:
        said = self._run("-q", "pull", name)
        self._run("rmi", name)
        return _digest(said)

    def _run(self, *arguments: str, given: str = "") -> str:
        done = Lading(self.home / "data").run(*arguments, stdin=given.encode())
        said = done.stdout.decode() + done.stderr.decode()
        if done.returncode:
            raise Failed(["lading", *arguments], said)
        return said


def _run(command: Sequence[str], given: str | bytes, surroundings: Mapping[str, str]) -> str:
    done = subprocess.run(
        list(command),
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        env={"PATH": os.environ["PATH"], **surroundings},
        check=False,
        timeout=WAIT_SECONDS,
    )
    said = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    if done.returncode:
        raise Failed(command, said)
    return done.stdout.decode()


def _containers(home: Path) -> dict[str, str]:
    """What skopeo and podman keep logins by; they share nothing with this machine's."""
    return {"HOME": str(home), "REGISTRY_AUTH_FILE": str(home / "auth.json"), "XDG_RUNTIME_DIR": str(home)}


def _layout(home: Path, name: str) -> Path:
    """An image that nobody else has, of two layers."""
    folder = home / "made" / name.replace("/", "_").replace(":", "_")
    image = layouts.write_image(folder, [layouts.layer("base", 100_000), layouts.layer(name, 50_000)])
    layouts.write_layout(folder, "v1", image)
    return folder


def _digest(said: str) -> str:
    found = re.findall(r"sha256:[0-9a-f]{64}", said)
    assert found, said
    return str(found[-1])
