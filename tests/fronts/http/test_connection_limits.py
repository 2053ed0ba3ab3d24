"""How many connections, how long they may be silent, and how a server ends."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

import pytest

from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.certificate import ServerCertificate
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.limits import Limits
from lading.fronts.http.listening import ListenFailed, listen
from tests.fakes.certificates import Authority
from tests.fakes.raw_client import WAIT_SECONDS, RawClient

GET = "GET /x HTTP/1.1\nHost: localhost\n\n"
OK = Answer(200, (("Content-Length", "0"),))
ANY = [("127.0.0.1", 0)]


PUT = "PUT /x HTTP/1.1\nHost: localhost\nContent-Length: 9999\n\n"


def read_all(request: IncomingRequest) -> Answer:
    """Is at work until the body has come."""
    buffer = memoryview(bytearray(9999))
    while request.body.readinto(buffer):
        pass
    return OK


def test_who_comes_while_all_are_at_work_is_told_to_come_again() -> None:
    limits = Limits(connections=3, per_address=2)
    with (
        ByteServer(ANY, read_all, limits) as server,
        RawClient(server.addresses[0]) as first,
        RawClient(server.addresses[0]) as second,
    ):
        for working in (first, second):
            working.send(PUT.replace("\n\n", "\nExpect: 100-continue\n\n"))
            assert working.head().status == 100
        with RawClient(server.addresses[0]) as third:
            reply = third.send(PUT).reply()

        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        assert first.send(b"x" * 9999).reply().status == 200


def test_who_comes_with_tls_is_told_so_in_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.server("127.0.0.1")
    trusting = ssl.create_default_context(cafile=authority.certificate)
    certificate = ServerCertificate(str(issued.certificate), str(issued.key))
    with (
        ByteServer(ANY, read_all, Limits(connections=1), certificate=certificate) as server,
        RawClient(server.addresses[0], trusting) as working,
    ):
        working.send(PUT.replace("\n\n", "\nExpect: 100-continue\n\n"))
        assert working.head().status == 100
        with RawClient(server.addresses[0], trusting) as second:
            reply = second.send(PUT).reply()
        with RawClient(server.addresses[0]) as plain:
            assert plain.send(PUT).reply().status == 400

        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        assert working.send(b"x" * 9999).reply().status == 200


def is_served(client: RawClient) -> bool:
    """Whether a request on this connection is answered with 200; a refusal closes it."""
    try:
        return client.send(GET).reply().status == 200
    except ConnectionError:
        return False


def is_served_soon(server: ByteServer) -> bool:
    """Whether a newcomer is, who comes again when told to: a connection is idle only a moment after its answer."""
    for _ in range(10_000):
        with RawClient(server.addresses[0]) as client:
            if is_served(client):
                return True
    return False


@pytest.mark.parametrize("limits", [Limits(connections=2), Limits(per_address=2)], ids=["in all", "per address"])
def test_who_comes_gets_the_place_of_an_idle_connection(limits: Limits) -> None:
    with ByteServer(ANY, lambda _: OK, limits) as server, ExitStack() as stack:
        kept = [stack.enter_context(RawClient(server.addresses[0])) for _ in range(2)]
        assert [is_served(client) for client in kept] == [True, True]

        assert is_served_soon(server)

        assert not all(is_served(client) for client in kept)


def test_two_hundred_silent_connections_keep_nobody_out() -> None:
    limits = Limits(connections=8, head_seconds=WAIT_SECONDS)
    with ByteServer(ANY, lambda _: OK, limits) as server, ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(RawClient(server.addresses[0]))

        assert is_served_soon(server)


def test_empty_lines_without_end_are_no_head() -> None:
    limits = Limits(head_seconds=0.2, drain_seconds=0.0)
    with (
        ByteServer(ANY, lambda _: OK, limits) as server,
        RawClient(server.addresses[0]) as client,
        pytest.raises(ConnectionError),
    ):
        send_for_ever(client, b"\r\n" * 1000)


def send_for_ever(client: RawClient, piece: bytes) -> None:
    """Until the server has had enough."""
    while True:
        client.send(piece)


def test_a_place_is_free_again_when_its_client_has_gone() -> None:
    with ByteServer(ANY, lambda _: OK, Limits(connections=1)) as server:
        for _ in range(20):
            with RawClient(server.addresses[0]) as client:
                client.send("GET /x HTTP/1.1\nHost: localhost\nConnection: close\n\n")
                assert client.reply().status in {200, 503}
                assert client.at_end()


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"", None), (b"\r\n", None), (b"GET /x HTTP/1.1\r\nHost: loc", 408)],
    ids=["nothing", "an empty line", "half a head"],
)
def test_a_head_has_its_time(sent: bytes, status: int | None) -> None:
    with ByteServer(ANY, lambda _: OK, Limits(head_seconds=0.2)) as server, RawClient(server.addresses[0]) as client:
        client.send(sent)
        if status:
            assert client.reply().status == status

        assert client.at_end()


def test_an_idle_connection_is_closed() -> None:
    with ByteServer(ANY, lambda _: OK, Limits(idle_seconds=0.2)) as server, RawClient(server.addresses[0]) as client:
        assert client.send(GET).reply().status == 200

        assert client.at_end()


class Slow:
    """Answers when a test lets it."""

    def __init__(self) -> None:
        self.begun, self.go_on = Queue[IncomingRequest](), threading.Event()

    def __call__(self, request: IncomingRequest) -> Answer:
        return Answer(200, content=self._stream(request))

    def _stream(self, request: IncomingRequest) -> Iterator[bytes]:
        yield b"begun "
        self.begun.put(request)
        self.go_on.wait(WAIT_SECONDS)
        request.cancel.check()
        yield b"done"


def test_stopping_lets_requests_finish_and_ends_idle_connections() -> None:
    slow = Slow()
    with (
        ByteServer(ANY, slow) as server,
        RawClient(server.addresses[0]) as idle,
        RawClient(server.addresses[0]) as working,
    ):
        address = server.addresses[0]
        working.send(GET)
        slow.begun.get(timeout=WAIT_SECONDS)
        stopping = threading.Thread(target=server.stop, args=[WAIT_SECONDS])
        stopping.start()

        assert idle.at_end()
        with pytest.raises(ConnectionError):
            socket.create_connection(address, WAIT_SECONDS)
        slow.go_on.set()
        reply = working.reply()
        assert (reply.body, reply.whole) == (b"begun done", True)
        stopping.join(WAIT_SECONDS)
        assert not stopping.is_alive()


def test_stopping_cuts_off_what_does_not_finish() -> None:
    slow = Slow()
    with ByteServer(ANY, slow) as server, RawClient(server.addresses[0]) as client:
        client.send(GET)
        request = slow.begun.get(timeout=WAIT_SECONDS)
        with request.cancel.closing(slow.go_on.set):
            server.stop(0.0)

        assert not client.reply().whole


def test_an_address_that_is_taken_is_told() -> None:
    with ByteServer(ANY, lambda _: OK) as server:
        host, port = server.addresses[0]
        with pytest.raises(ListenFailed) as failed, ByteServer([("127.0.0.1", 0), (host, port)], lambda _: OK):
            pass

    assert failed.value.address == (host, port)


def test_the_system_asks_whether_a_silent_client_is_there() -> None:
    """It cannot be waited for in a test: the system is asked."""
    listener = listen(("127.0.0.1", 0))
    try:
        with socket.create_connection(listener.socket.getsockname()):
            listener.socket.setblocking(True)
            accepted, _ = listener.socket.accept()
            with accepted:
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                if sys.platform == "linux":
                    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
    finally:
        listener.close()


def test_several_addresses_are_served() -> None:
    with ByteServer([*ANY, *ANY], lambda _: OK) as server:
        assert len(server.addresses) == 2
        for address in server.addresses:
            with RawClient(address) as client:
                assert client.send(GET).reply().status == 200


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    with ByteServer(ANY, lambda _: OK) as server:
        for _ in range(5):
            with RawClient(server.addresses[0]) as client:
                client.send(GET).reply()

    assert threading.active_count() == before
