"""The memory store, which stands in for others in tests of the engine, keeps the contract."""

from __future__ import annotations

import pytest

from tests.contract.stores.suite import (
    ConditionsContract,
    ResumingContract,
    Sha512Contract,
    SourceContract,
    TagsContract,
    TargetContract,
    VerifyingContract,
)
from tests.fakes.memory import MemoryStore


class TestMemory(
    SourceContract,
    TargetContract,
    Sha512Contract,
    ResumingContract,
    VerifyingContract,
    TagsContract,
    ConditionsContract,
):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(verifies=True, complete=False, buffer=1000)

    @pytest.fixture
    def names(self) -> tuple[str, str, str]:
        return "a", "b", "c"
