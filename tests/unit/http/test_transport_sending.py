"""Bodies on their way out: files sent by the kernel, answers that come early, silence, and cancellation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.wire.message import (
    BytesContent,
    BytesReader,
    ConnectionLost,
    Content,
    Reader,
    ReadFailed,
    Request,
    Stalled,
)
from tests.fakes.reading import FileContent, read_all
from tests.fakes.scripted_server import Asked, Ending, Reply, ScriptedServer

LARGE = 24 * 1024 * 1024
"""More than both sockets' buffers hold."""

Kind = Callable[[Path], Content]


def _file(folder: Path) -> Content:
    path = folder / "content"
    path.write_bytes(bytes(LARGE))
    return FileContent(path)


def _memory(_: Path) -> Content:
    return BytesContent(bytes(LARGE))


both = pytest.mark.parametrize("kind", [_file, _memory], ids=["sent by the kernel", "read and sent"])


@both
@pytest.mark.parametrize(("start", "length"), [(0, None), (7, None), (4096, 1_000_000)])
def test_exactly_the_asked_bytes_go_out(
    transport: HttpTransport, cancel: Cancellation, tmp_path: Path, kind: Kind, start: int, length: int | None
) -> None:
    content = kind(tmp_path)
    counted: list[int] = []
    expected = LARGE - start if length is None else length
    with ScriptedServer(lambda _: Reply(201)) as server:
        request = Request("PUT", server.url("/"), content=content, start=start, length=length)
        assert transport.send(request, cancel, counted.append).status == 201

    assert server.received == sum(counted) == expected
    assert max(counted) <= 1024 * 1024


def test_the_kernel_sends_the_files_own_bytes(transport: HttpTransport, cancel: Cancellation, tmp_path: Path) -> None:
    body = bytes(range(256)) * 5000
    path = tmp_path / "content"
    path.write_bytes(body)
    with ScriptedServer(lambda _: Reply(201)) as server:
        transport.send(Request("PUT", server.url("/"), content=FileContent(path), start=77), cancel)
    assert server.asked[0].body == body[77:]


@both
@pytest.mark.parametrize("status", [401, 413, 507])
@pytest.mark.parametrize("ending", [Ending.FIN, Ending.STALL], ids=["and hangs up", "and reads no further"])
@pytest.mark.parametrize("read", [0, 100_000])
def test_a_refusal_before_the_body_is_read_is_heard(
    transport: HttpTransport,
    cancel: Cancellation,
    tmp_path: Path,
    kind: Kind,
    status: int,
    ending: Ending,
    read: int,
) -> None:
    sent: list[int] = []
    refusal = Reply(status, [("WWW-Authenticate", "Basic")], b"too much", read=read, ending=ending)
    with ScriptedServer(lambda _: refusal) as server:
        request = Request("PUT", server.url("/"), content=kind(tmp_path), stall_seconds=5, answer_seconds=5)
        response = transport.send(request, cancel, sent.append)

        assert (response.status, response.headers["www-authenticate"]) == (status, "Basic")
        assert sum(sent) < LARGE
        assert transport.send(Request("PUT", server.url("/")), cancel).status == status
    assert server.connections == 2  # what is left of the first body must not be taken for a request


@both
def test_an_interim_answer_does_not_stop_the_body(
    transport: HttpTransport, cancel: Cancellation, tmp_path: Path, kind: Kind
) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"

    def answer(asked: Asked) -> Reply:
        if asked.method == "PUT":
            asked.receive(1000)
            asked.interject(interim)
        return Reply(201)

    with ScriptedServer(answer) as server:
        assert transport.send(Request("PUT", server.url("/"), content=kind(tmp_path)), cancel).status == 201
    assert server.received == LARGE


@both
@pytest.mark.parametrize("ending", [Ending.FIN, Ending.RST])
@pytest.mark.parametrize("read", [0, 1, 5_000_000])
def test_hanging_up_inside_a_body_is_a_lost_connection(
    transport: HttpTransport, cancel: Cancellation, tmp_path: Path, kind: Kind, ending: Ending, read: int
) -> None:
    gone = Reply(read=read, silent=True, ending=ending)
    with ScriptedServer(lambda _: gone) as server, pytest.raises(ConnectionLost, match=server.authority):
        transport.send(Request("PUT", server.url("/"), content=kind(tmp_path)), cancel)
    assert len(server.asked) == 1  # never sent twice by the transport


@both
def test_nobody_reading_is_a_stall(transport: HttpTransport, cancel: Cancellation, tmp_path: Path, kind: Kind) -> None:
    with ScriptedServer(lambda _: Reply(read=10, silent=True, ending=Ending.STALL)) as server:
        request = Request("PUT", server.url("/"), content=kind(tmp_path), stall_seconds=0.2)
        with pytest.raises(Stalled, match=r"silent for 0\.2 s"):
            transport.send(request, cancel)


@both
def test_the_wait_for_an_answer_has_its_own_limit(
    transport: HttpTransport, cancel: Cancellation, tmp_path: Path, kind: Kind
) -> None:
    with ScriptedServer(lambda _: Reply(silent=True, ending=Ending.STALL)) as server:
        request = Request("PUT", server.url("/"), content=kind(tmp_path), stall_seconds=60, answer_seconds=0.2)
        with pytest.raises(Stalled, match=r"silent for 0\.2 s"):
            transport.send(request, cancel)


def test_a_file_that_shrank_is_our_fault(transport: HttpTransport, cancel: Cancellation, tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"x" * 1000)
    with ScriptedServer(lambda _: Reply(201)) as server, pytest.raises(ReadFailed, match="1000 bytes early"):
        transport.send(Request("PUT", server.url("/"), content=FileContent(path), length=2000), cancel)


