from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.tunnel_fields import REQUESTS_LIMIT, FrameInvalid
from lading.wire.tunnel_frames import (
    BodyEnd,
    End,
    ErrorFrame,
    Frame,
    Head,
    Hello,
    Ping,
    Pong,
    Received,
    RequestFrame,
    ResponseFrame,
    StreamEnd,
    StreamFrame,
    Unknown,
    Welcome,
    ping,
)
from lading.wire.tunnel_login import LOGIN_LIMIT
from lading.wire.tunnel_text import LARGE, frame_text, read_frame

ID = "0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0"

HELLO = Hello(
    "0.2.14", "1.0", "a-1", "shed", "28.5.1", "shed.lan", frozenset({"exec", "metrics"}), "t" * 43, requests={ID: 7}
)

FRAMES: tuple[Frame, ...] = (
    HELLO,
    Welcome(3, "lading", "1.2", "Connected", frozenset({"lading-streams"}), {ID: 2**40}),
    Welcome(3),
    ErrorFrame("Invalid token", retry_after=30),
    ErrorFrame("no such image", ID, "DOCKER_ERROR"),
    Ping(1_766_000_000),
    Pong(1_766_000_000_123),
    RequestFrame(ID, "POST", "/v1.41/images/create?fromImage=a&tag=1", {"X-Registry-Auth": "e30="}, streaming=True),
    RequestFrame(ID, "POST", "/v1.41/images/load", {}, b"\x00\xff tar", is_binary=True),
    RequestFrame(ID, "POST", "/auth", {}, b'{"username":"ann","n":[1,null]}'),
    RequestFrame(ID, "POST", "/v1.41/images/load", streaming=True, has_body=True),
    ResponseFrame(ID, 200, {"content-type": "application/json"}, b'[{"Id":"\xc3\xa9"}]\n'),
    ResponseFrame(ID, 200, {}, b"\x1f\x8b\x00"),
    ResponseFrame(ID, 200, {}, b"\xff\xfe"),
    StreamFrame(ID, b'{"status":"Pu'),
    StreamEnd(ID, End.COMPLETED),
    StreamEnd(ID, End.CANCELLED),
    StreamEnd(ID, End.FAILED, "the engine hung up", 12),
    Head(ID, 404, {"content-type": "application/json"}),
    Received(ID, 262_144),
    BodyEnd(ID, End.COMPLETED, 9),
    Unknown("metrics"),
)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_what_is_written_reads_the_same(frame: Frame) -> None:
    text = frame_text(frame)

    assert read_frame(text) == frame
    assert text.isascii()
    assert "\n" not in text


def test_a_stock_agents_hello_is_read() -> None:
    text = (
        '{"type":"hello","version":"0.2.14","protocol":"1.0","agentId":"a","agentName":"n\\u0007\\nx","token":"secret",'
        '"dockerVersion":"unknown","hostname":"h","capabilities":["exec","metrics","events","compose"]}'
    )

    hello = read_frame(text)

    assert isinstance(hello, Hello)
    assert (hello.agent_name, hello.token, hello.has_token_hash) == ("n  x", "secret", False)
    assert hello.capabilities == {"exec", "metrics", "events", "compose"}


def test_a_later_agents_hello_tells_that_it_is_one() -> None:
    hello = read_frame(frame_text(Hello("1", "1.0", "", "", "", "", frozenset(), "token", has_token_hash=True)))

    assert isinstance(hello, Hello)
    assert hello.has_token_hash


def test_go_writes_what_is_empty_as_null() -> None:
    assert read_frame('{"type":"hello","capabilities":null,"requests":null,"token":null}') == Hello(
        "", "", "", "", "unknown", "", frozenset()
    )
    assert read_frame(f'{{"type":"response","requestId":"{ID}","statusCode":204,"headers":null}}') == ResponseFrame(
        ID, 204
    )


def test_a_hello_names_no_more_requests_than_may_be_said_before_the_login() -> None:
    many = {f"{ID[:-6]}{number:06}": 2**63 - 1 for number in range(5000)}

    text = frame_text(replace(HELLO, requests=many))
    hello = read_frame(text)

    assert len(text) < LOGIN_LIMIT
    assert isinstance(hello, Hello)
    assert len(hello.requests) == REQUESTS_LIMIT


