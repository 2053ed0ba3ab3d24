"""A real Docker engine loads what our own engine exports, as it lies there: compressed layers, several platforms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.main.environments import EnvironmentBuilder
from lading.oci.reference import Reference
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.orders import Arrived, ImportOrder
from lading.services.environments.records import EnvironmentRow
from lading.wire.progress import Event
from tests.fakes.agents import PlayedHub
from tests.fakes.docker_archives import reader
from tests.fakes.embedded import Embedded, embedded
from tests.fakes.images import AMD64, ARM64
from tests.fakes.root_images import tar_of
from tests.fakes.several_platforms import several
from tests.peers.programs import RunningDocker

pytestmark = pytest.mark.peer("dockerd")

CANCEL = Cancellation()
ROOT = tar_of({"etc/os-release": b"ID=archive\n", "large": bytes(range(256)) * 2000})


def told(_event: Event) -> None:
    """Nobody listens."""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Embedded]:
    with embedded(tmp_path / "lading") as made:
        yield made


@pytest.fixture
def docker(docker_engine: RunningDocker, own: Embedded) -> Iterator[Environment]:
    builder = EnvironmentBuilder(own.places, lambda: own.environment, "lading/tests", PlayedHub())
    yield builder(EnvironmentRow(1, "docker", ConnectionType.SOCKET, socket_path=str(docker_engine.socket)), None)
    builder.close()


def over(own: Embedded, docker: Environment, *images: str) -> list[Arrived]:
    with own.environment.export(images, CANCEL) as archive:
        return list(docker.load(archive, told, CANCEL))


def test_all_tags_of_an_imported_image_arrive_with_its_compressed_layer(own: Embedded, docker: Environment) -> None:
    order = ImportOrder(Reference.parse("archive/imported:1"), "made here", ("CMD true",))
    made = own.environment.import_(reader(ROOT), order, told, CANCEL)
    own.environment.tag(made.id, Reference.parse("archive/imported:2"), CANCEL)

    arrived = over(own, docker, "archive/imported")

    assert {str(each.reference) for each in arrived} == {"docker.io/archive/imported:1", "docker.io/archive/imported:2"}
    ours, theirs = own.environment.image(made.id, CANCEL), docker.image("archive/imported:2", CANCEL)
    assert theirs.diff_ids == ours.diff_ids
    assert theirs.config == ours.config
    assert own.environment.image(theirs.summary.id, CANCEL).summary.id == made.id  # its id there is the config's digest


def test_of_several_platforms_the_native_one_is_loaded(own: Embedded, docker: Environment) -> None:
    image = several("over")
    own.environment.load(reader(image.archive("docker.io/archive/several:1")), told, CANCEL)

    (arrived,) = over(own, docker, "archive/several:1")

    assert arrived.id == str(image.manifest(image.amd64).config.digest)
    assert docker.image("archive/several:1", CANCEL).platform == str(AMD64)


def test_a_platform_that_was_asked_for_is_loaded(own: Embedded, docker: Environment) -> None:
    image = several("one of")
    own.environment.load(reader(image.archive("docker.io/archive/one-of:1")), told, CANCEL)

    with own.environment.export(["archive/one-of:1"], CANCEL, ARM64) as archive:
        (arrived,) = docker.load(archive, told, CANCEL)

    assert arrived.id == str(image.manifest(image.arm64).config.digest)
    assert docker.image("archive/one-of:1", CANCEL).platform == str(ARM64)


def test_an_image_that_was_asked_for_by_id_arrives_without_a_name(own: Embedded, docker: Environment) -> None:
    order = ImportOrder(Reference.parse("archive/by-id:1"), changes=("LABEL by=id",))
    made = own.environment.import_(reader(ROOT), order, told, CANCEL)

    (arrived,) = over(own, docker, made.id)

    assert arrived.reference is None
    assert docker.image(arrived.id, CANCEL).summary.names == ()
    docker.remove(arrived.id, True, CANCEL)


def test_an_image_comes_back_from_docker_as_it_was_there(own: Embedded, docker: Environment) -> None:
    order = ImportOrder(Reference.parse("archive/there:1"), changes=("LABEL from=there",))
    made = docker.import_(reader(ROOT), order, told, CANCEL)

    with docker.export(["archive/there:1"], CANCEL) as archive:
        (arrived,) = own.environment.load(archive, told, CANCEL)

    assert arrived.reference == Reference.parse("archive/there:1")
    ours = own.environment.image(made.id, CANCEL)  # by the digest of its config
    assert ours.summary.id == arrived.id
    assert ours.diff_ids == docker.image(made.id, CANCEL).diff_ids
