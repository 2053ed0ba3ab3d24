"""Stock agents: what is asked of them, and what their frames mean."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import pytest

from lading.backends.edge_hub.failures import (
    AgentAnswerTooLong,
    AgentCannot,
    AgentFailed,
    AgentGaveUp,
    AgentGone,
)
from lading.backends.edge_hub.plain import BODY_AT_ONCE
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, NotFound
from lading.services.hub.hub import AgentAway
from lading.wire.message import BODY_LIMIT, BytesContent, BytesReader, Response, Stalled
from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_frames import (
    End,
    ErrorFrame,
    Head,
    Ping,
    Pong,
    RequestFrame,
    ResponseFrame,
    StreamEnd,
    StreamFrame,
    Unknown,
    Welcome,
)
from tests.fakes.edge_bench import ENVIRONMENT, NEWER, STOCK, EdgeBench, read_up_to
from tests.fakes.work import BOUND_SECONDS

PUSH = "/v1.41/images/registry.example.com/a/b/push?tag=1"
LINES = b'{"status":"Preparing","id":"a"}\r\n{"status":"P\xc3\xbcshing","id":"a"}\r\n'


def result(answer: Future[Response]) -> Response:
    return answer.result(BOUND_SECONDS)


def test_a_request_is_asked_and_answered_whole(bench: EdgeBench) -> None:
    link = bench.agent()

    answer = bench.ask("GET", "/v1.41/images/json?all=1", headers={"X-Registry-Auth": "e30="})
    asked = link.next(RequestFrame)
    link.says(ResponseFrame(asked.request_id, 404, {"content-type": "application/json"}, b'{"message":"no"}'))

    assert (asked.method, asked.path, asked.streaming) == ("GET", "/v1.41/images/json?all=1", False)
    assert asked.headers == {"X-Registry-Auth": "e30="}
    assert result(answer) == Response(404, {"content-type": "application/json"}, b'{"message":"no"}')
    assert link.idle


def test_a_stream_has_status_200_where_it_tells_of_progress_and_its_lines_come_whole(bench: EdgeBench) -> None:
    link = bench.agent()

    answer = bench.ask("POST", PUSH, streamed=True)
    asked = link.next(RequestFrame)
    link.streams(asked.request_id, LINES, size=3)
    response = result(answer)
    link.ends(asked.request_id)

    assert (asked.streaming, response.status) == (True, 200)
    assert bench.read(response.stream).result(BOUND_SECONDS) == LINES


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_stream_that_is_one_message_is_a_refusal(bench: EdgeBench, cut: int) -> None:
    said = b'{"message":"No such image: a/b:1 \xc3\xbc"}\n'
    link = bench.agent()

    answer = bench.ask("POST", PUSH, streamed=True)
    asked = link.next(RequestFrame)
    link.streams(asked.request_id, said, size=cut)
    link.ends(asked.request_id)

    assert result(answer) == Response(500, {}, said.strip())
    assert link.idle


def test_an_archive_is_handed_on_as_it_comes(bench: EdgeBench) -> None:
    archive = bytes(range(256)) * 100
    link = bench.agent()

    answer = bench.ask("GET", "/images/get?names=a", streamed=True)
    asked = link.next(RequestFrame)
    link.streams(asked.request_id, archive)
    link.ends(asked.request_id)

    assert bench.read(result(answer).stream).result(BOUND_SECONDS) == archive


def test_a_stream_of_nothing_is_an_empty_answer(bench: EdgeBench) -> None:
    link = bench.agent()

    answer = bench.ask("POST", PUSH, streamed=True)
    link.ends(link.next(RequestFrame).request_id)

    assert bench.read(result(answer).stream).result(BOUND_SECONDS) == b""


@pytest.mark.parametrize(
    "end",
    [ErrorFrame("read failed", "?", "READ_ERROR"), StreamEnd("?", End.FAILED, "EOF"), StreamEnd("?", End.CANCELLED)],
)
def test_any_end_but_completed_is_an_interruption_behind_what_came_before(
    bench: EdgeBench, end: ErrorFrame | StreamEnd
) -> None:
    link = bench.agent()
    answer = bench.ask("POST", PUSH, streamed=True)
    asked = link.next(RequestFrame)
    link.streams(asked.request_id, LINES)
    stream = result(answer).stream
    assert stream is not None

    link.says(replace(end, request_id=asked.request_id))

    assert read_up_to(stream, len(LINES)) == LINES
    with pytest.raises(AgentFailed):
        bench.read(stream).result(BOUND_SECONDS)


def test_events_are_a_stream_before_anything_happens(bench: EdgeBench) -> None:
    link = bench.agent()

    answer = bench.ask("GET", "/v1.41/events?filters=%7B%7D", streamed=True)
    asked = link.next(RequestFrame)
    stream = result(answer).stream
    link.streams(asked.request_id, b'{"message":"no such image: x"}\n')

    with pytest.raises(NotFound, match="no such image"):
        bench.read(stream).result(BOUND_SECONDS)


def test_a_failure_at_the_agent_is_told_in_its_words(bench: EdgeBench) -> None:
    link = bench.agent()

    answer = bench.ask("GET", "/info")
    link.says(ErrorFrame("dial unix /var/run/docker.sock:\nno such file", link.next(RequestFrame).request_id))

    with pytest.raises(AgentFailed, match=r"could not go on: dial unix /var/run/docker.sock: no such file"):
        result(answer)


def test_a_failure_after_thirty_seconds_is_the_agents_own_limit(bench: EdgeBench) -> None:
    link = bench.agent()

    answer = bench.ask("DELETE", "/images/a")
    asked = link.next(RequestFrame)
    bench.passes(30)
    link.next(Ping)
    link.says(ErrorFrame("context deadline exceeded", asked.request_id, "DOCKER_ERROR"))

    with pytest.raises(AgentGaveUp, match="stock agents end every request after 30 s"):
        result(answer)


def test_an_agent_that_never_answers_is_not_waited_for_without_end(bench: EdgeBench) -> None:
    link = bench.agent()

    answer = bench.ask("GET", "/info")
    link.next(RequestFrame)
    bench.waits(answer, link)

    with pytest.raises(Stalled, match="silent for 60 s"):
        result(answer)


def test_without_an_agent_it_is_said_at_once(bench: EdgeBench) -> None:
    with pytest.raises(AgentAway, match=r"^Edge agent not connected$"):
        result(bench.ask("GET", "/_ping"))


def test_an_older_agent_is_sent_no_content(bench: EdgeBench) -> None:
    link = bench.agent(STOCK)

    with pytest.raises(AgentCannot):
        result(bench.ask("POST", "/images/load", reader=BytesReader(b"tar"), streamed=True))
    assert link.idle


def test_a_newer_agent_is_sent_content_in_one_frame(bench: EdgeBench) -> None:
    link, counted = bench.agent(NEWER), list[int]()

    answer = bench.ask("POST", "/images/load", reader=BytesReader(b"\x00tar"), streamed=True, passed=counted.append)
    asked = link.next(RequestFrame)
    link.says(ResponseFrame(asked.request_id, 200, {}, LINES))

    assert (asked.body, asked.is_binary, asked.streaming, counted) == (b"\x00tar", True, False, [4])
    assert bench.read(result(answer).stream).result(BOUND_SECONDS) == LINES


@pytest.mark.parametrize("known", [True, False])
def test_a_newer_agent_is_sent_no_more_than_it_can_carry(bench: EdgeBench, known: bool) -> None:
    link, body = bench.agent(NEWER), b"x" * (BODY_AT_ONCE + 1)

    with pytest.raises(AgentCannot):
        result(
            bench.ask("POST", "/images/load", content=BytesContent(body))
            if known
            else bench.ask("POST", "/images/load", reader=BytesReader(body))
        )
    assert link.idle


def test_content_that_fits_is_sent(bench: EdgeBench) -> None:
    link, body = bench.agent(NEWER), b"x" * BODY_AT_ONCE

    answer = bench.ask("POST", "/images/load", content=BytesContent(body))
    asked = link.next(RequestFrame)
    link.says(ResponseFrame(asked.request_id, 200))

    assert asked.body == body
    assert result(answer).status == 200


def test_an_answer_longer_than_is_held_is_refused(bench: EdgeBench) -> None:
    link = bench.agent()

    answer = bench.ask("GET", "/images/json")
    link.says(ResponseFrame(link.next(RequestFrame).request_id, 200, {}, b" " * (BODY_LIMIT + 1)))

    with pytest.raises(AgentAnswerTooLong):
        result(answer)


def test_a_stream_answered_whole_is_an_answer(bench: EdgeBench) -> None:
    link = bench.agent()

    answer = bench.ask("POST", PUSH, streamed=True)
    link.says(ResponseFrame(link.next(RequestFrame).request_id, 404, {}, b"{}"))

    assert result(answer) == Response(404, {}, b"{}")


@pytest.mark.parametrize("frame", [StreamFrame("?", b"x"), Head("?", 200), StreamEnd("?", End.COMPLETED)])
def test_a_plain_request_answered_by_other_frames_fails_alone(
    bench: EdgeBench, frame: StreamFrame | Head | StreamEnd
) -> None:
    link = bench.agent()
    answer, other = bench.ask("GET", "/info"), bench.ask("GET", "/info")
    first, second = link.next(RequestFrame), link.next(RequestFrame)

    link.says(replace(frame, request_id=first.request_id))
    link.says(ResponseFrame(second.request_id, 200))

    failed, went = sorted((answer, other), key=lambda each: each.exception(BOUND_SECONDS) is None)
    assert isinstance(failed.exception(), FrameInvalid)
    assert result(went).status == 200
    assert link.closed is None


def test_pings_are_answered_in_the_unit_they_were_asked_in(bench: EdgeBench) -> None:
    link = bench.agent()

    link.says(Ping(1_700_000_000), Ping(1_700_000_000_000), Unknown("metrics"), Pong(5), ErrorFrame("what?"))

    assert [link.next(Pong), link.next(Pong)] == [Pong(1_000_000), Pong(1_000_000_000)]
    assert link.idle


def test_a_message_that_cannot_be_read_ends_the_connection(bench: EdgeBench) -> None:
    link = bench.agent()
    answer = bench.ask("GET", "/info")
    asked = link.next(RequestFrame)

    link.line.receive(f'{{"type":"stream","requestId":"{asked.request_id}","data":"no base64!"}}')

    assert link.closed == (1002, "A frame cannot be read")
    assert bench.hub.presence(ENVIRONMENT) is None
    with pytest.raises(AgentGone):
        result(answer)


@pytest.mark.parametrize("message", ["", "[]", "{", '{"type":7}', '{"type":"stream"}', b"", b"x" * 24, b"x" * 200_000])
def test_hostile_messages_do_no_more_than_end_the_connection(bench: EdgeBench, message: str | bytes) -> None:
    link = bench.agent()

    link.line.receive(message)

    assert link.closed == (1002, "A frame cannot be read")


def test_frames_of_requests_that_nobody_made_leave_nothing_behind(bench: EdgeBench) -> None:
    link = bench.agent()

    for number in range(2000):
        link.says(StreamFrame(f"r{number}", b"x"), StreamEnd(f"r{number}", End.COMPLETED), Head(f"h{number}", 200))

    assert (link.idle, link.closed) == (True, None)


def test_a_reader_that_stops_has_the_agent_stop_until_it_says_so(bench: EdgeBench) -> None:
    link = bench.agent()
    answer = bench.ask("GET", "/images/get?names=a", streamed=True)
    asked = link.next(RequestFrame)
    link.streams(asked.request_id, b"archive")
    stream = result(answer).stream
    assert stream is not None

    stream.close()
    assert link.next(StreamEnd) == StreamEnd(asked.request_id, End.CANCELLED)
    bench.passes(1)
    assert link.next(StreamEnd) == StreamEnd(asked.request_id, End.CANCELLED)
    link.says(StreamFrame(asked.request_id, b"late"))
    link.ends(asked.request_id)
    bench.passes(1)

    assert link.idle
    assert stream.readinto(memoryview(bytearray(1))) == 0


def test_a_cancel_is_not_said_for_ever(bench: EdgeBench) -> None:
    link = bench.agent()
    cancel = Cancellation()
    answer = bench.ask("POST", PUSH, streamed=True, cancel=cancel)
    link.next(RequestFrame)

    cancel.cancel()
    with pytest.raises(Cancelled):
        result(answer)
    said = 0
    for _ in range(100):
        bench.passes(1)
        link.says(Pong(0))
        while not link.idle:
            said += isinstance(link.next(object), StreamEnd)  # pings come in between

    assert 59 <= said <= 60


def test_a_cancelled_reader_wakes(bench: EdgeBench) -> None:
    link = bench.agent()
    cancel = Cancellation()
    answer = bench.ask("POST", PUSH, streamed=True, cancel=cancel)
    asked = link.next(RequestFrame)
    link.streams(asked.request_id, LINES)
    reading = bench.read(result(answer).stream)

    cancel.cancel()

    with pytest.raises(Cancelled):
        reading.result(BOUND_SECONDS)
    assert link.next(StreamEnd).request_id == asked.request_id


def test_nobody_is_told_to_stop_what_is_no_stream(bench: EdgeBench) -> None:
    link = bench.agent()
    cancel = Cancellation()
    answer = bench.ask("GET", "/info", cancel=cancel)
    link.next(RequestFrame)

    cancel.cancel()

    with pytest.raises(Cancelled):
        result(answer)
    assert link.idle


def test_the_welcome_says_what_every_agent_looks_for(bench: EdgeBench) -> None:
    welcome = bench.attached(STOCK).next(Welcome)

    assert (welcome.environment, welcome.server, welcome.capabilities) == (ENVIRONMENT, "lading", frozenset())
