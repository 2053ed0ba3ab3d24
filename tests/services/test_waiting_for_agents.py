"""An agent that is waited for, here or at another server of the database, is waited for as long as was said."""

from __future__ import annotations

from typing import NoReturn, cast

from lading.engine.cancel import Cancellation
from lading.services.hub.shared_hub import LOOK_SECONDS, Elsewhere, Replica, SharedHub
from lading.wire.message import Cancel
from tests.fakes.agents import MemoryAgents
from tests.fakes.environment_records import MemoryEnvironments
from tests.fakes.memory_hub import MemoryHub


def _engine(*_: object) -> NoReturn:
    raise AssertionError("nobody asks it")


class _Coarse(MemoryHub):
    """Its timer is no finer than twice what it is asked to wait for."""

    now = 0.0

    def back(self, environment: int, cancel: Cancel, seconds: float) -> bool:
        self.now += 2 * LOOK_SECONDS
        return super().back(environment, cancel, 0)


def test_looks_that_take_longer_than_they_should_make_the_wait_no_longer() -> None:
    local = _Coarse(_engine, lambda: 1.0)
    records = MemoryAgents(MemoryEnvironments())
    replica = Replica("one", "")
    shared = SharedHub(local, local.attach, records, cast("Elsewhere", None), replica, steady=lambda: local.now)
    try:
        with Cancellation() as cancel:
            assert not shared.back(1, cancel, 90.0)
    finally:
        shared.close()

    assert 90.0 <= local.now <= 90.0 + 2 * LOOK_SECONDS
