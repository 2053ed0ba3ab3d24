"""Several servers of one process end side by side: nobody waits for the requests of another first."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from queue import Queue

from lading.fronts.http.byte_server import ByteServer, stop_together
from lading.fronts.http.exchange import Answer, IncomingRequest
from tests.fakes.raw_client import WAIT_SECONDS, RawClient

GET = "GET /x HTTP/1.1\nHost: localhost\n\n"


def closed(address: tuple[str, int]) -> bool:
    """Whether nobody listens there, within the time that a test waits."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(address).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:  # it was let in at the very moment of closing
            continue
    return False


def test_requests_of_two_servers_have_the_same_time_to_end() -> None:
    begun, found = Queue[None](), Queue[bool]()
    addresses: list[tuple[str, int]] = []

    def waits_for(other: int) -> Callable[[IncomingRequest], Answer]:
        def application(_request: IncomingRequest) -> Answer:
            begun.put(None)
            found.put(closed(addresses[other]))
            return Answer(200, (("Content-Length", "0"),))

        return application

    servers = [ByteServer([("127.0.0.1", 0)], waits_for(other)) for other in (1, 0)]
    with servers[0], servers[1]:
        addresses += [server.addresses[0] for server in servers]
        with RawClient(addresses[0]) as one, RawClient(addresses[1]) as two:
            one.send(GET)
            two.send(GET)
            begun.get(timeout=WAIT_SECONDS)
            begun.get(timeout=WAIT_SECONDS)

            stop_together(servers, 2 * WAIT_SECONDS)

            assert (one.reply().status, two.reply().status) == (200, 200)
    assert (found.get(), found.get()) == (True, True)
