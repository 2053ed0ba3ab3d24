"""Who comes to the Docker door of this machine, with real docker commands: by a unix socket, or by a token."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.service_folder import ServiceFolder
from tests.peers import docker_door, docker_doors
from tests.peers.docker_command import DockerCommand, Said
from tests.peers.docker_doors import NO_GROUP, NOBODY, Doors, at
from tests.peers.service_process import Service, kill, stop

pytestmark = pytest.mark.peer("docker")


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with docker_doors.served() as running:
        yield running


@pytest.fixture
def docker(doors: Doors, tmp_path: Path) -> DockerCommand:
    return docker_doors.newest(doors, tmp_path)


@pytest.fixture(params=docker_door.commands())
def each_docker(request: pytest.FixtureRequest, docker: DockerCommand) -> DockerCommand:
    """Each that is here."""
    return replace(docker, program=request.param)


def test_a_unix_socket_tells_who_comes(doors: Doors, each_docker: DockerCommand) -> None:
    said = each_docker("version")
    assert said.status == 0, said.all
    assert "Lading" in said.out

    assert each_docker("images", "-q") == Said(0, "")
    assert f"uid-{os.geteuid()}" in doors.lading("user", "ls", "-q").splitlines()


def test_the_socket_in_the_data_folder_is_there_too(doors: Doors, docker: DockerCommand) -> None:
    usual = doors.service.data / "docker.sock"

    assert at(docker, DOCKER_HOST=f"unix://{usual}")("images", "-q").status == 0
    assert stat.S_IMODE(usual.stat().st_mode) == 0o660


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root becomes somebody else")
def test_another_user_is_kept_out_or_acts_as_itself(doors: Doors, docker: DockerCommand) -> None:
    stranger = _as(docker, NOBODY, 12345)("images")
    assert stranger.status == 1
    assert "permission denied" in stranger.err

    assert _as(docker, NOBODY, NO_GROUP)("images", "-q") == Said(0, "")
    assert f"uid-{NOBODY}" in doors.lading("user", "ls", "-q").splitlines()

    doors.lading("user", "set", f"uid-{NOBODY}", "--inactive")
    refused = _as(docker, NOBODY, NO_GROUP)("images")
    assert refused.status == 1
    assert f"Permission denied: the user uid-{NOBODY} is switched off" in refused.err
    assert f"uid-{NOBODY}" in doors.lading("audit", "tail", "-n", "20")

    doors.lading("user", "set", f"uid-{NOBODY}", "--active", "--no-roles")
    assert "Permission denied" in _as(docker, NOBODY, NO_GROUP)("images").err
    doors.lading("user", "set", f"uid-{NOBODY}", "--role", "operator")


def test_loopback_takes_a_token_and_says_so(doors: Doors, each_docker: DockerCommand) -> None:
    comes = at(each_docker, DOCKER_HOST=f"tcp://127.0.0.1:{doors.loopback}")
    refused = comes("images")
    assert refused.status == 1
    assert "takes an API token" in refused.err

    token = doors.lading("token", "add", "docker", "--user", "admin", "-q").strip()
    configured = each_docker.home / ".docker" / "config.json"
    configured.parent.mkdir(parents=True)
    configured.write_text(json.dumps({"HttpHeaders": {"Authorization": f"Bearer {token}"}}))

    assert comes("images", "-q") == Said(0, "")
    assert each_docker("images", "-q") == Said(0, "")

    configured.write_text(json.dumps({"HttpHeaders": {"Authorization": "Bearer lad_wrong"}}))
    for each in (comes, each_docker):
        assert "the token is wrong" in each("images").err


def test_a_killed_server_leaves_no_door_shut(docker: DockerCommand) -> None:
    with tempfile.TemporaryDirectory(prefix="doors-") as name:
        service = Service(Path(name, "data"))
        usual = service.data / "docker.sock"
        comes = at(docker, DOCKER_HOST=f"unix://{usual}")
        with service.running() as child:
            kill(child)
        assert usual.exists()
        with service.running():
            assert comes("images", "-q") == Said(0, "")
        assert not usual.exists()


def test_a_stop_ends_what_follows_events(docker: DockerCommand) -> None:
    with tempfile.TemporaryDirectory(prefix="doors-") as name:
        service = Service(Path(name, "data"), {"LADING_NO_AUTH": "1"}, token="-")
        comes = at(docker, DOCKER_HOST=f"unix://{service.data}/docker.sock")
        with service.running() as child:
            following = comes.start("events", "--since", "1")
            assert comes("import", str(docker_door.root_file_system(Path(name, "root.tar"))), "a:1").status == 0
            assert following.stdout
            assert all(b"(name=a:1)" in following.stdout.readline() for _ in ("tag", "import"))
            stop(child)
        with following:
            assert (following.stdout.read(), following.wait(60)) == (b"", 0)  # it ended, and was not cut off


def test_an_address_may_lead_to_another_environment(docker: DockerCommand, tmp_path: Path) -> None:
    """Here Lading is its own Docker host."""
    with tempfile.TemporaryDirectory(prefix="doors-") as name:
        service = Service(Path(name, "data"), {"LADING_NO_AUTH": "1"}, token="-")
        usual, other = f"unix://{service.data}/docker.sock", f"unix://{name}/other.sock"
        service.data.mkdir(mode=0o700)
        ServiceFolder(service.data)("environment", "add", "itself", usual)
        service.settings = {**service.settings, "LADING_DOCKER_API": f"{other}?env=2"}
        with service.running():
            here, there = at(docker, DOCKER_HOST=usual), at(docker, DOCKER_HOST=other)
            imported = here("import", str(docker_door.root_file_system(tmp_path / "root.tar")), "made/here:1")
            assert imported.status == 0, imported.all

            assert there("images", "--format", "{{.Repository}}:{{.Tag}}") == Said(0, "made/here:1\n")
            assert "Lading" in there("version").out


def _as(docker: DockerCommand, uid: int, gid: int) -> DockerCommand:
    """The same command run by somebody else, who has no home."""
    wrapper = docker.home.parent / f"docker-{uid}-{gid}"
    wrapper.write_text(f'#!/bin/sh\nexec setpriv --reuid {uid} --regid {gid} --clear-groups {docker.program} "$@"\n')
    wrapper.chmod(0o755)
    return replace(docker, program=str(wrapper), home=Path("/nonexistent"))
