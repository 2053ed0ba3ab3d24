"""Who does not answer: each environment is asked once a minute at most, by one of those who want to know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from lading.errors import TimedOut, Unreachable
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.environments import Environments
from lading.services.environments.reachability import ANSWER_SECONDS, STANDS_SECONDS, Reachability
from lading.services.environments.records import EnvironmentRow
from lading.wire.message import Cancel
from tests.fakes.agents import PlayedHub, presence_of
from tests.fakes.environment_bench import CANCEL
from tests.fakes.environment_records import KeptTrail, MemoryEnvironments, OneBuilder, PlainSeals, PlayedProbe


class Silent(TimedOut):
    """It did not answer in time."""


@dataclass
class Host:
    """As much of an environment as is asked here."""

    error: Unreachable | TimedOut | None = None
    asked: int = 0

    def ping(self, cancel: Cancel) -> None:
        cancel.check()
        self.asked += 1
        if self.error is not None:
            raise self.error


@dataclass
class Bench:
    """One Docker host, one at the edge, and our own engine, which is never asked."""

    host: Host = field(default_factory=Host)
    hub: PlayedHub = field(default_factory=PlayedHub)
    now: float = 0.0
    allowed: list[float | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        records = MemoryEnvironments()
        builder = OneBuilder(cast("Environment", self.host))  # nothing else of it is called
        environments = Environments(records, PlainSeals(), KeptTrail(), builder, PlayedProbe(), hub=self.hub)
        environments.ensure_embedded()
        self.there = self.added(records, "there", ConnectionType.SOCKET)
        self.edge = self.added(records, "edge", ConnectionType.HAWSER_EDGE)
        self.reachability = Reachability(environments, self.hub, self.cancellation, lambda: self.now)

    def added(self, records: MemoryEnvironments, name: str, kind: ConnectionType) -> int:
        return records.add_environment(lambda id: EnvironmentRow(id, name, kind)).id  # noqa: A006  a row's own word

    @contextmanager
    def cancellation(self, seconds: float | None = None) -> Iterator[Cancel]:
        self.allowed.append(seconds)
        yield CANCEL


def test_who_answers_is_not_named_and_who_does_not_is() -> None:
    bench = Bench()
    bench.hub.here[bench.edge] = presence_of(bench.edge)
    assert bench.reachability.failures() == {}

    bench.now += STANDS_SECONDS
    bench.host.error = Silent()
    del bench.hub.here[bench.edge]
    found = bench.reachability.failures()

    assert {id: str(error) for id, error in found.items()} == {  # noqa: A001  a row's own word
        bench.there: str(Silent()),
        bench.edge: "Edge agent not connected",
    }
    assert bench.allowed == [ANSWER_SECONDS, ANSWER_SECONDS]


def test_an_answer_stands_for_a_while() -> None:
    bench = Bench()
    for bench.now in (0.0, 1.0, STANDS_SECONDS - 1, STANDS_SECONDS, STANDS_SECONDS + 1):
        bench.reachability.failures()

    assert bench.host.asked == 2


def test_who_comes_while_somebody_asks_takes_what_is_known() -> None:
    bench = Bench()
    told = []

    class Curious(Host):
        def ping(self, cancel: Cancel) -> None:
            told.append(bench.reachability.failures())

    bench.host.ping = Curious().ping  # type: ignore[method-assign]  # asked in the middle of being asked
    bench.reachability.failures()

    assert told == [{}]
