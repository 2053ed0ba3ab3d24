"""The command line beside a server: what it does to an agent's token, the server's socket feels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.service_folder import ServiceFolder
from tests.fakes.websocket_client import Closed
from tests.fronts.rest_api.caller import House, until
from tests.fronts.rest_api.test_agent_routes import agent, edge


@pytest.fixture
def lading(house: House) -> ServiceFolder:
    """The data folder of the server that runs."""
    return ServiceFolder(Path(house.running.folder))


def test_a_token_of_the_command_line_lets_an_agent_in_and_takes_it_out(house: House, lading: ServiceFolder) -> None:
    edge(house, "by hand")
    with agent(house, lading("environment", "token", "by hand", "-q").out.strip()) as client:
        until(lambda: seen(lading, "by hand")["connected"] is True, "the command line sees the agent")
        assert lading("environment", "test", "by hand").out.startswith("ok    agent    rack 3 0.2.14, Docker 28.0.4")
        lading("environment", "token", "by hand", "--revoke")
        assert client.ended() == Closed(1008, "Token revoked")


def test_a_new_token_of_the_command_line_ends_the_one_before(house: House, lading: ServiceFolder) -> None:
    edge(house, "again")
    with agent(house, lading("environment", "token", "again", "-q").out.strip()) as client:
        lading("environment", "token", "again")
        assert client.ended() == Closed(1000, "Token regenerated")


def test_an_environment_removed_by_the_command_line_takes_its_agent_along(house: House, lading: ServiceFolder) -> None:
    edge(house, "gone")
    with agent(house, lading("environment", "token", "gone", "-q").out.strip()) as client:
        lading("environment", "rm", "gone")
        assert client.ended() == Closed(1008, "Token revoked")


def seen(lading: ServiceFolder, environment: str) -> dict[str, object]:
    """What `lading environment agents` says of it."""
    (told,) = (each for each in lading.json("environment", "agents") if each["environment"] == environment)
    return dict(told)
