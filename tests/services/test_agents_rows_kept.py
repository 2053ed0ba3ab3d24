"""The rows of who is connected are kept whatever went wrong once."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from typing import NoReturn, cast

import pytest

from lading.services.hub.records import PresenceRow
from lading.services.hub.shared_hub import Elsewhere, Replica, SharedHub
from tests.fakes.agents import MemoryAgents
from tests.fakes.environment_records import MemoryEnvironments
from tests.fakes.memory_hub import HELLO, Link, MemoryHub
from tests.fakes.work import BOUND_SECONDS


class _FailsOnce(MemoryAgents):
    """With an error that nobody foresaw."""

    def __init__(self) -> None:
        super().__init__(MemoryEnvironments())
        self.failed = False
        self.written = threading.Event()

    def put_presences(self, rows: Sequence[PresenceRow]) -> Collection[int]:
        if not self.failed:
            self.failed = True
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
        self.written.set()
        return super().put_presences(rows)


def test_an_error_that_nobody_foresaw_ends_no_other_agent_s_presence(caplog: pytest.LogCaptureFixture) -> None:
    def engine(*_: object) -> NoReturn:
        raise AssertionError("nobody asks it")

    records, local = _FailsOnce(), MemoryHub(engine, lambda: 1.0)
    replica = Replica("one", "")
    nobody = cast("Elsewhere", None)
    shared = SharedHub(local, local.attach, records, nobody, replica, steady=lambda: 1.0, told_seconds=0.001)
    try:
        shared(1, HELLO, "192.0.2.7", Link())
        assert records.written.wait(BOUND_SECONDS)
    finally:
        shared.close()
    assert "cannot be written down now" in caplog.text
