from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from lading.errors import StorageFailed
from lading.services.server.serving import PortTaken, listening


class Kept:
    def __init__(self, port: int | None = None) -> None:
        self.port = port

    def read(self) -> int | None:
        return self.port

    def write(self, port: int) -> None:
        self.port = port


class Server:
    def __init__(self, port: int) -> None:
        self.addresses: Sequence[tuple[str, int]] = [("127.0.0.1", port or 49152)]


class Listener:
    """Listens on any port but those that are taken."""

    def __init__(self, *taken: int) -> None:
        self.taken, self.running = taken, 0

    @contextmanager
    def __call__(self, port: int) -> Iterator[Server]:
        if port in self.taken:
            raise StorageFailed(f"{port} is in use")
        self.running += 1
        yield Server(port)
        self.running -= 1


def test_the_first_start_takes_the_next_free_port_and_keeps_it() -> None:
    kept, listener = Kept(), Listener(5000, 5001)

    with listening(listener, None, kept) as server:
        assert server.addresses == [("127.0.0.1", 5002)]
        assert listener.running == 1

    assert kept.port == 5002
    assert listener.running == 0


def test_a_kept_port_that_is_taken_later_is_an_error_and_no_other_is_tried() -> None:
    with pytest.raises(PortTaken) as taken, listening(Listener(5002), None, Kept(5002)):
        pass

    assert taken.value.port == 5002


def test_a_port_asked_for_wins_and_is_not_kept() -> None:
    kept = Kept(5002)

    with listening(Listener(), 0, kept) as server:
        assert server.addresses == [("127.0.0.1", 49152)]

    assert kept.port == 5002
