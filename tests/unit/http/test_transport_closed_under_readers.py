"""A body that is closed while somebody waits in it for a server that says no more."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, LadingError
from lading.wire.endpoint import Endpoint
from lading.wire.message import Reader, Request

PATIENCE = 10.0
"""Far less than the transport's own."""


@pytest.fixture
def address() -> Iterator[str]:
    """Of a server that answers with half a body."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
                ended.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        ended.set()
        thread.join()


class Reading:
    """A thread that reads to the end."""

    def __init__(self, body: Reader) -> None:
        self._body = body
        self.error: LadingError | None = None
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        buffer = memoryview(bytearray(64))
        try:
            while self._body.readinto(buffer):
                pass
        except LadingError as error:
            self.error = error

    def wait_until_it_waits(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            frame = sys._current_frames().get(self.thread.ident or 0)
            if frame is not None and frame.f_code.co_name == "_poll":
                return
        raise AssertionError("it does not wait")


@pytest.mark.parametrize("order", ["closed", "cancelled", "closed, then cancelled"])
def test_whoever_waits_in_a_body_is_woken_by_its_end(address: str, order: str) -> None:
    """The order matters: a cancel may close the body first, and what would wake the waiting is let go with it."""
    cancel = Cancellation()
    with closing(HttpTransport(Endpoint, {}, "lading/test")) as transport:
        body = transport.send(Request("GET", address, streamed=True), cancel).stream
        assert body is not None
        reading = Reading(body)
        reading.wait_until_it_waits()

        ends: dict[str, Callable[[], None]] = {"closed": body.close, "cancelled": cancel.cancel}
        for end in order.split(", then "):
            ends[end]()
        reading.thread.join(PATIENCE)

        assert not reading.thread.is_alive()
        assert isinstance(reading.error, LadingError)
        assert order != "cancelled" or isinstance(reading.error, Cancelled)
