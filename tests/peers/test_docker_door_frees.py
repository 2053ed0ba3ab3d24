"""`docker rmi` at Lading frees the disk at once, as at dockerd: what was pulled, loaded or tagged is kept by its names
alone; and what a client of our registry was told of stays."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.database.catalogue import open_catalogue
from lading.oci.digest import Algorithm, Digest
from tests.peers import docker_door, docker_images, programs
from tests.peers.docker_command import DockerCommand
from tests.peers.docker_images import Images
from tests.peers.service_process import Service

pytestmark = pytest.mark.peer("docker", "docker-registry", "skopeo")


@dataclass(frozen=True)
class Stage:
    """The docker command at `lading serve`, and where its content is."""

    docker: DockerCommand
    images: Images
    data: Path

    @property
    def blobs(self) -> set[str]:
        return {path.name for path in (self.data / "content/blobs/sha256").iterdir()}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    """At a registry; nobody here writes to it."""
    folder = tmp_path_factory.mktemp("images")
    with programs.docker_registry(folder / "registry") as registry:
        yield docker_images.fill(registry.host, registry.host, folder / "images")


@pytest.fixture
def stage(images: Images, tmp_path: Path) -> Iterator[Stage]:
    data = tmp_path / "lading"
    with tempfile.TemporaryDirectory(prefix="lading-") as short:
        socket = f"unix://{short}/docker.sock"
        with Service(data, {"LADING_DOCKER_API": socket}).running():
            yield Stage(DockerCommand(docker_door.newest(), socket, tmp_path / "home"), images, data)


def test_what_is_removed_is_gone_and_comes_whole_again(stage: Stage) -> None:
    docker, name = stage.docker, stage.images.name("app:1")
    for way in ("by its name", "by its id", "by prune"):
        pulled = docker("pull", name)
        assert "Pull complete" in pulled.all, way
        assert "Already exists" not in pulled.all, way
        docker("tag", name, "other:1")
        docker("save", "-o", str(stage.data.parent / "saved.tar"), name)
        docker("rmi", "other:1")
        assert stage.blobs
        match way:
            case "by its name":
                assert docker("rmi", name).status == 0
            case "by its id":
                assert docker("rmi", "-f", docker("images", "-q").out.strip()).status == 0
            case _:
                assert "Total reclaimed space: 0B" not in docker("image", "prune", "-a", "-f").all
        assert stage.blobs == set(), way


def test_what_another_image_needs_stays(stage: Stage) -> None:
    docker = stage.docker
    docker("pull", stage.images.name("app:1"))
    alone = stage.blobs
    docker("pull", stage.images.name("app:2"))
    assert docker("rmi", stage.images.name("app:2")).status == 0

    assert stage.blobs == alone
    assert docker("save", "-o", str(stage.data.parent / "saved.tar"), stage.images.name("app:1")).status == 0


def test_a_loaded_image_goes_too(stage: Stage) -> None:
    docker, saved = stage.docker, str(stage.data.parent / "saved.tar")
    docker("pull", stage.images.name("app:1"))
    docker("save", "-o", saved, stage.images.name("app:1"))
    docker("rmi", stage.images.name("app:1"))
    assert stage.blobs == set()
    assert docker("load", "-i", saved).status == 0
    assert stage.blobs
    docker("rmi", stage.images.name("app:1"))

    assert stage.blobs == set()


def test_what_others_were_told_of_stays_for_them(stage: Stage) -> None:
    """Another server over the same database has told its client of a layer."""
    docker = stage.docker
    docker("pull", stage.images.name("app:1"))
    told = min(stage.blobs)
    with closing(open_catalogue(stage.data / "lading.db", time.time)) as other:
        other.leases.hold([Digest(Algorithm.SHA256, told)])
    docker("rmi", "-f", docker("images", "-q").out.strip())

    assert told in stage.blobs
