"""Table A7 of the server trials: 100-continue, early refusals, keep-alive, limits, ambiguous framing."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.certificate import ServerCertificate
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.limits import Limits
from tests.fakes.certificates import Authority
from tests.fakes.certificates import Certificate as Issued
from tests.fakes.raw_client import RawClient

HOST = "Host: localhost\n"


def echo(request: IncomingRequest) -> Answer:
    """Answers with the request's path and body; refuses /refused without reading anything."""
    if request.path == "/refused":
        return Answer(401, (("Content-Length", "0"),))
    if request.path == "/why":
        return Answer(403, (("Content-Length", "0"),), reason="DENIED: nobody signed it")
    if request.path == "/split":
        return Answer(403, (("Content-Length", "0"),), reason="DENIED\r\nSet-Cookie: a=b")
    if request.path == "/empty":
        return Answer(204)
    if request.path == "/both":
        request.body.invite()
        return Answer(200, (), _in_turn(request))
    if request.path == "/range":
        return Answer(416, (("Content-Range", "bytes */5"), ("Content-Length", "0")))
    buffer, body = memoryview(bytearray(1000)), bytearray(request.path[:10].encode() + b" ")
    while count := request.body.readinto(buffer):
        body += buffer[:count]
    return Answer(200, (("Content-Length", str(len(body))),), (bytes(body),))


def _in_turn(request: IncomingRequest) -> Iterator[bytes]:
    """Answers before it has read anything."""
    yield b"first "
    buffer = memoryview(bytearray(1000))
    yield bytes(buffer[: request.body.readinto(buffer)])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["plain", "tls"])
def tls(request: pytest.FixtureRequest, authority: Authority) -> Issued | None:
    """Everything on this page holds in the clear and in TLS."""
    return authority.server("127.0.0.1") if request.param == "tls" else None


@pytest.fixture
def server(tls: Issued | None) -> Iterator[ByteServer]:
    shown = ServerCertificate(str(tls.certificate), str(tls.key)) if tls else None
    with ByteServer([("127.0.0.1", 0)], echo, Limits(drain_seconds=5.0), certificate=shown) as running:
        yield running


@pytest.fixture
def client(server: ByteServer, authority: Authority, tls: Issued | None) -> Iterator[RawClient]:
    trusting = ssl.create_default_context(cafile=authority.certificate) if tls else None
    with RawClient(server.addresses[0], trusting) as connected:
        yield connected


def test_a_client_that_expects_100_gets_it_when_the_body_is_read(client: RawClient) -> None:
    client.send(f"PUT /x HTTP/1.1\n{HOST}Content-Length: 5\nExpect: 100-continue\n\n")
    assert client.head().status == 100

    assert client.send(b"hello").reply().body == b"/x hello"


def test_an_answer_is_not_broken_by_the_100_for_a_body_that_is_read_meanwhile(client: RawClient) -> None:
    client.send(f"PUT /both HTTP/1.1\n{HOST}Content-Length: 5\nExpect: 100-continue\n\n")
    assert client.head().status == 100
    client.send("12345")

    assert client.reply().body == b"first 12345"


def test_an_answer_may_say_why_in_its_status_line_and_nothing_else(client: RawClient) -> None:
    told = client.send(f"HEAD /why HTTP/1.1\n{HOST}\n").reply("HEAD")
    plain = client.send(f"HEAD /empty HTTP/1.1\n{HOST}\n").reply("HEAD")
    split = client.send(f"HEAD /split HTTP/1.1\n{HOST}\n").reply("HEAD")

    assert (told.status, told.reason) == (403, "DENIED: nobody signed it")
    assert (plain.status, plain.reason) == (204, "No Content")
    assert (split.status, "set-cookie" in split.headers) == (500, False)


def test_a_client_that_expects_100_is_refused_at_once(client: RawClient) -> None:
    client.send(f"PUT /refused HTTP/1.1\n{HOST}Content-Length: 5000000\nExpect: 100-continue\n\n")

    reply = client.reply()

    assert reply.status == 401
    assert reply.headers["connection"] == "close"
    assert client.at_end()


def test_a_client_that_sends_without_asking_can_read_its_refusal(client: RawClient) -> None:
    client.send(f"PUT /refused HTTP/1.1\n{HOST}Content-Length: 5000000\n\n", b"x" * 5_000_000)

    assert client.reply().status == 401
    assert client.at_end()


def test_connections_are_kept_and_requests_may_be_pipelined(client: RawClient) -> None:
    client.send(f"PUT /a HTTP/1.1\n{HOST}Content-Length: 3\n\n", b"one")
    assert client.reply().body == b"/a one"

    client.send(
        f"PUT /b HTTP/1.1\n{HOST}Transfer-Encoding: chunked\n\n",
        b"3\r\ntwo\r\n0\r\n\r\n",
        f"GET /c HTTP/1.1\n{HOST}\n",
        f"HEAD /d HTTP/1.1\n{HOST}\n",
        f"\n\nGET /e HTTP/1.1\n{HOST}\n",
    )

    assert client.reply().body == b"/b two"
    assert client.reply().body == b"/c "
    head = client.reply("HEAD")
    assert (head.headers["content-length"], head.body) == ("3", b"")
    assert client.reply().body == b"/e "


def test_http_1_0_is_answered_and_closed(client: RawClient) -> None:
    reply = client.send("GET /old HTTP/1.0\n\n").reply()

    assert (reply.body, reply.headers["connection"]) == (b"/old ", "close")
    assert client.at_end()


