"""What the system takes of a short answer without a wait, and what it does not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lading.fronts.http.at_once import send_at_once


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_it_arrives_whole(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    content = bytes(range(256)) * 4  # a zero byte ends nothing

    assert send_at_once(ours, content) == len(content)
    assert theirs.recv(2 * len(content)) == content


def test_a_client_that_takes_nothing_is_not_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    for _ in range(100_000):
        if not send_at_once(ours, bytes(1024)):
            break

    assert send_at_once(ours, bytes(1024)) == 0


def test_a_broken_connection_takes_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()

    assert send_at_once(ours, b"x") == 0


def test_a_closed_connection_takes_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    ours.close()

    assert send_at_once(ours, b"x") == 0
