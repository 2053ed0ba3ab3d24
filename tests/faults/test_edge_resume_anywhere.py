"""The connection of our own agent ends after any number of bytes, in either direction: a body that goes up and one that
comes down are whole, or whoever asked is told."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.edge_hub.failures import AgentGone
from lading.backends.edge_hub.hub import LocalHub
from lading.backends.http.websocket_dial import WebSocketDialer
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.fronts.agent.agent import Agent, Clocks, Identity, Pace
from lading.fronts.agent.engine import Engine
from lading.services.hub.hub import AgentAway
from lading.wire.endpoint import Endpoint
from lading.wire.message import BytesReader, Cancel, Request, Response
from tests.fakes.cutting_relay import CuttingRelay
from tests.fakes.hub_door import HubDoor
from tests.fakes.played_engine import PlayedEngine, read_all
from tests.peers.edge_ways import local_hub
from tests.peers.service_process import until
from tests.proof_table import Tell

LOADED = random.Random("loaded").randbytes(3000)
ANSWERED = random.Random("answered").randbytes(3000)
MOST_BYTES = 5000
"""More than passes either way from the dialling to the end of one exchange."""

SIDE_BY_SIDE = 8


@dataclass
class Resumed:
    """An agent whose connection is cut again and again."""

    number: int
    hub: LocalHub
    relay: CuttingRelay

    def at(self, count: int, *, up: bool) -> str:
        """What became of an exchange whose connection ended after so many bytes."""
        dialled = self.relay.connections
        self.relay.cut_at(count) if up else self.relay.cut_down_at(count)
        self.relay.cut()
        until(lambda: self.relay.connections > dialled, "the agent has dialled")
        url = "http://docker/v1.41/images/load"
        with Cancellation() as cancel:
            assert self.hub.back(self.number, cancel, 20)
            try:
                request = Request("POST", url, reader=BytesReader(LOADED), streamed=True)
                response = self.hub.transport(self.number).send(request, cancel)
                assert response.status == 201
                assert response.stream is not None
                assert read_all(response.stream) == ANSWERED
                response.stream.close()
            except (AgentAway, AgentGone) as error:
                return type(error).__name__
        return "whole"


def loaded(request: Request, cancel: Cancel) -> Response:
    """An engine that takes a body whole, and answers with another."""
    assert request.reader is not None
    assert read_all(request.reader) == LOADED
    return Response(201, {"content-type": "application/x-tar"}, stream=BytesReader(ANSWERED))


@contextmanager
def resumed(number: int, hub: LocalHub, door: HubDoor) -> Iterator[Resumed]:
    with CuttingRelay(door.port) as relay, Cancellation() as cancel:
        url = f"ws://127.0.0.1:{relay.port}/api/hawser/connect"
        agent = Agent(
            WebSocketDialer(url, Endpoint(""), {}, "lading/tests"),
            url,
            Engine(PlayedEngine(loaded), look_seconds=15),
            Identity(f"agent-{number}", "edge", "host", "1", str(number)),
            pace=Pace(30, 0.005, 0.05),
            clocks=Clocks(time.monotonic, time.time, lambda: 0.5),
        )
        thread = threading.Thread(target=_run, args=(agent, cancel), name=f"agent-{number}")
        thread.start()
        try:
            yield Resumed(number, hub, relay)
        finally:
            cancel.cancel()
            thread.join()


def _run(agent: Agent, cancel: Cancellation) -> None:
    try:
        agent.run(cancel)
    except Cancelled:
        return


def exchanged(folder: Path, counts: Sequence[int], *, up: bool) -> Counter[str]:
    """What became of exchanges whose connections ended after so many bytes each."""
    with local_hub(folder, adrift=20) as hub, HubDoor(hub.attach) as door:

        def some(number: int) -> Counter[str]:
            with resumed(number, hub, door) as each:
                return Counter(each.at(count, up=up) for count in counts[number - 1 :: SIDE_BY_SIDE])

        with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
            return sum(threads.map(some, range(1, SIDE_BY_SIDE + 1)), Counter[str]())


@pytest.mark.parametrize("up", [True, False])
def test_an_exchange_whose_connection_is_cut_anywhere_is_whole_or_told(tmp_path: Path, up: bool) -> None:
    outcomes = exchanged(tmp_path, range(1, MOST_BYTES, 131), up=up)
    assert outcomes["whole"] > outcomes.total() * 0.8


@pytest.mark.proof
@pytest.mark.parametrize("up", [True, False])
def test_an_exchange_whose_connection_is_cut_at_every_byte_is_whole_or_told(
    tmp_path: Path, up: bool, record_property: Tell
) -> None:
    outcomes = exchanged(tmp_path, range(1, MOST_BYTES), up=up)
    for outcome, times in outcomes.most_common():
        record_property(outcome, times)
    assert outcomes["whole"] > outcomes.total() * 0.8