def test_what_an_agent_says_of_itself_can_be_shown_and_written() -> None:
    odd = "\ud800 \x1b[31m\n\0\u202e"
    said = {"type": "hello", "agentName": odd, "hostname": odd, "version": odd, "capabilities": [odd, 5, "exec"]}

    hello = read_frame(json.dumps(said))

    assert isinstance(hello, Hello)
    for text in (hello.agent_name, hello.hostname, hello.version, *hello.capabilities):
        assert text.isprintable()
    assert "exec" in hello.capabilities


def test_a_token_is_never_shown() -> None:
    assert HELLO.token not in repr(HELLO)
    with pytest.raises(FrameInvalid) as told:
        read_frame(json.dumps({"type": "hello", "token": HELLO.token, "version": 5}))
    assert HELLO.token not in str(told.value)


def test_errors_are_read_from_either_key_and_written_under_both() -> None:
    assert read_frame('{"type":"error","message":"Invalid token"}') == ErrorFrame("Invalid token")
    assert read_frame('{"type":"error","error":"a","message":"b"}') == ErrorFrame("a")
    assert json.loads(frame_text(ErrorFrame("Invalid token"))) == {
        "type": "error",
        "error": "Invalid token",
        "message": "Invalid token",
    }


def test_the_welcome_is_what_agents_of_all_years_look_for() -> None:
    assert json.loads(frame_text(Welcome(7, "lading", "2.0", "Connected"))) == {
        "type": "welcome",
        "environmentId": 7,
        "serverId": "lading",
        "version": "2.0",
        "message": "Connected",
    }


def test_a_request_without_a_body_names_none() -> None:
    assert json.loads(frame_text(RequestFrame(ID, "GET", "/_ping"))) == {
        "type": "request",
        "requestId": ID,
        "method": "GET",
        "path": "/_ping",
        "headers": {},
        "streaming": False,
    }


def test_an_answer_is_text_where_it_can_be() -> None:
    plain = json.loads(frame_text(ResponseFrame(ID, 200, {}, "é\r\n".encode())))
    bell = json.loads(frame_text(ResponseFrame(ID, 200, {}, b"\x07")))

    assert plain["body"] == "é\r\n"
    assert "isBinary" not in plain
    assert (bell["body"], bell["isBinary"]) == ("Bw==", True)


def test_header_names_of_answers_are_lower_case() -> None:
    frame = read_frame('{"type":"head","requestId":"a","statusCode":200,"headers":{"Content-Type":"X"}}')

    assert isinstance(frame, Head)
    assert frame.headers == {"content-type": "X"}


def test_a_reason_that_nobody_knows_is_a_failure_that_says_it() -> None:
    assert read_frame('{"type":"stream_end","requestId":"a","reason":"broken pipe"}') == StreamEnd(
        "a", End.FAILED, "broken pipe"
    )
    assert read_frame('{"type":"stream_end","requestId":"a"}') == StreamEnd("a", End.FAILED)


def test_half_a_character_in_a_body_is_replaced() -> None:
    frame = read_frame('{"type":"response","requestId":"a","statusCode":200,"body":"\\ud800"}')

    assert isinstance(frame, ResponseFrame)
    assert frame.body == b"?"


@pytest.mark.parametrize(
    ("asked", "now", "answer"),
    [(1_766_000_000, 5.25, 5), (0, 5.25, 5), (1_766_000_000_000, 5.25, 5250)],
)
def test_a_ping_is_answered_in_its_own_unit(asked: int, now: float, answer: int) -> None:
    assert Ping(asked).answered(now) == Pong(answer)


def test_our_pings_count_milliseconds() -> None:
    assert ping(1_766_000_000.5) == Ping(1_766_000_000_500)