@both
def test_a_cancel_wakes_a_blocked_sender(
    transport: HttpTransport, cancel: Cancellation, tmp_path: Path, kind: Kind
) -> None:
    def answer(asked: Asked) -> Reply:
        asked.receive(10)
        threading.Thread(target=cancel.cancel).start()
        return Reply(silent=True, read=0, ending=Ending.STALL)

    with ScriptedServer(answer) as server, pytest.raises(Cancelled):
        transport.send(Request("PUT", server.url("/"), content=kind(tmp_path)), cancel)


def test_a_cancel_wakes_who_waits_for_an_answer(transport: HttpTransport, cancel: Cancellation) -> None:
    def answer(asked: Asked) -> Reply:
        threading.Thread(target=cancel.cancel).start()
        return Reply(silent=True, ending=Ending.STALL)

    with ScriptedServer(answer) as server, pytest.raises(Cancelled):
        transport.send(Request("GET", server.url("/")), cancel)


def test_a_cancel_wakes_who_reads_a_stream(transport: HttpTransport, cancel: Cancellation) -> None:
    with ScriptedServer(lambda _: Reply(body=bytes(1000), upto=500, ending=Ending.STALL)) as server:
        response = transport.send(Request("GET", server.url("/"), streamed=True), cancel)
        stream = response.stream
        assert stream is not None
        buffer = memoryview(bytearray(500))
        received = 0
        while received < 500:
            received += stream.readinto(buffer[received:])
        threading.Timer(0.05, cancel.cancel).start()
        with pytest.raises(Cancelled):
            stream.readinto(buffer)
        stream.close()


def test_after_a_cancel_nothing_is_asked(transport: HttpTransport, cancel: Cancellation) -> None:
    cancel.cancel()
    with ScriptedServer(lambda _: Reply()) as server, pytest.raises(Cancelled):
        transport.send(Request("GET", server.url("/")), cancel)
    assert server.connections == 0


def test_a_connection_serves_again_and_one_left_half_read_does_not(
    transport: HttpTransport, cancel: Cancellation
) -> None:
    with ScriptedServer(lambda _: Reply(body=bytes(1000))) as server:
        for _ in range(3):
            assert len(read_all(transport.send(Request("GET", server.url("/"), streamed=True), cancel).stream)) == 1000
        assert server.connections == 1

        left = transport.send(Request("GET", server.url("/"), streamed=True), cancel).stream
        assert left is not None
        left.readinto(memoryview(bytearray(10)))
        left.close()
        left.close()
        transport.send(Request("GET", server.url("/")), cancel)
        assert server.connections == 2


def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(
    transport: HttpTransport, cancel: Cancellation
) -> None:
    with ScriptedServer(lambda _: Reply(201)) as server:
        transport.send(Request("POST", server.url("/")), cancel)
        server.hang_up()
        assert transport.send(Request("POST", server.url("/"), content=BytesContent(b"x")), cancel).status == 201
    assert [asked.connection for asked in server.asked] == [1, 2]


class _HangsUpOnce:
    """Keeps the first connection, then closes it on its second request without an answer."""

    def __call__(self, asked: Asked) -> Reply:
        second = asked.connection == 1 and asked.path == "/second"
        return Reply(silent=True, ending=Ending.FIN) if second else Reply()


def test_asking_is_repeated_where_a_kept_connection_dies_unanswered(
    transport: HttpTransport, cancel: Cancellation
) -> None:
    with ScriptedServer(_HangsUpOnce()) as server:
        transport.send(Request("GET", server.url("/first")), cancel)
        assert transport.send(Request("GET", server.url("/second")), cancel).status == 200
    assert [asked.path for asked in server.asked] == ["/first", "/second", "/second"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_changing_is_never_repeated(transport: HttpTransport, cancel: Cancellation, method: str) -> None:
    with ScriptedServer(_HangsUpOnce()) as server:
        transport.send(Request("GET", server.url("/first")), cancel)
        with pytest.raises(ConnectionLost):
            transport.send(Request(method, server.url("/second")), cancel)
    assert len(server.asked) == 2


class _HangsUpFirst:
    """Content whose first opening is the moment at which the server gives up its idle connections."""

    size = 1000

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.opened = 0

    def open(self, offset: int = 0, length: int | None = None) -> Reader:
        self.opened += 1
        if self.opened == 1:
            self.server.hang_up()
        return BytesReader(bytes(self.size))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_a_body_of_which_no_byte_had_moved_is_sent_on_a_fresh_connection(
    transport: HttpTransport, cancel: Cancellation, method: str
) -> None:
    counted: list[int] = []
    with ScriptedServer(lambda _: Reply(201)) as server:
        transport.send(Request("GET", server.url("/first")), cancel)
        content = _HangsUpFirst(server)
        request = Request(method, server.url("/second"), content=content)
        assert transport.send(request, cancel, counted.append).status == 201

    assert sum(counted) == content.size
    assert (content.opened, server.connections) == (2, 2)


def test_many_threads_share_one_transport(transport: HttpTransport, cancel: Cancellation) -> None:
    failures: list[BaseException] = []

    def ask(number: int) -> None:
        body = bytes([number]) * 50_000
        for _ in range(10):
            response = transport.send(Request("PUT", server.url("/"), content=BytesContent(body)), cancel)
            if response.body != body:
                failures.append(AssertionError(number))

    with ScriptedServer(lambda asked: Reply(body=asked.receive())) as server:
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert server.connections <= 8
