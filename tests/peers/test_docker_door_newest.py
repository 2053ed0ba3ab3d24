"""What a new docker command can do that Debian's cannot: at Lading, by the newest version of the API both speak."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import docker_door, programs
from tests.peers.docker_command import DockerCommand, told
from tests.peers.docker_door import Engines

pytestmark = [
    pytest.mark.peer("dockerd", "docker", "docker-registry", "skopeo"),
    pytest.mark.skipif(
        not docker_door.is_new(), reason=f"no docker command of version {docker_door.NEW} here, and no Debian has one"
    ),
]
BOTH = ("linux/amd64", "linux/arm64")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory, docker_engine: programs.RunningDocker) -> Iterator[Engines]:
    with docker_door.engines(tmp_path_factory.mktemp("door"), docker_engine) as both:
        yield both


@pytest.fixture
def docker(engines: Engines, tmp_path: Path) -> DockerCommand:
    """At Lading, which has no image."""
    command = DockerCommand(docker_door.newest(), engines.lading, tmp_path / "home", api=None)
    docker_door.emptied(command)
    return command


@pytest.fixture
def multi(docker: DockerCommand, engines: Engines) -> str:
    """The name of an image of which two platforms are there."""
    name = engines.images.name("multi:1")
    for platform in BOTH:
        _done(docker, "pull", "-q", "--platform", platform, name)
    return name


def test_the_newest_version_that_both_speak_is_used(docker: DockerCommand) -> None:
    assert _done(docker, "version", "-f", "{{.Client.APIVersion}} {{.Server.APIVersion}}") == "1.50 1.51"


def test_every_platform_of_an_image_is_a_branch_of_the_tree(docker: DockerCommand, multi: str) -> None:
    tree = told(_done(docker, "images", "--tree"))
    assert "team/multi:1" in tree
    assert all(f"─ {platform}" in tree for platform in BOTH), tree


@pytest.mark.parametrize("platform", BOTH)
def test_one_platform_is_looked_at(docker: DockerCommand, multi: str, platform: str) -> None:
    found = _done(docker, "image", "inspect", "--platform", platform, "-f", "{{.Os}}/{{.Architecture}}", multi)
    assert found == platform
    assert "COPY file0 /" in _done(docker, "history", "--platform", platform, "--no-trunc", multi)


def test_one_platform_is_saved_and_loaded(docker: DockerCommand, multi: str, tmp_path: Path) -> None:
    one, both = tmp_path / "one.tar", tmp_path / "both.tar"
    _done(docker, "save", "--platform", "linux/arm64", "-o", str(one), multi)
    _done(docker, "save", "-o", str(both), multi)
    with tarfile.open(one) as small, tarfile.open(both) as large:
        assert 0 < len(small.getnames()) < len(large.getnames())
    docker_door.emptied(docker)
    assert _done(docker, "load", "-i", str(one)) == f"Loaded image: {multi}"
    assert _done(docker, "image", "inspect", "-f", "{{.Architecture}}", multi) == "arm64"


def test_one_platform_is_pushed_as_a_manifest_of_its_own(docker: DockerCommand, multi: str, engines: Engines) -> None:
    fresh = f"{engines.images.fresh()}:1"
    _done(docker, "tag", multi, fresh)
    said = docker("push", "--platform", "linux/arm64", fresh)
    assert said.status == 0, said.all
    manifest = json.loads(_done(docker, "manifest", "inspect", "--insecure", fresh))
    assert "layers" in manifest
    assert "Not all multiplatform-content is present" not in said.all


def test_an_image_of_several_platforms_is_pushed_whole(docker: DockerCommand, multi: str, engines: Engines) -> None:
    fresh = f"{engines.images.fresh()}:1"
    _done(docker, "tag", multi, fresh)
    _done(docker, "push", fresh)
    pushed, source = (json.loads(_done(docker, "manifest", "inspect", "--insecure", name)) for name in (fresh, multi))
    assert pushed == source


def test_one_platform_is_removed_and_the_others_stay(docker: DockerCommand, multi: str) -> None:
    _done(docker, "rmi", "-f", "--platform", "linux/arm64", multi)
    assert docker("image", "inspect", "--platform", "linux/arm64", multi).status == 1
    assert docker("image", "inspect", "--platform", "linux/amd64", multi).status == 0


def test_what_happened_is_told_afterwards(docker: DockerCommand, engines: Engines) -> None:
    since = _done(docker, "info", "-f", "{{.SystemTime}}")
    name = engines.images.name("app:1")
    _done(docker, "pull", "-q", name)
    _done(docker, "tag", name, "other:9")
    until = _done(docker, "info", "-f", "{{.SystemTime}}")
    heard = _done(docker, "events", "--since", since, "--until", until, "--format", "{{.Action}} {{.Actor.ID}}")
    assert heard.splitlines()[0] == f"pull {name}"
    assert heard.splitlines()[1].startswith("tag sha256:")


def test_what_an_engine_without_containers_cannot_do_is_said(docker: DockerCommand, engines: Engines) -> None:
    name = engines.images.name("app:1")
    _done(docker, "pull", "-q", name)
    said = docker("run", "--rm", name)
    assert said.status == 125
    assert "container" in said.err
    for listed in (("ps", "-a"), ("network", "ls"), ("volume", "ls"), ("plugin", "ls"), ("system", "df", "-v")):
        _done(docker, *listed)


def _done(docker: DockerCommand, *arguments: str) -> str:
    """What it printed; it must exit 0."""
    said = docker(*arguments)
    assert said.status == 0, f"docker {' '.join(arguments)}: {said.all}"
    return said.out.strip()
