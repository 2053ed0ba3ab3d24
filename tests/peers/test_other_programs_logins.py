"""Logins that other programs keep, at a real registry: podman's file, docker's helpers, and helpers that are away."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.credential_helper import CredentialHelper
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningRegistry
from tests.peers.secrecy import Witness

pytestmark = pytest.mark.peer("docker-registry", "htpasswd")

SECRET = "hunter2-hunter2"
OUTDATED = "last-years-password"


@dataclass(frozen=True)
class Machine:
    """Where docker and podman have left their files, beside a registry that knows `alice`."""

    folder: Path
    registry: RunningRegistry

    @property
    def docker(self) -> Path:
        """Docker's file."""
        return self.folder / "docker/config.json"

    @property
    def podman(self) -> Path:
        """Podman's file."""
        return self.folder / "podman.json"

    @property
    def bin(self) -> Path:
        """Where helpers are installed."""
        return self.folder / "bin"

    def auths(self, secret: str, place: str = "") -> dict[str, object]:
        """What both write of a login."""
        entry = {"auth": base64.b64encode(f"alice:{secret}".encode()).decode()}
        return {"auths": {f"{self.registry.host}{place}": entry}}

    def write(self, file: Path, content: dict[str, object]) -> None:
        """As the program would."""
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))

    def lading(self) -> Witness:
        """The command on this machine."""
        surroundings = {
            "DOCKER_CONFIG": str(self.docker.parent),
            "REGISTRY_AUTH_FILE": str(self.podman),
            "PATH": f"{self.bin}:{os.environ['PATH']}",
        }
        return Witness(Lading(self.folder / "data", tuple(surroundings.items())))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with programs.docker_registry(tmp_path / "registry", htpasswd=("alice", SECRET)) as registry:
        yield Machine(tmp_path, registry)


@pytest.fixture
def source(tmp_path: Path) -> str:
    layouts.five_layers(tmp_path / "layout", size=1000)
    return f"oci:{tmp_path / 'layout'}:v1"


def used(machine: Machine, source: str, repository: str = "app") -> str:
    """The line that names the login of a push that goes well; nothing that is said or kept holds its secret."""
    lading = machine.lading()
    done = lading.run("copy", source, f"{machine.registry.host}/{repository}:1")
    assert done.returncode == 0, done.stderr.decode()
    lading.keeps([SECRET, OUTDATED, f"alice:{SECRET}", f"alice:{OUTDATED}"])
    told = [line for line in done.stderr.decode().splitlines() if ": login: " in line]
    assert len(told) == 1
    return told[0].partition(": login: ")[2]


@pytest.mark.parametrize(("place", "repository"), [("", "app"), ("/team", "team/app")])
def test_podmans_login_is_used_and_named(machine: Machine, source: str, place: str, repository: str) -> None:
    machine.write(machine.podman, machine.auths(SECRET, place))

    host = machine.registry.host
    assert used(machine, source, repository) == f"alice from {machine.podman} ({host}{place})"


def test_podmans_login_for_a_path_is_not_used_elsewhere(machine: Machine, source: str) -> None:
    machine.write(machine.podman, machine.auths(SECRET, "/team"))
    refused = machine.lading().refusal("copy", source, f"{machine.registry.host}/app:1", code=4)

    assert "wants a login" in refused["error"]


def test_the_one_helper_of_a_registry_is_asked_and_named(machine: Machine, source: str) -> None:
    helper = CredentialHelper.install(machine.bin, **{machine.registry.host: ("alice", SECRET)})
    machine.write(machine.docker, {"credHelpers": {machine.registry.host: "test"}, "credsStore": "absent"})

    assert used(machine, source) == f"alice from docker-credential-test, which {machine.docker} names"
    assert {(*arguments, text) for arguments, text in helper.asked()} == {("get", machine.registry.host)}


def test_what_a_helper_does_not_know_is_looked_for_in_podmans_file(machine: Machine, source: str) -> None:
    CredentialHelper.install(machine.bin)
    machine.write(machine.docker, {"credsStore": "test"})
    machine.write(machine.podman, machine.auths(SECRET))

    assert used(machine, source).startswith(f"alice from {machine.podman} ")


def test_docker_goes_before_podman_and_podman_is_named_when_docker_is_refused(machine: Machine, source: str) -> None:
    machine.write(machine.docker, machine.auths(OUTDATED))
    machine.write(machine.podman, machine.auths(SECRET))
    lading = machine.lading()
    refused = lading.refusal("copy", source, f"{machine.registry.host}/app:1", code=4)

    assert f"does not take the login from {machine.docker} (" in refused["error"]
    assert refused["why"].startswith(f"another login stands in {machine.podman} (")
    assert "it was not tried" in refused["why"]
    lading.keeps([SECRET, OUTDATED, f"alice:{SECRET}", f"alice:{OUTDATED}"])


@pytest.mark.parametrize("elsewhere", [False, True], ids=["alone", "with another login"])
def test_a_helper_that_is_not_installed_is_named_and_nothing_is_tried_in_its_place(
    machine: Machine, source: str, elsewhere: bool
) -> None:
    machine.write(machine.docker, {"credHelpers": {machine.registry.host: "absent"}})
    if elsewhere:
        machine.write(machine.podman, machine.auths(SECRET))
    before = len(machine.registry.asked())
    refused = machine.lading().refusal("copy", source, f"{machine.registry.host}/app:1", code=4)

    assert refused["error"] == f"docker-credential-absent, which {machine.docker} names, is not installed"
    assert refused["try"].startswith("Install docker-credential-absent, or ")
    assert (f"another login stands in {machine.podman}" in refused["why"]) is elsewhere
    assert len(machine.registry.asked()) == before


def test_a_helper_that_fails_is_named_and_not_quoted(machine: Machine, source: str) -> None:
    CredentialHelper.install(machine.bin).behave("fails")
    machine.write(machine.docker, {"credsStore": "test"})
    lading = machine.lading()
    copying = ("copy", source, f"{machine.registry.host}/app:1")
    refused = lading.refusal(*copying, code=4)
    lading.run("--debug", "-v", *copying)

    assert refused["error"].startswith(f"docker-credential-test, which {machine.docker} names, failed: ")
    lading.keeps(["hunter2"])


def test_a_file_that_cannot_be_read_is_named_without_its_content(machine: Machine, source: str) -> None:
    machine.podman.write_text(f'{{"auths": "{SECRET}')
    lading = machine.lading()
    refused = lading.refusal("copy", source, f"{machine.registry.host}/app:1", code=1)

    assert refused["error"] == f"the logins in {machine.podman} cannot be used: it is not JSON"
    lading.keeps([SECRET])
