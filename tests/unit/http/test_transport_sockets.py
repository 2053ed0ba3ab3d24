"""Unix sockets, bodies of unknown length, PEM from rows, and the addresses that forms may not name."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from lading.backends.http.addresses import resolve_beyond_link
from lading.backends.http.probing import HttpProbe
from lading.backends.http.refusals import CertificateFileUnusable, CertificateUntrusted, LinkAddressRefused
from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.message import BytesReader, ConnectFailed, ConnectionLost, PlainHttpAnswered, ReadFailed, Request
from tests.fakes.certificates import Authority
from tests.fakes.scripted_server import Asked, Reply, ScriptedServer

CANCEL = Cancellation()


class SocketServer:
    """Answers each request on a unix socket with what it was sent."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.heads: list[bytes] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as incoming:
                while head := _head(incoming):
                    self.heads.append(head)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def _head(incoming: BinaryIO) -> bytes:
    """Up to its empty line; empty at the end."""
    whole = b""
    while (line := incoming.readline()) not in {b"", b"\r\n"}:
        whole += line
    return whole


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SocketServer]:
    with closing(SocketServer(tmp_path / "s.sock")) as running:
        yield running


def over(path: str, environment: dict[str, str] | None = None) -> HttpTransport:
    return HttpTransport(lambda host: Endpoint(host, socket=path), environment or {}, "lading/tests")


def test_a_unix_socket_is_asked_like_a_host(server: SocketServer) -> None:
    with closing(over(server.path)) as transport:
        for _ in range(2):
            assert transport.send(Request("GET", "http://docker/_ping"), CANCEL).body == b"ok"

    assert [head.splitlines()[:2] for head in server.heads] == [[b"GET /_ping HTTP/1.1", b"Host: docker"]] * 2


def test_no_proxy_stands_before_a_socket(server: SocketServer) -> None:
    with closing(over(server.path, {"http_proxy": "http://127.0.0.1:1"})) as transport:
        assert transport.send(Request("GET", "http://docker/_ping"), CANCEL).status == 200


@pytest.mark.parametrize("name", ["absent.sock", "a" * 200])
def test_a_socket_where_nobody_listens(tmp_path: Path, name: str) -> None:
    with closing(over(str(tmp_path / name))) as transport, pytest.raises(ConnectFailed) as caught:
        transport.send(Request("GET", "http://docker/_ping"), CANCEL)
    assert name in str(caught.value)


def test_no_url_names_a_socket(server: SocketServer) -> None:
    """Only the endpoint does, so that no registry's answer can send us to the daemon of this machine."""
    with closing(HttpTransport(Endpoint, {}, "lading/tests")) as transport:
        for url in ("http+unix://%2Frun%2Fd.sock/_ping", f"unix://{server.path}"):
            with pytest.raises(Exception, match="neither http nor https"):
                transport.send(Request("GET", url), CANCEL)
    assert server.heads == []


class Pieces:
    """A Reader of unknown length: each piece at a time, then its error or the end."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self._pieces, self._error = list(pieces), error

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._pieces:
            if self._error is not None:
                raise self._error
            return 0
        piece = self._pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Nothing to free."""


def test_a_body_of_unknown_length_goes_out_in_chunks() -> None:
    seen: list[bytes] = []

    def answer(asked: Asked) -> Reply:
        assert asked.headers["transfer-encoding"] == "chunked"
        assert "content-length" not in asked.headers
        seen.append(_chunks(asked))
        return Reply(201)

    counted: list[int] = []
    with ScriptedServer(answer) as scripted, closing(HttpTransport(Endpoint, {}, "lading/tests")) as transport:
        for _ in range(2):
            request = Request("POST", scripted.url("/load"), reader=Pieces(b"ab", b"c" * 70_000))
            assert transport.send(request, CANCEL, counted.append).status == 201

    assert seen == [b"ab" + b"c" * 70_000] * 2
    assert sum(counted) == 2 * 70_002


def test_where_reading_fails_the_body_is_cut() -> None:
    """The last chunk never goes out, so nobody takes a part for the whole."""
    seen: list[bytes] = []

    def answer(asked: Asked) -> Reply:
        seen.append(_chunks(asked))
        return Reply(201)

    with ScriptedServer(answer) as scripted, closing(HttpTransport(Endpoint, {}, "lading/tests")) as transport:
        reader = Pieces(b"ab", error=ReadFailed("the archive", "as planned"))
        with pytest.raises(ReadFailed):
            transport.send(Request("POST", scripted.url("/load"), reader=reader), CANCEL)
    assert seen == []


