"""Who started the process is told how it stands, where it asks to be."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.backends.machine.readiness import TRY_SECONDS, supervised, tell_waiting


@pytest.fixture
def told(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(10)
        yield listener


def test_it_is_told_by_one_datagram_each(told: socket.socket) -> None:
    with supervised({"NOTIFY_SOCKET": told.getsockname()}):
        ready = told.recv(100)
    stopping = told.recv(100)

    assert (ready, stopping) == (b"READY=1", b"STOPPING=1")


def test_a_start_that_waits_is_given_time(told: socket.socket) -> None:
    tell_waiting({"NOTIFY_SOCKET": told.getsockname()}, 5)

    lines = told.recv(200).decode().splitlines()
    assert lines[0].startswith("STATUS=")
    assert lines[1] == f"EXTEND_TIMEOUT_USEC={(TRY_SECONDS + 5) * 1_000_000}"


@pytest.mark.skipif(not hasattr(socket, "SO_PASSCRED"), reason="names without a file are Linux's own")
def test_a_name_without_a_file_is_one_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0lading-test-of-readiness")
        listener.settimeout(10)

        with supervised({"NOTIFY_SOCKET": "@lading-test-of-readiness"}):
            assert listener.recv(100) == b"READY=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
def test_where_nobody_asks_nobody_is_told(environment: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    with supervised(environment):
        pass

    assert caplog.records == []


def test_who_is_gone_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), supervised({"NOTIFY_SOCKET": str(tmp_path / "nothing")}):
        pass

    assert "READY=1" in caplog.text
