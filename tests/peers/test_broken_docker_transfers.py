"""A real Docker engine whose connection breaks in the middle of a push or a pull."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from lading.backends.docker_client.faults import TransferLost
from lading.oci.reference import Reference
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.orders import Access, PullOrder, PushOrder
from lading.services.environments.records import EnvironmentRow
from lading.services.lookup import ImageUnknown
from lading.wire.endpoint import Endpoint
from lading.wire.progress import Advanced, Event, Noted, State
from tests.contract.environments.suite import CANCEL, told
from tests.contract.environments.transfers_suite import pushed_alone
from tests.fakes.cutting_relay import CuttingRelay
from tests.fakes.docker_archives import docker_archive, reader
from tests.fakes.root_images import tar_of
from tests.fakes.upload_gate import UploadGate
from tests.peers.docker_environments import access_of, environment_builder
from tests.peers.programs import RunningDocker, RunningRegistry, docker_registry

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]

LAYER_BYTES = 4_000_000


@dataclass
class Place:
    """A Docker host behind a network that can be cut, and a registry behind one that holds uploads."""

    environment: Environment
    link: CuttingRelay
    gate: UploadGate
    access: Access
    events: list[Event] = field(default_factory=list)

    def target(self, name: str) -> Reference:
        return Reference.parse(f"127.0.0.1:{self.gate.port}/{name}")

    def once(self, act: Callable[[], None]) -> Callable[[Event], None]:
        """A Report, which acts when the first layer moves."""

        def report(event: Event) -> None:
            first = not any(isinstance(each, Advanced) and each.state is State.MOVING for each in self.events)
            self.events.append(event)
            if first and isinstance(event, Advanced) and event.state is State.MOVING:
                act()

        return report


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def place(docker_engine: RunningDocker, registry: RunningRegistry, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        link = stack.enter_context(CuttingRelay(str(docker_engine.socket)))
        gate = stack.enter_context(UploadGate(int(registry.host.rpartition(":")[2])))
        builder = stack.enter_context(environment_builder(tmp_path))
        row = EnvironmentRow(1, "far", ConnectionType.DIRECT, host="127.0.0.1", port=link.port, protocol="http")
        access = replace(access_of(registry), endpoint=Endpoint(f"127.0.0.1:{gate.port}"))
        yield Place(builder(row, None), link, gate, access)


def load(place: Place, name: str) -> str:
    """An image that no registry has; its id."""
    archive = docker_archive([name], [tar_of({"content": random.randbytes(LAYER_BYTES)})])
    return place.environment.load(reader(archive), told, CANCEL)[0].id


def test_a_push_whose_connection_breaks_is_done_all_the_same(place: Place) -> None:
    image, target = load(place, "broken/push:1"), place.target("broken/push:1")
    place.gate.let(0)

    def cut() -> None:
        place.gate.let(100)
        place.link.cut()

    (arrived,) = place.environment.push(PushOrder(image, (target,), place.access), place.once(cut), CANCEL)

    assert arrived.error is None
    assert any(isinstance(event, Noted) for event in place.events)
    assert str(target) in place.environment.image(image, CANCEL).summary.names
    place.environment.remove(image, True, CANCEL)


def test_a_pull_whose_connection_breaks_brings_the_image_all_the_same(place: Place) -> None:
    target = place.target("broken/pull:1")
    place.gate.let(100)
    digest = pushed_alone(place.environment, target, place.access, "broken pull")

    arrived = place.environment.pull(PullOrder(target, place.access), place.once(place.link.cut), CANCEL)

    assert arrived.digest == digest
    assert str(target) in place.environment.image(arrived.id, CANCEL).summary.names
    place.environment.remove(arrived.id, True, CANCEL)


def test_a_host_that_stays_away_leaves_it_unknown_and_says_so(place: Place) -> None:
    image, target = load(place, "broken/away:1"), place.target("broken/away:1")
    place.gate.let(0)

    def leave() -> None:
        place.link.cut_at(*[0] * 100)
        place.link.cut()

    with pytest.raises(TransferLost, match="the Docker host far was lost in the middle of the push to"):
        place.environment.push(PushOrder(image, (target,), place.access), place.once(leave), CANCEL)
    place.link.cut_at()
    place.environment.remove(image, True, CANCEL)
    with pytest.raises(ImageUnknown):
        place.environment.image(image, CANCEL)
