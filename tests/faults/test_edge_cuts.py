"""The connection of a stock agent ends after any number of bytes: a push is done where the registry has it, or it is an
error, and it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.naming import Names
from lading.backends.edge_hub.hub import LocalHub
from lading.engine.cancel import Cancellation
from lading.errors import Unreachable
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.environments.orders import Access, Arrived, PushOrder
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from lading.wire.progress import Event
from tests.fakes.cutting_relay import CuttingRelay
from tests.fakes.hub_door import HubDoor
from tests.fakes.pushing_engine import DIGEST, PushingEngine
from tests.fakes.stock_agent import StockAgent, Variant
from tests.fakes.stock_playing import playing
from tests.peers.edge_ways import QUICK, local_hub
from tests.peers.service_process import until
from tests.proof_table import Tell

TARGET = Reference.parse("127.0.0.1:1/played/sent:1")
"""Nobody is asked: what the registry would say is played."""

UP_BYTES = 7000
"""More than an agent sends from its dialling to the end of one push."""

SIDE_BY_SIDE = 8


@dataclass
class Cut:
    """An environment whose agent's connection is cut again and again, and the engine behind it."""

    number: int
    hub: LocalHub
    relay: CuttingRelay
    engine: PushingEngine
    agent: StockAgent

    def at(self, count: int) -> str:
        """What became of a push whose connection ended after so many bytes."""
        dialled = self.relay.connections
        self.relay.cut_at(count)
        self.relay.cut()
        until(lambda: self.relay.connections > dialled, "the agent has dialled")
        with Cancellation() as cancel:
            assert self.hub.back(self.number, cancel, 20)
        self.engine.pushed.clear()
        outcome = self._push()
        if isinstance(outcome, Arrived) and outcome.error is None:
            assert str(TARGET) in self.engine.pushed
            assert str(outcome.digest) == DIGEST
            return "done"
        return type(outcome.error if isinstance(outcome, Arrived) else outcome).__name__

    def _push(self) -> Arrived | Unreachable:
        order = PushOrder("played/app:1", (TARGET,), Access("tests", Endpoint("127.0.0.1:1")))
        transport = self.hub.transport(self.number)
        environment = DockerEnvironment(transport, "http://docker", "edge", self._prove, Names())
        with Cancellation() as cancel:
            try:
                (arrived,) = environment.push(order, _told, cancel)
            except Unreachable as error:
                return error
        return arrived

    def _prove(self, reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
        return Digest.parse(DIGEST) if str(reference) in self.engine.pushed else None


def _told(_event: Event) -> None:
    """Nobody listens."""


@contextmanager
def cut(number: int, hub: LocalHub, door: HubDoor) -> Iterator[Cut]:
    engine = PushingEngine(slices=100)
    variant = Variant.OLD if number % 2 else Variant.NEW
    with CuttingRelay(door.port) as relay:
        agent = StockAgent(f"ws://127.0.0.1:{relay.port}", str(number), engine, variant, habits=QUICK)
        with playing(agent):
            assert agent.connected.wait(60)
            yield Cut(number, hub, relay, engine, agent)
            assert agent.complaints == []


def pushed(folder: Path, counts: Sequence[int]) -> Counter[str]:
    """What became of pushes whose connections ended after so many bytes each."""
    with local_hub(folder, adrift=0.2) as hub, HubDoor(hub.attach) as door:

        def some(number: int) -> Counter[str]:
            with cut(number, hub, door) as cuts:
                return Counter(cuts.at(count) for count in counts[number - 1 :: SIDE_BY_SIDE])

        with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
            return sum(threads.map(some, range(1, SIDE_BY_SIDE + 1)), Counter[str]())


def test_a_push_whose_connection_is_cut_anywhere_is_proven_or_failed(tmp_path: Path) -> None:
    outcomes = pushed(tmp_path, range(1, UP_BYTES, 97))
    assert outcomes["done"]
    assert outcomes.total() > outcomes["done"]


@pytest.mark.proof
def test_a_push_whose_connection_is_cut_at_every_byte_is_proven_or_failed(
    tmp_path: Path, record_property: Tell
) -> None:
    outcomes = pushed(tmp_path, range(1, UP_BYTES))
    record_property("cuts", outcomes.total())
    for outcome, times in outcomes.most_common():
        record_property(outcome, times)
    assert outcomes["done"]
