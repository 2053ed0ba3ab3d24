"""WebSockets as this room dials them, against the server of another library, and against what is none."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve

from lading.backends.http.refusals import (
    CertificateMismatch,
    CertificateUntrusted,
    ProxyRefused,
    ProxyUnreachable,
    SocketClosed,
    UpgradeRefused,
    UrlInvalid,
)
from lading.backends.http.websocket import LONGEST, MOST_WAITING, ROOM, WebSocket
from lading.backends.http.websocket_dial import WebSocketDialer
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.message import ConnectFailed, ConnectionLost, PlainHttpAnswered
from lading.wire.tunnel_frames import FRAGMENTS_LIMIT
from tests.fakes.certificates import Authority
from tests.fakes.proxy import FakeProxy
from tests.fakes.scripted_server import Reply, ScriptedServer

BOUND = 20.0
"""No test waits so long."""

ANY = Endpoint("")

Handler = Callable[[ServerConnection], None]


@contextmanager
def served(handler: Handler, **options: object) -> Iterator[int]:
    """The port of a server."""
    server = serve(handler, "127.0.0.1", 0, compression=None, max_size=None, **options)  # type: ignore[arg-type]  # its own options, passed on
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()
        thread.join(BOUND)


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


@contextmanager
def opened(
    url: str,
    endpoint: Endpoint = ANY,
    environment: Mapping[str, str] | None = None,
    most_waiting: int = MOST_WAITING,
) -> Iterator[WebSocket]:
    dial = WebSocketDialer(
        url, endpoint, environment or {}, "lading/tests", goodbye_seconds=BOUND, most_waiting=most_waiting
    )
    dialled = dial(Cancellation())
    try:
        yield dialled
    finally:
        dialled.close(1000, "")


def heard(line: WebSocket) -> str | bytes:
    message = line.receive(BOUND)
    assert message is not None
    return message


def test_messages_go_and_come_as_they_are_in_their_order() -> None:
    with served(echo) as port, opened(f"ws://127.0.0.1:{port}/a?b=c") as line:
        sent: list[str | bytes] = ["text", b"\0binary", "é" * 40_000, bytes(3 * 1024 * 1024), "", b""]
        for message in sent:
            line.send(message)
        assert [heard(line) for _ in sent] == sent


def test_the_server_sees_the_path_and_who_we_are() -> None:
    def tell(connection: ServerConnection) -> None:
        assert connection.request is not None
        connection.send(f"{connection.request.path} {connection.request.headers['User-Agent']}")

    with served(tell) as port, opened(f"http://127.0.0.1:{port}/api/hawser/connect?x=1") as line:
        assert heard(line) == "/api/hawser/connect?x=1 lading/tests"


def test_a_message_in_fragments_is_one_message() -> None:
    def fragments(connection: ServerConnection) -> None:
        connection.send(iter(["a", "b", "c"]))
        connection.send(iter([b"1", b"2"]))

    with served(fragments) as port, opened(f"ws://127.0.0.1:{port}") as line:
        assert [heard(line), heard(line)] == ["abc", b"12"]


def test_a_goodbye_is_told_with_its_code_and_reason() -> None:
    def goodbye(connection: ServerConnection) -> None:
        connection.send("last words")
        connection.close(1008, "Invalid token")

    with served(goodbye) as port, opened(f"ws://127.0.0.1:{port}") as line:
        assert heard(line) == "last words"
        with pytest.raises(SocketClosed, match="it was closed with 1008, Invalid token") as told:
            line.receive(BOUND)
        assert told.value.number == 1008


def test_a_connection_that_is_cut_is_lost() -> None:
    def cut(connection: ServerConnection) -> None:
        connection.socket.shutdown(socket.SHUT_RDWR)

    with served(cut) as port, opened(f"ws://127.0.0.1:{port}") as line:
        with pytest.raises(ConnectionLost):
            line.receive(BOUND)
        with pytest.raises(ConnectionLost):
            line.receive(BOUND)


def test_our_goodbye_reaches_the_server_behind_everything_that_was_sent() -> None:
    said: list[object] = []
    ended = threading.Event()

    def hear(connection: ServerConnection) -> None:
        said.extend(len(message) for message in connection)
        said.append((connection.close_code, connection.close_reason))
        ended.set()

    with served(hear) as port:
        with opened(f"ws://127.0.0.1:{port}") as line:
            line.send(bytes(5 * ROOM))
            line.close(1001, "bye")
        assert ended.wait(BOUND)
    assert said == [5 * ROOM, (1001, "bye")]


def test_a_message_longer_than_any_should_be_ends_the_connection() -> None:
    def long(connection: ServerConnection) -> None:
        connection.send(bytes(LONGEST + 1))

    with served(long) as port, opened(f"ws://127.0.0.1:{port}") as line, pytest.raises(ConnectionLost):
        line.receive(BOUND)


def test_a_message_of_fragments_without_end_ends_the_connection() -> None:
    def fragments(connection: ServerConnection) -> None:
        with suppress(OSError):
            connection.socket.sendall(b"\x01\x01a" + b"\x00\x00" * (FRAGMENTS_LIMIT + 1))
            connection.recv()

    with served(fragments) as port, opened(f"ws://127.0.0.1:{port}") as line, pytest.raises(ConnectionLost):
        line.receive(BOUND)


def test_pings_that_come_faster_than_their_answers_are_read_are_not_all_answered() -> None:
    """The server reads nothing until all of them are out, and there is little room on the way."""
    pings, answered = 40_000, 0

    def flood(listener: socket.socket) -> None:
        nonlocal answered
        client, _ = listener.accept()
        with client:
            head = client.recv(65536)
            key = re.search(rb"(?i)sec-websocket-key: (\S+)", head)
            assert key is not None
            accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            upgrade = b"HTTP/1.1 101 On\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            client.sendall(upgrade + accept + b"\r\n\r\n" + (b"\x89\x7d" + bytes(125)) * pings + b"\x81\x03all")
            while piece := client.recv(65536):
                answered += len(piece)

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=flood, args=[listener])
        thread.start()
        dial = WebSocketDialer(f"ws://127.0.0.1:{listener.getsockname()[1]}", ANY, {}, "x", goodbye_seconds=0)
        line = dial(Cancellation())
        assert heard(line) == "all"
        assert line.receive(0) is None
        line.close(1000, "")
        thread.join(BOUND)
    assert 0 < answered < pings * len(b"mask  " + bytes(125))


def test_a_server_that_reads_nothing_of_what_it_has_us_say_is_given_up() -> None:
    over = threading.Event()

    def deaf(_connection: ServerConnection) -> None:
        over.wait(BOUND)

    with served(deaf, max_queue=1) as port:
        with opened(f"ws://127.0.0.1:{port}", most_waiting=16 * 1024 * 1024) as line:
            for _ in range(40):
                line.send(bytes(1024 * 1024))
            with pytest.raises(ConnectionLost, match="does not read"):
                line.receive(BOUND)
        over.set()


def test_a_wake_up_lets_it_return_with_nothing() -> None:
    with served(echo) as port, opened(f"ws://127.0.0.1:{port}") as line:
        threading.Thread(target=line.wake).start()
        assert line.receive(BOUND) is None


def test_who_waits_for_room_goes_on_when_some_is_sent_or_when_cancelled() -> None:
    with served(echo) as port, opened(f"ws://127.0.0.1:{port}") as line:
        line.send(bytes(ROOM + 1))
        cancel, ended = Cancellation(), threading.Event()

        def wait() -> None:
            with pytest.raises(Cancelled):
                line.room(cancel)
            ended.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        cancel.cancel()
        waiting.join(BOUND)
        assert ended.is_set()

        waiting = threading.Thread(target=line.room, args=[Cancellation()])
        waiting.start()
        assert len(heard(line)) == ROOM + 1
        waiting.join(BOUND)


def test_who_waits_for_room_goes_on_when_it_is_over() -> None:
    with served(echo) as port, opened(f"ws://127.0.0.1:{port}") as line:
        line.send(bytes(ROOM + 1))
        waiting = threading.Thread(target=line.room, args=[Cancellation()])
        waiting.start()
        line.drop()
        waiting.join(BOUND)


@pytest.mark.parametrize("status", [200, 301, 401, 404, 421, 502])
def test_what_answers_in_http_alone_is_told_by_its_status(status: int) -> None:
    with ScriptedServer(lambda _asked: Reply(status)) as server, pytest.raises(UpgradeRefused) as refused:
        WebSocketDialer(server.url("/api/hawser/connect"), Endpoint(""), {}, "lading/tests")(Cancellation())
    assert refused.value.status == status
    assert ("public URL" in str(refused.value.hint)) is (status == 421)


def test_an_answer_that_agrees_in_the_wrong_way_opens_nothing() -> None:
    wrong = b"HTTP/1.1 101 On\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                client.sendall(wrong)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(UpgradeRefused) as refused, opened(f"ws://127.0.0.1:{listener.getsockname()[1]}"):
            pass
        thread.join(BOUND)
    assert refused.value.status is None


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dial = WebSocketDialer(f"ws://127.0.0.1:{silent.getsockname()[1]}", Endpoint(""), {}, "x", seconds=0.05)
        with pytest.raises(ConnectFailed, match=r"within 0\.05 s"):
            dial(Cancellation())


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ConnectFailed):
        WebSocketDialer(f"ws://127.0.0.1:{port}", Endpoint(""), {}, "x")(Cancellation())


@pytest.mark.parametrize("url", ["lading.corp", "ftp://lading.corp", "ws://", "ws://a b"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UrlInvalid):
        WebSocketDialer(url, Endpoint(""), {}, "x")(Cancellation())


def test_a_cancelled_dial_is_cancelled() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cancel = Cancellation()
        cancel.cancel()
        with pytest.raises(Cancelled):
            WebSocketDialer(f"ws://127.0.0.1:{silent.getsockname()[1]}", Endpoint(""), {}, "x")(cancel)


# ── TLS


def test_tls_is_checked_as_everywhere_in_this_room(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.context(authority.server("127.0.0.1"))
    with served(echo, ssl=context) as port:
        url = f"wss://127.0.0.1:{port}"
        with opened(url, Endpoint("", ca_file=str(authority.certificate))) as line:
            line.send(bytes(2 * ROOM))
            assert heard(line) == bytes(2 * ROOM)
        with opened(url, Endpoint("", Tls.SKIP)) as line:
            line.send("unchecked")
            assert heard(line) == "unchecked"
        with pytest.raises(CertificateUntrusted), opened(url):
            pass


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with (
        served(echo, ssl=authority.context(authority.server("lading.corp"))) as port,
        pytest.raises(CertificateMismatch),
        opened(f"wss://127.0.0.1:{port}", Endpoint("", ca_file=str(authority.certificate))),
    ):
        pass


def test_a_server_without_tls_is_named_so() -> None:
    with (
        ScriptedServer(lambda _asked: Reply(400)) as server,
        pytest.raises(PlainHttpAnswered),
        opened(f"wss://{server.authority}"),
    ):
        pass


# ── proxies; 0.0.0.0 is an address of this machine that is not taken for this machine


def test_a_proxy_is_asked_for_a_tunnel_also_without_tls() -> None:
    with served(echo) as port, FakeProxy(login="me:secret") as proxy:
        with opened(f"ws://0.0.0.0:{port}", environment={"HTTP_PROXY": proxy.url("me:secret")}) as line:
            line.send("through it")
            assert heard(line) == "through it"
        assert proxy.asked == [f"CONNECT 0.0.0.0:{port} HTTP/1.1"]


def test_tls_goes_through_the_tunnel(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    believed = Endpoint("", ca_file=str(authority.certificate))
    context = authority.context(authority.server("0.0.0.0"))
    with served(echo, ssl=context) as port, FakeProxy() as proxy:
        with opened(f"wss://0.0.0.0:{port}", believed, {"HTTPS_PROXY": proxy.url()}) as line:
            line.send("through it")
            assert heard(line) == "through it"
        assert proxy.asked == [f"CONNECT 0.0.0.0:{port} HTTP/1.1"]


def test_a_proxy_that_refuses_is_named() -> None:
    with FakeProxy(refuses=403) as proxy, pytest.raises(ProxyRefused, match="answered 403"):
        WebSocketDialer("ws://lading.test", Endpoint(""), {"HTTP_PROXY": proxy.url()}, "x")(Cancellation())


def test_a_proxy_that_is_not_there_is_named() -> None:
    with FakeProxy() as proxy:
        gone = proxy.url()
    with pytest.raises(ProxyUnreachable):
        WebSocketDialer("ws://lading.test", Endpoint(""), {"HTTP_PROXY": gone}, "x")(Cancellation())
