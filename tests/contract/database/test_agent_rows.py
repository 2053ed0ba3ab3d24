"""Agents in a database: the suites of their records, and what only several writers and a damaged row show."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import update

from lading.backends.database.agent_rows import DatabaseAgents
from lading.backends.database.agent_tables import agent_presence
from lading.backends.database.service_database import ServiceDatabase
from lading.services.environments.records import EnvironmentRecords
from lading.wire.tunnel_frames import Hello
from tests.contract.agent_records_suite import AgentTokensContract, PresencesContract, edge, row_of, token


@pytest.fixture
def environments(database: ServiceDatabase) -> EnvironmentRecords:
    return database.environments


@pytest.fixture
def agents(database: ServiceDatabase) -> DatabaseAgents:
    return database.agents


class TestDatabaseAgentTokens(AgentTokensContract):
    """In every database."""

    def test_many_at_once_leave_one_active(self, agents: DatabaseAgents, environments: EnvironmentRecords) -> None:
        environment = edge(environments).id
        at_once([threading.Thread(target=token, args=(agents, environment, str(number))) for number in range(8)])

        rows = agents.agent_tokens(environment)
        assert len(rows) == 8
        assert [row.id for row in rows if row.active] == [rows[-1].id]


class TestDatabasePresences(PresencesContract):
    """In every database."""

    def test_a_hello_that_nobody_can_read_is_an_empty_one(
        self, database: ServiceDatabase, agents: DatabaseAgents, environments: EnvironmentRecords
    ) -> None:
        row = row_of(edge(environments).id, "one")
        agents.put_presences([row])
        with database.agents._transactions.writing() as connection:
            connection.execute(update(agent_presence).values(hello={"agent_name": "far", "capabilities": 7}))

        kept = agents.presence(row.presence.environment)
        assert kept is not None
        assert kept.presence.hello == Hello("", "", "", "far", "", "", frozenset())


def at_once(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