def _chunks(asked: Asked) -> bytes:
    """Reads a chunked body; raises where it is cut."""
    whole = b""
    while True:
        line = b""
        while not line.endswith(b"\r\n"):
            piece = asked._read(1)
            if not piece:
                raise ConnectionError("cut")
            line += piece
        size = int(line, 16)
        piece = b""
        while len(piece) < size + 2:
            more = asked._read(size + 2 - len(piece))
            if not more:
                raise ConnectionError("cut")
            piece += more
        if size == 0:
            return whole
        whole += piece[:-2]


def test_certificates_may_be_pem_text(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued, client = authority.server("127.0.0.1"), authority.client()

    def answer(_asked: Asked) -> Reply:
        return Reply(200, body=b"ok")

    with ScriptedServer(answer, tls=authority.context(issued, asks=True)) as scripted:
        trusted = Endpoint(
            scripted.authority,
            ca_pem=authority.certificate.read_text(),
            client_certificate_pem=client.certificate.read_text(),
            client_key_pem=client.key.read_text(),
        )
        with closing(HttpTransport(lambda _host: trusted, {}, "lading/tests")) as transport:
            assert transport.send(Request("GET", scripted.url("/")), CANCEL).status == 200
        assert "PRIVATE" not in repr(trusted)
        stranger = Endpoint(scripted.authority, ca_pem=trusted.ca_pem, client_certificate_pem="nonsense")
        strange = HttpTransport(lambda _host: stranger, {}, "lading/tests")
        with closing(strange), pytest.raises(CertificateFileUnusable):
            strange.send(Request("GET", scripted.url("/")), CANCEL)


@pytest.mark.parametrize("ca", ["nonsense", "", "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n", "é"])
def test_a_ca_that_is_none_is_said_so(ca: str) -> None:
    with pytest.raises(CertificateFileUnusable):
        HttpProbe().secure(Endpoint("127.0.0.1", ca_pem=ca or " "), "127.0.0.1", 1, CANCEL)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "::ffff:169.254.169.254",
        "224.0.0.1",
        "2852039166",
    ],
)
def test_metadata_services_are_not_knocked_at(host: str) -> None:
    with pytest.raises(LinkAddressRefused):
        HttpProbe().resolve(host, 80)
    with closing(HttpTransport(Endpoint, {}, "lading/tests", resolve=resolve_beyond_link)) as transport:
        name = f"[{host}]" if ":" in host else host
        with pytest.raises(LinkAddressRefused):
            transport.send(Request("GET", f"http://{name}/latest/meta-data"), CANCEL)


def test_a_probe_tries_each_part_by_itself(tmp_path: Path, server: SocketServer) -> None:
    authority = Authority(tmp_path)
    probe = HttpProbe()
    with ScriptedServer(lambda _asked: Reply(200), tls=authority.context(authority.server("127.0.0.1"))) as scripted:
        port = int(scripted.authority.rpartition(":")[2])
        assert probe.resolve("127.0.0.1", port) == ("127.0.0.1",)
        probe.connect("127.0.0.1", port, CANCEL)
        known = Endpoint("127.0.0.1", ca_pem=authority.certificate.read_text())
        assert probe.secure(known, "127.0.0.1", port, CANCEL).startswith("TLSv1.")
        assert probe.secure(Endpoint("127.0.0.1", Tls.SKIP), "127.0.0.1", port, CANCEL).startswith("TLSv1.")
        with pytest.raises(CertificateUntrusted):
            probe.secure(Endpoint("127.0.0.1"), "127.0.0.1", port, CANCEL)
    with pytest.raises(ConnectFailed):
        probe.connect("127.0.0.1", port, CANCEL)
    with ScriptedServer(lambda _asked: Reply(400)) as plain:
        port = int(plain.authority.rpartition(":")[2])
        with pytest.raises(PlainHttpAnswered):
            probe.secure(Endpoint("127.0.0.1"), "127.0.0.1", port, CANCEL)
    probe.connect_socket(server.path, CANCEL)
    with pytest.raises(ConnectFailed):
        probe.connect_socket(server.path + "x", CANCEL)


def test_a_cancelled_probe_knocks_nowhere(server: SocketServer) -> None:
    cancel = Cancellation()
    cancel.cancel()
    with pytest.raises(Cancelled):
        HttpProbe().connect_socket(server.path, cancel)


def test_a_lost_connection_does_not_repeat_a_body_that_can_be_read_once() -> None:
    def answer(asked: Asked) -> Reply:
        raise ConnectionError("hung up")

    transport = HttpTransport(Endpoint, {}, "lading/tests")
    with ScriptedServer(answer) as scripted, closing(transport), pytest.raises(ConnectionLost):
        transport.send(Request("POST", scripted.url("/load"), reader=BytesReader(b"once")), CANCEL)
    assert scripted.connections == 1
