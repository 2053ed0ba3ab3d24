"""A repository of a registry keeps the contract: over a played transport, without a network."""

from __future__ import annotations

import pytest

from lading.backends.registry_client.repository import RegistryRepository
from tests.contract.stores.suite import (
    ConditionsContract,
    Sha512Contract,
    SourceContract,
    TagsContract,
    TargetContract,
)
from tests.fakes.registry_client import Bench


class TestRegistryRepository(SourceContract, TargetContract, Sha512Contract, TagsContract, ConditionsContract):
    @pytest.fixture
    def store(self) -> RegistryRepository:
        return Bench().repository("team/app")

    @pytest.fixture
    def names(self) -> tuple[str, str, str]:
        return "1", "2", "latest"
