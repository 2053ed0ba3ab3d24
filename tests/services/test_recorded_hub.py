"""The hub of a command beside servers: it knows who is there, and leaves the talking to the server."""

from __future__ import annotations

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRow
from lading.services.hub.hub import AgentAway
from lading.services.hub.recorded_hub import AgentAtServer, RecordedHub
from lading.services.hub.records import STALE_SECONDS, PresenceRow
from lading.wire.message import Request
from tests.fakes.agents import MemoryAgents, presence_of
from tests.fakes.environment_records import MemoryEnvironments
from tests.fakes.jobs import MemoryWakes
from tests.fakes.records import Clock

CANCEL = Cancellation()
PING = Request("GET", "http://docker/_ping")


class World:
    def __init__(self) -> None:
        environments = MemoryEnvironments()
        for name in ("far", "near"):
            environments.add_environment(lambda key, name=name: EnvironmentRow(key, name, ConnectionType.HAWSER_EDGE))  # type: ignore[misc]
        self.clock, self.wakes = Clock(), MemoryWakes()
        self.records = MemoryAgents(environments, self.clock)
        self.hub = RecordedHub(self.records, self.wakes)
        self.records.put_presences([PresenceRow(presence_of(1), "one", "")])


@pytest.fixture
def world() -> World:
    return World()


def test_who_is_there_stands_in_the_rows(world: World) -> None:
    assert world.hub.presence(1) == presence_of(1)
    assert [*world.hub.presences()] == [presence_of(1)]
    assert world.hub.presence(2) is None


def test_a_server_that_says_nothing_any_more_is_gone_with_its_agents(world: World) -> None:
    world.clock.advance(STALE_SECONDS)

    assert world.hub.presence(1) is None
    assert not [*world.hub.presences()]


def test_only_the_server_talks_to_it(world: World) -> None:
    with pytest.raises(AgentAtServer):
        world.hub.transport(1).send(PING, CANCEL)
    with pytest.raises(AgentAway, match="Edge agent not connected"):
        world.hub.transport(2).send(PING, CANCEL)


def test_nobody_is_waited_for(world: World) -> None:
    assert not world.hub.back(1, CANCEL, 90)
    stopped = Cancellation()
    stopped.cancel()
    with pytest.raises(Cancelled):
        world.hub.back(1, stopped, 90)


def test_the_server_is_told_to_look_who_may_stay(world: World) -> None:
    heard: list[str | None] = []
    with world.wakes.listening(heard.append):
        world.hub.dismiss(1, 1008, "Environment removed")

    assert heard == ["agents"]
