"""The rows in memory, which stand in for the database's in tests of agents, keep the contract."""

from __future__ import annotations

import pytest

from lading.services.environments.records import EnvironmentRecords
from tests.contract.agent_records_suite import AgentTokensContract, PresencesContract
from tests.fakes.agents import MemoryAgents
from tests.fakes.environment_records import MemoryEnvironments


@pytest.fixture
def environments() -> EnvironmentRecords:
    return MemoryEnvironments()


@pytest.fixture
def agents(environments: EnvironmentRecords) -> MemoryAgents:
    return MemoryAgents(environments)


class TestMemoryAgentTokens(AgentTokensContract):
    """In memory."""


class TestMemoryPresences(PresencesContract):
    """In memory."""
