"""The ways there are to a real Docker engine besides its own socket, each as a running thing and an environment."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.naming import Names
from lading.backends.edge_hub.hub import LocalHub
from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.main.environments import SOCKET_ORIGIN, EnvironmentBuilder
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.records import EnvironmentRow
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, Request, Response, Transport
from tests.fakes.cutting_relay import CuttingRelay
from tests.fakes.embedded import embedded
from tests.fakes.hub_door import HubDoor
from tests.fakes.stock_agent import Habits, StockAgent, Variant
from tests.fakes.stock_engine import SocketEngine
from tests.fakes.stock_playing import playing
from tests.fakes.stock_standard import StandardProxy
from tests.peers.programs import RunningDocker
from tests.peers.service_process import stop

BUFFER = 256 * 1024 * 1024
TOKEN = "a token of the tests"
QUICK = Habits(reconnect=0.02, longest_reconnect=0.1)
"""They come again at once."""


class Way(Enum):
    """What stands between us and the engine."""

    TCP = "tcp"
    STANDARD_OLD = "standard, old"
    STANDARD_NEW = "standard, new"
    EDGE_OLD = "edge, old"
    EDGE_NEW = "edge, new"
    OURS = "edge, ours"


@contextmanager
def local_hub(folder: Path, *, adrift: float = 90.0, buffer: int = BUFFER) -> Iterator[LocalHub]:
    """With real clocks."""
    hub = LocalHub(
        folder, buffer, time.time, time.monotonic, lambda: str(uuid.uuid4()), adrift_seconds=adrift, ping_seconds=0.5
    )
    try:
        yield hub
    finally:
        hub.close()


@contextmanager
def reached(way: Way, docker: RunningDocker, folder: Path) -> Iterator[Environment]:
    """The engine's environment, reached so."""
    engine = SocketEngine(str(docker.socket))
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(embedded(folder / "lading"))
        hub = stack.enter_context(local_hub(folder / "agents"))
        builder = EnvironmentBuilder(made.places, lambda: made.environment, "lading/tests", hub)
        stack.callback(builder.close)
        match way:
            case Way.TCP:
                relay = stack.enter_context(CuttingRelay(str(docker.socket)))
                yield builder(_dialled(ConnectionType.DIRECT, relay.port), None)
            case Way.STANDARD_OLD | Way.STANDARD_NEW:
                variant = Variant.OLD if way is Way.STANDARD_OLD else Variant.NEW
                proxy = stack.enter_context(StandardProxy(engine, TOKEN, variant=variant))
                yield builder(_dialled(ConnectionType.HAWSER_STANDARD, proxy.port), TOKEN)
            case Way.EDGE_OLD | Way.EDGE_NEW:
                variant = Variant.OLD if way is Way.EDGE_OLD else Variant.NEW
                door = stack.enter_context(HubDoor(hub.attach))
                agent = StockAgent(door.url, "1", engine, variant, habits=QUICK)
                stack.enter_context(playing(agent))
                assert agent.connected.wait(60)
                yield builder(EnvironmentRow(1, "edge", ConnectionType.HAWSER_EDGE), None)
                assert agent.complaints == []
            case Way.OURS:
                door = stack.enter_context(HubDoor(hub.attach))
                stack.enter_context(our_agent(folder, door.url.replace("ws:", "http:"), "1", docker))
                with Cancellation() as cancel:
                    assert hub.back(1, cancel, 60), (folder / "agent.log").read_text()
                yield builder(EnvironmentRow(1, "edge", ConnectionType.HAWSER_EDGE), None)


@contextmanager
def our_agent(folder: Path, server: str, token: str, docker: RunningDocker) -> Iterator[subprocess.Popen[bytes]]:
    """`lading agent` as a process; its log is `agent.log`."""
    command = [sys.executable, "-m", "lading", "agent", "--server", server, "--docker", f"unix://{docker.socket}"]
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "LADING_TOKEN": token}
    surroundings |= {"LADING_DATA": str(folder / "agent-data"), "RECONNECT_DELAY": "0.05", "MAX_RECONNECT_DELAY": "0.5"}
    with (folder / "agent.log").open("ab") as log:
        child = subprocess.Popen(command, env=surroundings, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield child
    finally:
        stop(child)


def _dialled(kind: ConnectionType, port: int) -> EnvironmentRow:
    return EnvironmentRow(1, kind.value, kind, host="127.0.0.1", port=port, protocol="http")


class BodiesPast:
    """A Transport that brings what has a body straight to the engine: an old agent drops bodies, and what a test needs
    at its host has to get there in another way."""

    def __init__(self, edge: Transport, direct: Transport) -> None:
        self._edge, self._direct = edge, direct

    def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = lambda _count: None) -> Response:
        way = self._edge if request.reader is None and request.content is None else self._direct
        return way.send(request, cancel, passed)


@contextmanager
def helped(docker: RunningDocker, folder: Path) -> Iterator[Environment]:
    """Over an old agent, but for the bodies of requests."""
    with (
        embedded(folder / "lading") as made,
        local_hub(folder / "agents") as hub,
        HubDoor(hub.attach) as door,
        contextlib.closing(HttpTransport(lambda host: Endpoint(host, socket=str(docker.socket)), {}, "t")) as direct,
        playing(agent := StockAgent(door.url, "1", SocketEngine(str(docker.socket)), habits=QUICK)),
    ):
        assert agent.connected.wait(60)
        transport = BodiesPast(hub.transport(1), direct)
        yield DockerEnvironment(
            transport, SOCKET_ORIGIN, "edge", made.places.prove, Names(), back=lambda cancel: hub.back(1, cancel, 20)
        )
        assert agent.complaints == []
