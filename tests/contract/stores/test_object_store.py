"""Our own store over a bucket of a real S3 server keeps the contract."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lading.backends.content_store.objects.content import ObjectContent
from lading.engine.cancel import Cancellation
from lading.engine.embedded import EmbeddedStore
from lading.engine.stores import Outcome
from tests.contract.stores.suite import (
    LAYER,
    ConditionsContract,
    ResumingContract,
    Sha512Contract,
    SourceContract,
    TagsContract,
    TargetContract,
    VerifyingContract,
    descriptor_of,
    push,
    run_together,
)
from tests.fakes.contents import PlannedContent
from tests.fakes.listing import Unlisted
from tests.fakes.records import MemoryImageNames, MemoryLeases
from tests.fakes.tracks import RecordingTrack

pytestmark = pytest.mark.peer("weed")


class TestObjectContent(
    SourceContract,
    TargetContract,
    Sha512Contract,
    ResumingContract,
    VerifyingContract,
    TagsContract,
    ConditionsContract,
):
    @pytest.fixture
    def leases(self) -> MemoryLeases:
        return MemoryLeases()

    @pytest.fixture
    def store(self, bucket: Callable[[MemoryLeases], ObjectContent], leases: MemoryLeases) -> EmbeddedStore:
        return EmbeddedStore(bucket(leases), MemoryImageNames(), Unlisted())

    @pytest.fixture
    def names(self) -> tuple[str, str, str]:
        return "docker.io/library/x:1", "docker.io/library/x:2", "localhost:5000/a/b:1"

    def test_one_of_several_pushers_fetches(self, store: EmbeddedStore) -> None:
        outcomes: list[Outcome] = []
        layer = descriptor_of(LAYER)

        def fetch() -> None:
            outcomes.append(store.push(layer, PlannedContent(LAYER), RecordingTrack(), Cancellation()))

        run_together(8, fetch)

        assert sorted(outcome.value for outcome in outcomes) == ["exists"] * 7 + ["sent"]

    def test_what_was_pushed_or_found_is_leased(self, store: EmbeddedStore, leases: MemoryLeases) -> None:
        layer = descriptor_of(LAYER)
        assert not store.has(layer)
        assert not leases.held()

        push(store, layer, LAYER)
        assert set(leases.held()) == {layer.digest}
