"""What every AgentTokenRecords and PresenceRecords does. A test class inherits these and gives `agents`, and the
`environments` that the rows belong to."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRecords, EnvironmentRow
from lading.services.hub.records import AgentTokenRecords, AgentTokenRow, PresenceRecords, PresenceRow
from tests.fakes.agents import presence_of

NOW = 1_800_000_000.0
HUGE = 10**30


class AgentRecords(AgentTokenRecords, PresenceRecords, Protocol):
    """Both, as one database has them."""


def edge(environments: EnvironmentRecords, name: str = "far") -> EnvironmentRow:
    return environments.add_environment(
        lambda key: EnvironmentRow(key, name, ConnectionType.HAWSER_EDGE)  # a row's own word
    )


def token(
    agents: AgentTokenRecords,
    environment: int,
    hash: str = "hash",  # noqa: A002  the row's own word
    **others: object,
) -> AgentTokenRow | None:
    return agents.add_agent_token(
        lambda key: replace(AgentTokenRow(key, environment, "token", hash, NOW), **others)  # type: ignore[arg-type]
    )


class AgentTokensContract:
    def test_a_token_comes_back_as_it_was(self, agents: AgentRecords, environments: EnvironmentRecords) -> None:
        made = token(agents, edge(environments).id, "ab", expires=NOW + 5, used=NOW + 1, prefix="Zm9vYmFy")

        assert made is not None
        assert agents.agent_token(made.id) == made
        assert agents.agent_token_of_hash("ab") == made
        assert [*agents.agent_tokens()] == [made]

    def test_what_is_not_there_is_none(self, agents: AgentRecords, environments: EnvironmentRecords) -> None:
        assert agents.agent_token(1) is None
        assert agents.agent_token(HUGE) is None
        assert agents.agent_token_of_hash("\0") is None
        assert token(agents, HUGE) is None
        assert not agents.remove_agent_token(7)
        agents.agent_token_used(7, NOW)
        assert not [*agents.agent_tokens(edge(environments).id)]

    def test_of_an_environment_the_newest_is_active(
        self, agents: AgentRecords, environments: EnvironmentRecords
    ) -> None:
        far, near = edge(environments), edge(environments, "near")
        for environment, hashed in ((far, "1"), (near, "2"), (far, "3")):
            token(agents, environment.id, hashed)

        assert [(row.hash, row.active) for row in agents.agent_tokens()] == [("1", False), ("2", True), ("3", True)]
        assert [row.hash for row in agents.agent_tokens(far.id)] == ["1", "3"]

    def test_no_number_is_given_twice(self, agents: AgentRecords, environments: EnvironmentRecords) -> None:
        environment = edge(environments).id
        first = token(agents, environment, "1")
        assert first is not None
        assert agents.remove_agent_token(first.id)
        second = token(agents, environment, "2")

        assert second is not None
        assert second.id > first.id
        assert agents.agent_token(first.id) is None

    def test_the_latest_use_is_kept(self, agents: AgentRecords, environments: EnvironmentRecords) -> None:
        made = token(agents, edge(environments).id)
        assert made is not None
        for used in (NOW + 2, NOW + 1):
            agents.agent_token_used(made.id, used)

        assert agents.agent_token(made.id) == replace(made, used=NOW + 2)

    def test_old_ones_that_open_nothing_are_dropped(
        self, agents: AgentRecords, environments: EnvironmentRecords
    ) -> None:
        far, near, other = (edge(environments, name) for name in ("far", "near", "other"))
        token(agents, far.id, "replaced long ago", created=NOW - 9)
        token(agents, far.id, "replaced lately", created=NOW + 1)
        token(agents, far.id, "stands", created=NOW - 9)
        token(agents, near.id, "expired long ago", expires=NOW - 1)
        token(agents, other.id, "expires later", expires=NOW + 1)

        assert agents.forget_agent_tokens(NOW) == 2
        assert [row.hash for row in agents.agent_tokens()] == ["replaced lately", "stands", "expires later"]

    def test_they_go_with_their_environment(self, agents: AgentRecords, environments: EnvironmentRecords) -> None:
        far, near = edge(environments), edge(environments, "near")
        made, stays = token(agents, far.id, "1"), token(agents, near.id, "2")
        assert made is not None
        assert environments.remove_environment(far)

        assert agents.agent_token(made.id) is None
        assert agents.agent_token_of_hash("1") is None
        assert [*agents.agent_tokens()] == [stays]


class PresencesContract:
    def test_an_agent_is_known_to_all(self, agents: AgentRecords, environments: EnvironmentRecords) -> None:
        far, near = edge(environments), edge(environments, "near")
        rows = [row_of(each.id, "one") for each in (near, far)]
        assert not agents.put_presences(rows)

        assert agents.presence(near.id) == rows[0]
        assert [*agents.presences()] == [rows[1], rows[0]]
        assert agents.presence(HUGE) is None

    def test_no_token_is_kept(self, agents: AgentRecords, environments: EnvironmentRecords) -> None:
        row = row_of(edge(environments).id, "one")
        shown = replace(row.presence.hello, token="secret", requests={"id": 5})
        agents.put_presences([replace(row, presence=replace(row.presence, hello=shown))])
        kept = agents.presence(row.presence.environment)

        assert kept is not None
        assert (kept.presence.hello.token, kept.presence.hello.agent_name) == ("", "far")

    def test_its_server_tells_of_it_again(self, agents: AgentRecords, environments: EnvironmentRecords) -> None:
        row = row_of(edge(environments).id, "one")
        later = replace(row, presence=replace(row.presence, seen=NOW + 4))
        assert not agents.put_presences([row])
        assert not agents.put_presences([later])
        assert [*agents.presences()] == [later]

    def test_who_connected_last_stands_whatever_the_servers_clocks_say(
        self, agents: AgentRecords, environments: EnvironmentRecords
    ) -> None:
        environment = edge(environments).id
        ahead, behind = row_of(environment, "one", NOW + 3600), row_of(environment, "two", NOW - 3600)
        assert not agents.put_presences([replace(ahead, fresh=True)])
        assert not agents.put_presences([replace(behind, fresh=True)])
        assert [*agents.put_presences([ahead])] == [environment]
        assert agents.presence(environment) == behind

    def test_how_long_a_server_was_silent_is_not_asked_of_its_clock(
        self, agents: AgentRecords, environments: EnvironmentRecords
    ) -> None:
        row = row_of(edge(environments).id, "one")
        assert not agents.put_presences([replace(row, told=NOW - 3600, silent=3600.0)])

        found = agents.presence(row.presence.environment)
        assert found is not None
        assert found.stands
        assert [each.stands for each in agents.presences()] == [True]

    def test_a_server_takes_back_its_own_row_alone(
        self, agents: AgentRecords, environments: EnvironmentRecords
    ) -> None:
        environment = edge(environments).id
        agents.put_presences([row_of(environment, "one")])
        agents.remove_presences([environment], "two")
        agents.remove_presences([HUGE], "one")
        agents.remove_presences([], "one")
        assert agents.presence(environment) is not None
        agents.remove_presences([environment, 99], "one")
        assert agents.presence(environment) is None

    def test_they_go_with_their_environment(self, agents: AgentRecords, environments: EnvironmentRecords) -> None:
        far, near = edge(environments), edge(environments, "near")
        rows = [row_of(each.id, "one") for each in (far, near)]
        agents.put_presences(rows)
        environments.remove_environment(far)

        assert [*agents.presences()] == [rows[1]]
        assert not agents.put_presences(rows)
        assert [*agents.presences()] == [rows[1]]


def row_of(environment: int, process: str, connected: float = NOW) -> PresenceRow:
    return PresenceRow(presence_of(environment, connected), process, "https://server:8000")