def test_connection_close_is_obeyed(client: RawClient) -> None:
    assert client.send(f"GET /x HTTP/1.1\n{HOST}Connection: close\n\n").reply().status == 200
    assert client.at_end()


def test_answers_without_a_body_leave_the_connection_usable(client: RawClient) -> None:
    assert client.send(f"GET /empty HTTP/1.1\n{HOST}\n").reply().status == 204
    reply = client.send(f"GET /range HTTP/1.1\n{HOST}\n").reply()
    assert (reply.status, reply.headers["content-range"]) == (416, "bytes */5")
    assert client.send(f"GET /x HTTP/1.1\n{HOST}\n").reply().status == 200


@pytest.mark.parametrize(
    ("target", "field", "lines", "status"),
    [
        (8_000, 0, 0, 200),
        (60_000, 0, 0, 200),
        (70_000, 0, 0, 414),
        (600_000, 0, 0, 414),
        (10, 32_000, 0, 200),
        (10, 300_000, 0, 431),
        (10, 600_000, 0, 431),
        (10, 0, 120, 200),
        (62_000, 0, 0, 414),
    ],
)
def test_heads_are_bounded(client: RawClient, target: int, field: int, lines: int, status: int) -> None:
    client.send(f"GET /{'u' * target} HTTP/1.1\n{HOST}")
    client.send(f"X-Long: {'f' * field}\n" + "".join(f"X-{number}: y\n" for number in range(lines)) + "\n")

    assert client.reply().status == status


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length: 5\nContent-Length: 5\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length: 5\nTransfer-Encoding: chunked\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Transfer-Encoding: chunked\nContent-Length: 5\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length : 5\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length: +5\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length: -1\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length: 0x5\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length: 5, 5\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length: 5 5\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length:\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length: {'9' * 19}\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Transfer-Encoding: chunked, identity\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Transfer-Encoding:\n\n", 400),
        ("PUT /x HTTP/1.0\nTransfer-Encoding: chunked\n\n", 400),
        (f"GET /x HTTP/1.1\n{HOST}X: a\n folded\n\n", 400),
        (b"GET /x HTTP/1.1\nHost: localhost\n\r\n\r\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Transfer-Encoding: gzip\n\n", 400),
        ("GET /x HTTP/1.1\n\n", 400),
        (f"GET /x HTTP/1.1\n{HOST}{HOST}\n", 400),
        (f"GET /x HTTP/2.0\n{HOST}\n", 505),
        (f"PUT /x HTTP/1.1\n{HOST}Expect: miracles\n\n", 417),
        (f"CONNECT other:443 HTTP/1.1\n{HOST}\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
def test_what_could_be_taken_in_two_ways_is_refused(client: RawClient, head: str | bytes, status: int) -> None:
    assert client.send(head).reply().status == status
    assert client.at_end()


SMUGGLED = f"GET /smuggled HTTP/1.1\n{HOST}\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"PUT /x HTTP/1.1\n{HOST}Content-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Transfer-Encoding: chunked\n\n+0\n\n", 400),
        (f"PUT /x HTTP/1.1\n{HOST}Transfer-Encoding: chunked\n\n3\nlonger\n0\n\n", 400),
        (f"PUT /refused HTTP/1.1\n{HOST}Content-Length: {len(SMUGGLED) + 3}\n\n", 401),
        (f"HEAD /refused HTTP/1.1\n{HOST}Content-Length: {len(SMUGGLED) + 3}\n\n", 401),
        (f"GET /empty HTTP/1.1\n{HOST}Transfer-Encoding: chunked\n\n40\n", 204),
        (f"FOO /x HTTP/1.1\n{HOST}\n", 400),
    ],
    ids=["two framings", "a chunk that is none", "a chunk too long", "unread", "HEAD", "unread chunks", "no method"],
)
def test_nothing_that_follows_a_doubtful_request_is_answered(client: RawClient, sent: str, status: int) -> None:
    method = "HEAD" if sent.startswith("HEAD") else "GET"

    assert client.send(sent, SMUGGLED).reply(method).status == status
    assert client.at_end()


def test_who_speaks_tls_need_not_wait(client: RawClient) -> None:
    """The first bytes of a handshake, which has no end of a head."""
    assert client.send(b"\x16\x03\x01\x02\x00\x01\x00").reply().status == 400
    assert client.at_end()


def test_an_offer_to_upgrade_is_passed_over(client: RawClient) -> None:
    client.send(f"GET /x HTTP/1.1\n{HOST}Connection: Upgrade\nUpgrade: h2c\n\n")

    assert client.reply().body == b"/x "


def test_a_whole_url_is_taken_as_its_path(client: RawClient) -> None:
    assert client.send(f"GET http://other/x HTTP/1.1\n{HOST}\n").reply().body == b"/x "


def test_a_header_that_would_break_out_of_its_line_is_never_sent() -> None:
    answer = Answer(200, (("X-Name", "a\r\nSet-Cookie: b"), ("Content-Length", "0")))
    with ByteServer([("127.0.0.1", 0)], lambda _: answer) as server, RawClient(server.addresses[0]) as client:
        reply = client.send(f"GET /x HTTP/1.1\n{HOST}\n").reply()

    assert reply.status == 500
    assert "set-cookie" not in reply.headers
