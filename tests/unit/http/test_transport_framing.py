"""One exchange as bytes: what goes out, what comes back, and when a body is whole."""

from __future__ import annotations

import pytest

from lading.backends.http.refusals import AnswerMalformed, AnswerTooLong, UrlInvalid
from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.errors import LadingError, NetworkFailed, ProtocolBroken
from lading.wire.message import BODY_LIMIT, BytesContent, ConnectFailed, ConnectionLost, Request, Stalled
from tests.fakes.reading import read_all
from tests.fakes.scripted_server import Ending, Reply, ScriptedServer

BODY = bytes(range(256)) * 40  # 10,240 bytes


def test_a_request_says_what_it_was_told_and_asks_for_bytes_as_they_are(
    transport: HttpTransport, cancel: Cancellation
) -> None:
    with ScriptedServer(lambda _: Reply()) as server:
        transport.send(Request("GET", server.url("/v2/a?n=1"), {"Accept": "x/y"}), cancel)

    asked = server.asked[0]
    assert (asked.method, asked.target) == ("GET", "/v2/a?n=1")
    assert asked.headers == {
        "host": server.authority,
        "user-agent": "lading/test",
        "accept-encoding": "identity",
        "accept": "x/y",
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_request_that_could_have_a_body_says_that_it_has_none(
    transport: HttpTransport, cancel: Cancellation, method: str
) -> None:
    with ScriptedServer(lambda _: Reply(202)) as server:
        transport.send(Request(method, server.url("/")), cancel)

    assert server.asked[0].headers["content-length"] == "0"


def test_a_body_is_the_asked_part_of_its_content(transport: HttpTransport, cancel: Cancellation) -> None:
    counted: list[int] = []
    content = BytesContent(BODY)
    with ScriptedServer(lambda _: Reply(202)) as server:
        transport.send(Request("PATCH", server.url("/"), content=content, start=100, length=50), cancel)
        transport.send(Request("PUT", server.url("/"), content=content), cancel, counted.append)

    assert [asked.body for asked in server.asked] == [BODY[100:150], BODY]
    assert sum(counted) == len(BODY)


def test_repeated_header_fields_are_joined_and_names_are_lower_case(
    transport: HttpTransport, cancel: Cancellation
) -> None:
    fields = [("WWW-Authenticate", 'Bearer realm="a"'), ("www-authenticate", "Basic"), ("Link", "<b>;\r\n rel=next")]
    with ScriptedServer(lambda _: Reply(401, fields, b"no")) as server:
        response = transport.send(Request("GET", server.url("/")), cancel)

    assert response.status == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="a", Basic'
    assert response.headers["link"] == "<b>; rel=next"
    assert response.body == b"no"


@pytest.mark.parametrize("status", [301, 307, 404, 429, 500, 503])
def test_nothing_is_followed_or_repeated(transport: HttpTransport, cancel: Cancellation, status: int) -> None:
    with ScriptedServer(lambda _: Reply(status, [("Location", "/elsewhere"), ("Retry-After", "0")])) as server:
        assert transport.send(Request("GET", server.url("/")), cancel).status == status

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (Reply(body=BODY), BODY),
        (Reply(body=BODY, chunked=True), BODY),
        (Reply(body=BODY, declared=-1, ending=Ending.FIN), BODY),
        (Reply(body=BODY, pieces=999), BODY),
        (Reply(204), b""),
        (Reply(body=b""), b""),
        (Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\n" + Reply().head()), b""),
    ],
    ids=["length", "chunked", "until the end", "in pieces", "204", "empty", "interim answers first"],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_body_is_read_to_its_end_however_it_is_framed(
    transport: HttpTransport, cancel: Cancellation, reply: Reply, body: bytes, streamed: bool
) -> None:
    with ScriptedServer(lambda _: reply) as server:
        response = transport.send(Request("GET", server.url("/"), streamed=streamed), cancel)
        assert (read_all(response.stream) if streamed else response.body) == body


def test_a_head_request_has_no_body_whatever_length_is_announced(
    transport: HttpTransport, cancel: Cancellation
) -> None:
    with ScriptedServer(lambda _: Reply(body=BODY)) as server:
        response = transport.send(Request("HEAD", server.url("/")), cancel)
        transport.send(Request("HEAD", server.url("/")), cancel)

    assert response.headers["content-length"] == str(len(BODY))
    assert server.connections == 1


def test_only_a_body_that_went_well_is_left_open(transport: HttpTransport, cancel: Cancellation) -> None:
    with ScriptedServer(lambda _: Reply(404, body=b"gone")) as server:
        response = transport.send(Request("GET", server.url("/"), streamed=True), cancel)

    assert (response.stream, response.body) == (None, b"gone")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(silent=True, ending=Ending.FIN), ConnectionLost),
        (Reply(silent=True, ending=Ending.RST), ConnectionLost),
        (Reply(body=BODY, upto=0, ending=Ending.FIN), ConnectionLost),
        (Reply(body=BODY, upto=1, ending=Ending.FIN), ConnectionLost),
        (Reply(body=BODY, upto=1, ending=Ending.RST), ConnectionLost),
        (Reply(body=BODY, upto=len(BODY) - 1, ending=Ending.FIN), ConnectionLost),
        (Reply(body=BODY, declared=len(BODY) + 1, ending=Ending.FIN), ConnectionLost),
        (Reply(body=BODY, chunked=True, upto=3, ending=Ending.FIN), ConnectionLost),
        (Reply(body=BODY, chunked=True, upto=1500, ending=Ending.FIN), ConnectionLost),
        (Reply(body=BODY, chunked=True, upto=1007, ending=Ending.RST), ConnectionLost),
        (Reply(body=b"x" * 1000, chunked=True, upto=1009, ending=Ending.FIN), ConnectionLost),
        (Reply(body=b"x" * 1000, chunked=True, upto=1011, ending=Ending.FIN), ConnectionLost),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Le", ending=Ending.FIN), ConnectionLost),
        (Reply(raw=b"HTT", ending=Ending.FIN), ConnectionLost),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", ending=Ending.FIN), ConnectionLost),
        (Reply(raw=b"SSH-2.0-OpenSSH\r\n\r\n"), AnswerMalformed),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n"), AnswerMalformed),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), AnswerMalformed),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), AnswerMalformed),
        (Reply(raw=b"HTTP/1.1 103 Early\r\n\r\n" * 40), AnswerMalformed),
        (Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"), AnswerMalformed),
        (Reply(silent=True, ending=Ending.STALL), Stalled),
        (Reply(body=BODY, upto=5000, ending=Ending.STALL), Stalled),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nContent", ending=Ending.STALL), Stalled),
        (Reply(body=b"x", declared=BODY_LIMIT + 1, ending=Ending.FIN), AnswerTooLong),
        (Reply(body=b"x" * (BODY_LIMIT + 1), chunked=True), AnswerTooLong),
        (Reply(body=b"x" * (BODY_LIMIT + 1), declared=-1, ending=Ending.FIN), AnswerTooLong),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_broken_answer_is_never_taken_for_a_whole_one(
    transport: HttpTransport, cancel: Cancellation, reply: Reply, error: type[LadingError], streamed: bool
) -> None:
    if streamed and error is AnswerTooLong:
        return  # a stream may be of any length
    patience = 0.2 if error is Stalled else 60.0
    with ScriptedServer(lambda _: reply) as server:
        request = Request("GET", server.url("/"), streamed=streamed, stall_seconds=patience, answer_seconds=patience)
        with pytest.raises(error) as caught:
            read_all(transport.send(request, cancel).stream)

    assert server.authority in str(caught.value)
    assert isinstance(caught.value, NetworkFailed | ProtocolBroken)


def test_a_slow_answer_is_waited_for_while_something_comes(transport: HttpTransport, cancel: Cancellation) -> None:
    with ScriptedServer(lambda _: Reply(body=BODY, pieces=1024, pause=0.02)) as server:
        response = transport.send(Request("GET", server.url("/"), streamed=True, stall_seconds=5), cancel)
        assert read_all(response.stream) == BODY


def test_bytes_after_the_answer_are_not_taken_for_the_next_one(transport: HttpTransport, cancel: Cancellation) -> None:
    with ScriptedServer(lambda asked: Reply(body=BODY, declared=10)) as server:
        for _ in range(2):
            assert transport.send(Request("GET", server.url("/")), cancel).body == BODY[:10]

    assert server.connections == 2


def test_nobody_listening_is_named(transport: HttpTransport, cancel: Cancellation) -> None:
    with ScriptedServer(lambda _: Reply()) as server:
        url = server.url("/v2/")
    with pytest.raises(ConnectFailed, match=f"cannot connect to {server.authority}: connection refused"):
        transport.send(Request("GET", url), cancel)


def test_a_name_without_address_is_named(transport: HttpTransport, cancel: Cancellation) -> None:
    with pytest.raises(ConnectFailed, match=r"nowhere\.invalid: its name does not resolve"):
        transport.send(Request("GET", "http://nowhere.invalid/v2/"), cancel)


@pytest.mark.parametrize(
    "url", ["ftp://host/", "http:///x", "http://h:99999/", "http://h/a b", "http://h/\r\nX: y", "http://[::1/", "x"]
)
def test_text_that_is_no_url_is_refused_without_repeating_it(
    transport: HttpTransport, cancel: Cancellation, url: str
) -> None:
    with pytest.raises(UrlInvalid) as caught:
        transport.send(Request("GET", url), cancel)
    assert url not in str(caught.value)


def test_a_header_cannot_smuggle_another(transport: HttpTransport, cancel: Cancellation) -> None:
    with ScriptedServer(lambda _: Reply()) as server, pytest.raises(UrlInvalid):
        transport.send(Request("GET", server.url("/"), {"Accept": "a\r\nX-Evil: b"}), cancel)
    assert server.asked == []


def test_a_login_in_a_url_is_not_sent_and_not_repeated(transport: HttpTransport, cancel: Cancellation) -> None:
    gone = Reply(silent=True, ending=Ending.FIN)
    with ScriptedServer(lambda _: gone) as server, pytest.raises(ConnectionLost) as caught:
        transport.send(Request("GET", f"http://me:hunter2@{server.authority}/"), cancel)

    assert "hunter2" not in repr(caught.value)
    assert "authorization" not in server.asked[0].headers


def test_an_ipv6_address_is_reached(transport: HttpTransport, cancel: Cancellation) -> None:
    with ScriptedServer(lambda _: Reply(body=b"six"), host="::1") as server:
        assert transport.send(Request("GET", server.url("/")), cancel).body == b"six"
    assert server.asked[0].headers["host"] == server.authority