def test_times_may_be_broken_numbers() -> None:
    assert read_frame('{"type":"ping","timestamp":1766000000.9}') == Ping(1_766_000_000)
    assert read_frame('{"type":"pong"}') == Pong(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ping",
        "[]",
        "null",
        "{}",
        '{"type":5}',
        '{"type":""}',
        "[" * 100_000,
        '{"type":"ping","timestamp":"now"}',
        '{"type":"ping","timestamp":-1}',
        '{"type":"ping","timestamp":true}',
        '{"type":"ping","timestamp":NaN}',
        '{"type":"ping","timestamp":1e400}',
        '{"type":"ping","timestamp":' + "9" * 5000 + "}",
        '{"type":"hello","version":1}',
        '{"type":"hello","token":{}}',
        '{"type":"hello","capabilities":"exec"}',
        '{"type":"hello","requests":[1]}',
        '{"type":"hello","requests":[{"requestId":"a"}]}',
        '{"type":"hello","requests":[{"requestId":"a","received":-1}]}',
        '{"type":"hello","requests":' + json.dumps([{}] * (REQUESTS_LIMIT + 1)) + "}",
        '{"type":"request","requestId":"a","method":"GET"}',
        '{"type":"request","requestId":"a","path":"/"}',
        '{"type":"request","requestId":"a","method":"GET","path":"/","streaming":1}',
        '{"type":"request","requestId":"a","method":"GET","path":"/","body":5,"isBinary":true}',
        '{"type":"response","requestId":"a"}',
        '{"type":"response","requestId":"a","statusCode":0}',
        '{"type":"response","requestId":"a","statusCode":1000}',
        '{"type":"response","requestId":"a","statusCode":"200"}',
        '{"type":"response","requestId":"a","statusCode":200,"headers":[]}',
        '{"type":"response","requestId":"a","statusCode":200,"headers":{"a":1}}',
        '{"type":"response","requestId":"a","statusCode":200,"body":{}}',
        '{"type":"response","requestId":"a","statusCode":200,"body":"=","isBinary":true}',
        '{"type":"stream","requestId":"","data":""}',
        '{"type":"stream","data":""}',
        json.dumps({"type": "stream", "requestId": "a" * 129, "data": ""}),
        '{"type":"head","requestId":"a"}',
        '{"type":"received","requestId":"a"}',
        '{"type":"received","requestId":"a","count":9223372036854775808}',
        '{"type":"received","requestId":"a","count":1.5}',
        '{"type":"received","requestId":"a","count":true}',
        '{"type":"body_end","requestId":"a","reason":"completed"}',
        '{"type":"stream_end","requestId":"a","reason":7}',
    ],
    ids=lambda text: text[:60],
)
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(FrameInvalid):
        read_frame(text)


@pytest.mark.parametrize(
    "data", ["A", "AA", "AA=", "AA==A", "AA==AA==", "A A=", "AAA\n", "_-==", "é", "AAAA=", "AAAA====", "===="]
)
def test_base64_is_read_strictly(data: str) -> None:
    with pytest.raises(FrameInvalid):
        read_frame(json.dumps({"type": "stream", "requestId": "a", "data": data}))


@pytest.mark.parametrize(
    "part",
    ["[],", '"",', '""', "1,", '"a":{},', '{"a":', " "],
)
def test_a_large_frame_of_many_parts_is_refused_before_it_is_read(part: str) -> None:
    text = '{"type":"response","body":[' + part * (LARGE // len(part) + 1)

    with pytest.raises(FrameInvalid, match="too many parts"):
        read_frame(text)


def test_a_large_frame_that_is_no_json_is_refused() -> None:
    with pytest.raises(FrameInvalid, match="not JSON"):
        read_frame('{"type":"response","body":"' + "x" * LARGE)


def test_a_large_answer_is_read() -> None:
    frame = ResponseFrame(ID, 200, {"content-type": "application/json"}, b'[{"Id":"a"}]\n' * (LARGE // 8))

    assert read_frame(frame_text(frame)) == frame


def test_a_body_that_travels_as_json_must_be_some() -> None:
    with pytest.raises(FrameInvalid):
        frame_text(RequestFrame(ID, "POST", "/", body=b"tar"))


@given(st.binary(max_size=200))
def test_every_content_travels_in_a_stream_frame(content: bytes) -> None:
    assert read_frame(frame_text(StreamFrame(ID, content))) == StreamFrame(ID, content)


@given(st.binary(max_size=200))
def test_every_body_travels_in_an_answer(body: bytes) -> None:
    assert read_frame(frame_text(ResponseFrame(ID, 200, {}, body))) == ResponseFrame(ID, 200, {}, body)


_TYPES = st.sampled_from(["hello", "welcome", "error", "ping", "request", "response", "stream", "stream_end", "head"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_NAMES = st.sampled_from(
    ["requestId", "statusCode", "headers", "body", "isBinary", "data", "reason", "requests", "path"]
)


@given(_TYPES, st.dictionaries(_NAMES, _JSON, max_size=6))
def test_whatever_a_stranger_sends_is_a_frame_or_refused(kind: str, members: dict[str, object]) -> None:
    try:
        frame = read_frame(json.dumps({**members, "type": kind}))
    except FrameInvalid:
        return
    frame_text(frame)
