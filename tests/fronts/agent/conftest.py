"""An agent that runs beside a played engine and a played server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from lading.backends.http.websocket_dial import WebSocketDialer
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.fronts.agent.agent import Agent, Clocks, Identity, Pace
from lading.fronts.agent.engine import Engine
from lading.wire.endpoint import Endpoint
from lading.wire.message import Transport
from tests.fakes.edge_server import EdgeServer
from tests.fakes.work import BOUND_SECONDS

TOKEN = "a-token-that-nobody-guesses-0123456789-abcd"

QUICK = Pace(30, 0.001, 0.01)

Runs = Callable[..., Cancellation]


@pytest.fixture
def server() -> Iterator[EdgeServer]:
    with EdgeServer() as running:
        yield running


@pytest.fixture
def runs(server: EdgeServer) -> Iterator[Runs]:
    """`runs(engine)` starts an agent of the server; it is stopped with what it returns, and at the end."""
    started: list[tuple[Cancellation, threading.Thread]] = []

    def start(
        engine: Transport,
        pace: Pace = QUICK,
        look_seconds: float = 15,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Cancellation:
        dial = WebSocketDialer(f"{server.url}/api/hawser/connect", Endpoint(""), {}, "lading/tests", goodbye_seconds=20)
        identity = Identity("agent-1", "edge", "host-1", "1.2.3", TOKEN)
        clocks = Clocks(monotonic, time.time, lambda: 0.5)
        agent = Agent(dial, server.url, Engine(engine, look_seconds=look_seconds), identity, pace=pace, clocks=clocks)
        cancel = Cancellation()
        thread = threading.Thread(target=_run, args=(agent, cancel), name="agent")
        thread.start()
        started.append((cancel, thread))
        return cancel

    yield start
    for cancel, _ in started:
        cancel.cancel()
    for _, thread in started:
        thread.join(BOUND_SECONDS)
        assert not thread.is_alive()


def _run(agent: Agent, cancel: Cancellation) -> None:
    try:
        agent.run(cancel)
    except Cancelled:
        return
