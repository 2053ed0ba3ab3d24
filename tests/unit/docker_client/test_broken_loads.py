"""Loads and imports whose connection breaks: whoever asked is not told that nothing came of it."""

from __future__ import annotations

import pytest

from lading.backends.docker_client.faults import DaemonUnreachable, TransferLost
from lading.services.environments.orders import ImportOrder
from lading.wire.message import BytesReader
from tests.unit.docker_client.played_host import CANCEL, LOST, Attempt, PlayedHost, line

LOADED = line(stream="Loaded image: app:1\n")


@pytest.mark.parametrize("says", [b"", LOADED])
def test_a_load_that_breaks_off_may_have_come_to_its_end(says: bytes) -> None:
    host = PlayedHost([Attempt(says, LOST)])

    with pytest.raises(TransferLost, match="in the middle of the load, and how that ended is not known"):
        host.environment.load(BytesReader(b"archive"), host.events.append, CANCEL)


def test_what_was_loaded_and_cannot_be_looked_at_is_not_told_as_failed() -> None:
    host = PlayedHost([])
    host.attempts.append(Attempt(LOADED, meanwhile=host.leave))

    with pytest.raises(TransferLost, match="in the middle of the load"):
        host.environment.load(BytesReader(b"archive"), host.events.append, CANCEL)


def test_an_import_that_breaks_off_may_have_come_to_its_end() -> None:
    host = PlayedHost([Attempt(b"", LOST)])

    with pytest.raises(TransferLost, match="in the middle of the import"):
        host.environment.import_(BytesReader(b"tree"), ImportOrder(None), host.events.append, CANCEL)


def test_a_host_that_took_nothing_is_one_that_cannot_be_reached() -> None:
    host = PlayedHost([], refuses_all=True)

    with pytest.raises(DaemonUnreachable):
        host.environment.load(BytesReader(b"archive"), host.events.append, CANCEL)
