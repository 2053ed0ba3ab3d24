"""Images that are put into a Docker host by the command line, which a real daemon loads and shows."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.fakes.docker_archives import docker_archive
from tests.peers import programs
from tests.peers.command import Lading

pytestmark = [pytest.mark.peer("dockerd")]


@pytest.fixture
def laptop(docker_engine: programs.RunningDocker, tmp_path: Path) -> Lading:
    """Whose docker is that engine; with two images in a layout and in the local store."""
    made = Lading(tmp_path / "laptop", (("DOCKER_HOST", f"unix://{docker_engine.socket}"),))
    archive = tmp_path / "app.tar"
    archive.write_bytes(docker_archive(["team/app:1"], label=str(tmp_path)))
    made("load", "-i", str(archive))
    made("push", "team/app:1", f"oci:{tmp_path / 'layout'}:one")
    return made


def shown(docker: programs.RunningDocker, name: str) -> str:
    return docker("image", "inspect", "-f", "{{.Id}}", name).strip()


def config_of(laptop: Lading, name: str) -> str:
    described = json.loads(laptop("inspect", name, "--format", "json"))
    return str(described["platforms"][0]["config"]["digest"])


def test_an_image_is_put_into_dockers_own_host(
    laptop: Lading, docker_engine: programs.RunningDocker, tmp_path: Path
) -> None:
    pushed = laptop("push", "team/app:1", "docker:team/pushed:1")
    laptop("copy", f"oci:{tmp_path / 'layout'}", "docker:team/copied")

    ids = {shown(docker_engine, name) for name in ("team/pushed:1", "team/copied:latest")}
    assert len(ids) == 1
    assert pushed.startswith("docker:docker.io/team/pushed:1@sha256:")


def test_a_host_is_named_by_its_address_or_as_an_environment(
    laptop: Lading, docker_engine: programs.RunningDocker, tmp_path: Path
) -> None:
    bare = Lading(laptop.data)
    address = f"unix://{docker_engine.socket}"
    bare("environment", "add", "Prod", address)

    bare("push", "team/app:1", f"docker:{address}//team/by-address:1")
    bare("push", "team/app:1", "docker:prod//")
    bare("copy", "docker:prod//team/app:1", f"oci:{tmp_path / 'back'}:one")
    unknown = bare.run("push", "team/app:1", "docker:none//")
    own = bare.run("push", "team/app:1", "docker:local//")

    assert shown(docker_engine, "team/by-address:1") == shown(docker_engine, "team/app:1")
    assert bare("digest", f"oci:{tmp_path / 'back'}") != ""
    assert (unknown.returncode, own.returncode) == (5, 2)
    assert b"error: Environment not found" in unknown.stderr
    assert b"error: the environment local is Lading's own store" in own.stderr


@pytest.mark.peer("docker-registry")
def test_a_pull_goes_straight_into_a_docker_host(
    laptop: Lading,
    docker_engine: programs.RunningDocker,
    docker_registry: programs.RunningRegistry,
) -> None:
    name = f"{docker_registry.host}/team/pulled:1"
    laptop("push", "team/app:1", name)

    laptop("pull", name, "--to", "docker:")

    assert shown(docker_engine, name)
    assert name not in laptop("images")


def test_a_name_that_is_taken_is_left_and_a_trial_puts_nothing(
    laptop: Lading, docker_engine: programs.RunningDocker
) -> None:
    docker_engine("load", input=docker_archive(["team/taken:1"], label="another"))
    before = shown(docker_engine, "team/taken:1")

    refused = laptop.run("push", "team/app:1", "docker:team/taken:1", "--if-absent")
    laptop("push", "team/app:1", "docker:team/trial:1", "--dry-run")

    assert refused.returncode == 6
    assert shown(docker_engine, "team/taken:1") == before
    assert "team/trial" not in docker_engine("images")
    laptop("push", "team/app:1", "docker:team/taken:1")
    assert shown(docker_engine, "team/taken:1") != before
    laptop("push", "team/app:1", "docker:team/taken:1", "--if-absent")


def test_a_host_at_a_tcp_address_is_reached_or_said_to_be_away(laptop: Lading, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    away = laptop.run("push", "team/app:1", f"docker:tcp://127.0.0.1:{port}//team/app:1")

    assert away.returncode == 10
    with programs.docker_engine(tmp_path / "second", [f"--host=tcp://127.0.0.1:{port}"]) as second:
        laptop("push", "team/app:1", f"docker:tcp://127.0.0.1:{port}//team/app:1")
        assert shown(second, "team/app:1")
