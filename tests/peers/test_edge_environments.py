"""A real Docker engine that is reached in every way there is besides its own socket: the same contract over all."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.naming import Names
from lading.backends.edge_hub.failures import AgentCannot, AgentStreamTooFar
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.main.environments import SOCKET_ORIGIN
from lading.oci.reference import Reference
from lading.services.environments.environment import Environment
from lading.services.environments.orders import Access, ImportOrder, PushOrder
from lading.services.lookup import ImageUnknown
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from tests.contract.environments.events_suite import EventsContract
from tests.contract.environments.images_suite import DistributionContract, ImagesContract
from tests.contract.environments.suite import CANCEL, EnvironmentContract, told
from tests.contract.environments.transfers_suite import TransferContract
from tests.fakes.docker_archives import docker_archive, members, read_to_end, reader
from tests.fakes.hub_door import HubDoor
from tests.fakes.root_images import tar_of
from tests.fakes.scripted_server import Asked, Reply, ScriptedServer
from tests.fakes.stock_agent import StockAgent
from tests.fakes.stock_engine import SocketEngine
from tests.fakes.stock_playing import playing
from tests.peers.docker_environments import guarded_registry
from tests.peers.edge_ways import QUICK, Way, helped, local_hub, reached
from tests.peers.programs import RunningDocker, RunningRegistry
from tests.peers.service_process import until

pytestmark = [pytest.mark.peer("dockerd"), pytest.mark.peer("docker-registry")]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with guarded_registry(tmp_path_factory.mktemp("docker-registry")) as running:
        yield running


SELDOM = (Way.TCP, Way.STANDARD_OLD, Way.STANDARD_NEW, Way.EDGE_NEW)
"""They differ from what is run every time in little that images could notice. That standard agents are reached, and
where they end, test_distribution, test_stock_agent_played and test_standard_agent_limit show every time."""

WAYS = [pytest.param(way, id=way.name.lower(), marks=[pytest.mark.proof] if way in SELDOM else []) for way in Way]


@pytest.fixture(scope="module", params=WAYS)
def environment(
    request: pytest.FixtureRequest, docker_engine: RunningDocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    way: Way = request.param
    folder = tmp_path_factory.mktemp("reached")
    with helped(docker_engine, folder) if way is Way.EDGE_OLD else reached(way, docker_engine, folder) as made:
        yield made


class TestReachedDocker(EnvironmentContract, ImagesContract, EventsContract):
    """Images, over every way. What an old agent cannot carry, bodies, goes past it."""


class TestReachedDockerTransfers(TransferContract, DistributionContract):
    """Through a registry with a password."""


@pytest.mark.parametrize("way", [Way.EDGE_OLD, Way.EDGE_NEW])
def test_what_a_stock_agent_cannot_carry_is_refused_and_says_what_can(
    docker_engine: RunningDocker, tmp_path: Path, way: Way
) -> None:
    """An old one drops a body; a new one takes so much."""
    small = docker_archive(["edge/small:1"], label="small")
    archive = docker_archive(["edge/body:1"], [tar_of({"big": b"z" * (9 * 2**20)})])
    with reached(way, docker_engine, tmp_path) as environment:
        with pytest.raises(AgentCannot) as caught:
            environment.load(reader(archive), told, CANCEL)
        with pytest.raises(AgentCannot):
            environment.import_(reader(archive), ImportOrder(None), told, CANCEL)
        with pytest.raises(ImageUnknown):
            environment.image("edge/body:1", CANCEL)
        with nullcontext() if way is Way.EDGE_NEW else pytest.raises(AgentCannot):
            environment.load(reader(small), told, CANCEL)
            environment.remove("edge/small:1", True, CANCEL)
    assert "distributed" in (caught.value.hint or "")


def test_our_agent_carries_any_body(docker_engine: RunningDocker, tmp_path: Path) -> None:
    archive = docker_archive(["edge/large:1"], [tar_of({"big": random.Random(1).randbytes(12 * 2**20)})])
    with reached(Way.OURS, docker_engine, tmp_path) as environment:
        (arrived,) = environment.load(reader(archive), told, CANCEL)
        with environment.export(["edge/large:1"], CANCEL) as stream:
            back = read_to_end(stream)
        environment.remove(arrived.id, True, CANCEL)
    assert max(len(content) for content in members(back).values()) > 12 * 2**20


def test_a_stock_stream_that_runs_too_far_ahead_of_its_reader_ends_alone(
    docker_engine: RunningDocker, tmp_path: Path
) -> None:
    noise = tar_of({"big": random.Random(2).randbytes(8 * 2**20)})
    identity = docker_engine("import", "-", "edge/ahead:1", input=noise).strip()
    engine = SocketEngine(str(docker_engine.socket))
    with local_hub(tmp_path, buffer=2**20) as hub, HubDoor(hub.attach) as door:
        agent = StockAgent(door.url, "1", engine, habits=QUICK)
        with playing(agent):
            assert agent.connected.wait(60)
            environment = DockerEnvironment(hub.transport(1), SOCKET_ORIGIN, "edge", never_asked, Names())
            with environment.export([identity], CANCEL) as stream:
                until(lambda: bool(agent.ended), "the agent was told to stop")
                environment.ping(CANCEL)
                with pytest.raises(AgentStreamTooFar, match="1 MiB"):
                    read_to_end(stream)
        assert agent.logins == 1
    docker_engine("rmi", "-f", identity)


def never_asked(reference: Reference, access: Access, cancel: Cancel) -> None:
    """A Prove."""
    raise AssertionError("nothing is pushed here")


@pytest.mark.parametrize("way", [Way.EDGE_OLD, Way.EDGE_NEW, Way.OURS])
def test_a_cancelled_push_ends_at_the_daemon(docker_engine: RunningDocker, tmp_path: Path, way: Way) -> None:
    """The registry never answers; that the cancel comes through is what makes the daemon give up."""
    asked, over = threading.Event(), threading.Event()

    def stall(request: Asked) -> Reply:
        asked.set()
        request.receive()
        over.wait(20)
        return Reply(500)

    docker_engine("import", "-", "edge/cancelled:1", input=tar_of({"x": b"cancelled"}))
    with ScriptedServer(stall) as server, reached(way, docker_engine, tmp_path) as environment:
        target = Reference.parse(f"{server.authority}/edge/cancelled:1")
        order = PushOrder("edge/cancelled:1", (target,), Access("s", Endpoint(server.authority)))
        with Cancellation() as cancel, ThreadPoolExecutor() as threads:
            pushing = threads.submit(environment.push, order, told, cancel)
            assert asked.wait(60)
            cancel.cancel()
            with pytest.raises(Cancelled):
                pushing.result(60)
        over.set()
        assert environment.image("edge/cancelled:1", CANCEL).summary.names == ("docker.io/edge/cancelled:1",)
        environment.remove("edge/cancelled:1", True, CANCEL)
