"""Agents that speak LADING_STREAMS: true statuses, bodies both ways, flow control, and going on over any socket."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lading.backends.edge_hub.failures import AgentAnswerTooLong, AgentFailed, AgentGone, AgentTooSlow
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.wire.message import BODY_LIMIT, BytesContent, BytesReader, Reader, ReadFailed, Response, Stalled
from lading.wire.tunnel_fields import FrameInvalid
from lading.wire.tunnel_flow import WINDOW, Inflow, Outflow
from lading.wire.tunnel_frames import (
    LADING_STREAMS,
    BodyEnd,
    End,
    ErrorFrame,
    Frame,
    Head,
    Received,
    RequestFrame,
    StreamEnd,
    StreamFrame,
    Welcome,
)
from lading.wire.tunnel_pieces import PIECE_LIMIT, BodyPiece
from tests.fakes.edge_bench import EdgeBench, PlayedLink, ours
from tests.fakes.work import BOUND_SECONDS

LOAD = "/v1.41/images/load"
FIRST = "00000000-0000-4000-8000-000000000001"


def result(answer: Future[Response]) -> Response:
    return answer.result(BOUND_SECONDS)


def stream_of(answer: Future[Response]) -> Reader:
    stream = result(answer).stream
    assert stream is not None
    return stream


def pieces(id: str, content: bytes, start: int = 0) -> Iterator[BodyPiece]:  # noqa: A002  a request's own word
    for offset in range(0, len(content), PIECE_LIMIT):
        yield BodyPiece(id, start + offset, content[offset : offset + PIECE_LIMIT])


def test_the_welcome_says_that_we_speak_it_too(bench: EdgeBench) -> None:
    welcome = bench.attached(ours()).next(Welcome)

    assert (welcome.capabilities, dict(welcome.requests)) == (frozenset({LADING_STREAMS}), {})


def test_everything_is_a_stream_with_its_true_status(bench: EdgeBench) -> None:
    link = bench.agent(ours())

    answer = bench.ask("GET", "/v1.41/images/a/json")
    asked = link.next(RequestFrame)
    link.says(
        Head(asked.request_id, 404, {"content-type": "application/json"}),
        BodyPiece(asked.request_id, 0, b'{"message":'),
        BodyPiece(asked.request_id, 11, b'"no"}'),
        StreamEnd(asked.request_id, End.COMPLETED, count=16),
    )

    assert (asked.streaming, asked.has_body) == (True, False)
    assert result(answer) == Response(404, {"content-type": "application/json"}, b'{"message":"no"}')
    assert link.idle


def test_a_refused_stream_is_an_answer(bench: EdgeBench) -> None:
    link = bench.agent(ours())

    answer = bench.ask("POST", "/images/a/push", streamed=True)
    asked = link.next(RequestFrame).request_id
    link.says(Head(asked, 401), BodyPiece(asked, 0, b"{}"), StreamEnd(asked, End.COMPLETED, count=2))

    assert result(answer) == Response(401, {}, b"{}")


def test_an_answer_is_received_as_it_is_read(bench: EdgeBench) -> None:
    link, whole = bench.agent(ours()), random.randbytes(WINDOW)
    answer = bench.ask("GET", "/images/get", streamed=True)
    asked = link.next(RequestFrame).request_id
    link.says(Head(asked, 200), *pieces(asked, whole))
    stream = stream_of(answer)
    assert link.idle

    reading = bench.read(stream)
    counts = [link.next(Received).count for _ in range(4)]
    link.says(*pieces(asked, whole[:100], WINDOW), StreamEnd(asked, End.COMPLETED, count=WINDOW + 100))

    assert counts == [WINDOW // 4, WINDOW // 2, WINDOW // 4 * 3, WINDOW]
    assert reading.result(BOUND_SECONDS) == whole + whole[:100]


def test_a_body_goes_out_in_pieces_as_far_as_the_agent_has_room(bench: EdgeBench) -> None:
    link, whole, counted = bench.agent(ours()), random.randbytes(2 * WINDOW + 5), list[int]()

    answer = bench.ask("POST", LOAD, reader=BytesReader(whole), streamed=True, passed=counted.append)
    asked = link.next(RequestFrame)
    sent = bytearray()
    while len(sent) < len(whole):
        room = min(WINDOW, len(whole) - len(sent))
        while room:
            piece = link.next(BodyPiece)
            assert piece.offset == len(sent)
            sent += piece.content
            room -= len(piece.content)
        assert len(sent) == len(whole) or link.idle
        link.says(Received(asked.request_id, len(sent)))
    end = link.next(BodyEnd)
    link.says(Head(asked.request_id, 200), StreamEnd(asked.request_id, End.COMPLETED, count=0))

    assert asked.has_body
    assert sent == whole
    assert end == BodyEnd(asked.request_id, End.COMPLETED, len(whole))
    assert result(answer).status == 200
    assert sum(counted) == len(whole)


def test_content_of_known_size_goes_from_where_the_request_says(bench: EdgeBench) -> None:
    link = bench.agent(ours())

    answer = bench.ask("POST", LOAD, content=BytesContent(b"tar"))
    asked = link.next(RequestFrame).request_id

    assert link.next(BodyPiece).content == b"tar"
    assert link.next(BodyEnd).count == 3
    link.says(Head(asked, 200), StreamEnd(asked, End.COMPLETED, count=0))
    assert result(answer).status == 200


def test_an_engine_that_refuses_a_body_is_sent_no_more_of_it(bench: EdgeBench) -> None:
    link = bench.agent(ours())

    answer = bench.ask("POST", LOAD, reader=BytesReader(bytes(4 * WINDOW)), streamed=True)
    asked = link.next(RequestFrame).request_id
    for _ in range(WINDOW // PIECE_LIMIT):
        link.next(BodyPiece)
    link.says(Head(asked, 413), BodyPiece(asked, 0, b"no"), StreamEnd(asked, End.COMPLETED, count=2))

    assert result(answer).body == b"no"
    assert link.idle


class BrokenReader:
    """Its file fails after some bytes."""

    def __init__(self) -> None:
        self._left = 10

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._left:
            raise ReadFailed("the archive", "as planned")
        self._left, count = 0, self._left
        return count

    def close(self) -> None:
        """Nothing is held."""


def test_a_body_that_breaks_off_here_is_no_whole_one_there(bench: EdgeBench) -> None:
    link = bench.agent(ours())

    answer = bench.ask("POST", LOAD, reader=BrokenReader(), streamed=True)

    with pytest.raises(ReadFailed):
        result(answer)
    asked = link.next(RequestFrame).request_id
    link.next(BodyPiece)
    assert link.next(BodyEnd) == BodyEnd(asked, End.FAILED, 10)
    assert link.next(StreamEnd) == StreamEnd(asked, End.CANCELLED)


def test_an_agent_that_takes_no_more_of_a_body_is_not_waited_for_without_end(bench: EdgeBench) -> None:
    link = bench.agent(ours())

    answer = bench.ask("POST", LOAD, reader=BytesReader(bytes(4 * WINDOW)), streamed=True)
    for _ in range(WINDOW // PIECE_LIMIT + 1):
        link.next(object)
    bench.waits(answer, link)

    with pytest.raises(Stalled):
        result(answer)


def test_a_cancelled_body_is_broken_off_and_said_until_it_was_heard(bench: EdgeBench) -> None:
    link, cancel = bench.agent(ours()), Cancellation()
    answer = bench.ask("POST", LOAD, reader=BytesReader(bytes(4 * WINDOW)), streamed=True, cancel=cancel)
    asked = link.next(RequestFrame).request_id
    for _ in range(WINDOW // PIECE_LIMIT):
        link.next(BodyPiece)

    cancel.cancel()
    with pytest.raises(Cancelled):
        result(answer)

    assert link.next(BodyEnd).reason is End.FAILED
    assert link.next(StreamEnd).reason is End.CANCELLED
    bench.passes(1)
    assert link.next(StreamEnd).reason is End.CANCELLED
    link.says(StreamEnd(asked, End.CANCELLED))
    bench.passes(1)
    assert link.idle


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([BodyPiece(FIRST, 0, b"x")], "before its head"),
        ([Head(FIRST, 200), Head(FIRST, 404)], "a second head"),
        ([Head(FIRST, 200), BodyPiece(FIRST, 1, b"x")], "is missing"),
        ([Head(FIRST, 200), BodyPiece(FIRST, 2**62, b"x")], "is missing"),
        ([Head(FIRST, 200), *pieces(FIRST, bytes(WINDOW + 1))], "more of a body"),
        (
            [Head(FIRST, 200), BodyPiece(FIRST, 0, b"xx"), StreamEnd(FIRST, End.COMPLETED, count=1)],
            "longer than its end",
        ),
        ([Head(FIRST, 200), StreamEnd(FIRST, End.COMPLETED)], "without a count"),
        ([StreamEnd(FIRST, End.COMPLETED, count=0)], "never began"),
        ([Received(FIRST, 1)], "more of a body was received"),
        ([StreamFrame(FIRST, b"x")], "another kind"),
    ],
)
def test_frames_that_make_no_sense_fail_their_stream_alone(
    bench: EdgeBench, frames: list[Frame | BodyPiece], why: str
) -> None:
    link = bench.agent(ours())
    answer = bench.ask("GET", "/info")
    assert link.next(RequestFrame).request_id == FIRST

    link.says(*frames)
    other = bench.ask("GET", "/info")

    with pytest.raises(FrameInvalid, match=why):
        result(answer)
    assert link.next(StreamEnd) == StreamEnd(FIRST, End.CANCELLED)
    second = link.next(RequestFrame).request_id
    link.says(Head(second, 200), StreamEnd(second, End.COMPLETED, count=0))
    assert result(other).status == 200
    assert link.closed is None


@pytest.mark.parametrize(
    ("end", "failure"),
    [
        (StreamEnd(FIRST, End.COMPLETED, count=5), AgentGone),
        (StreamEnd(FIRST, End.FAILED, "connection reset"), AgentFailed),
        (StreamEnd(FIRST, End.CANCELLED), AgentFailed),
        (ErrorFrame("no engine", FIRST), AgentFailed),
    ],
)
def test_an_answer_that_is_not_whole_is_an_interruption(
    bench: EdgeBench, end: StreamEnd | ErrorFrame, failure: type[Exception]
) -> None:
    link = bench.agent(ours())
    answer = bench.ask("GET", "/images/get", streamed=True)
    link.next(RequestFrame)

    link.says(Head(FIRST, 200), BodyPiece(FIRST, 0, b"half"), end)

    with pytest.raises(failure):
        bench.read(stream_of(answer)).result(BOUND_SECONDS)


def test_a_refusal_that_breaks_off_is_still_a_refusal(bench: EdgeBench) -> None:
    link = bench.agent(ours())
    answer = bench.ask("GET", "/info")
    link.next(RequestFrame)

    link.says(Head(FIRST, 500), BodyPiece(FIRST, 0, b"half"), StreamEnd(FIRST, End.FAILED))

    assert result(answer) == Response(500, {}, b"half")


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_drips_does_not_keep_whoever_waits(bench: EdgeBench, status: int) -> None:
    link = bench.agent(ours())
    answer = bench.ask("GET", "/v1.41/images/json")
    asked = link.next(RequestFrame)
    link.says(Head(asked.request_id, status))
    for offset in range(1000):
        link.says(BodyPiece(asked.request_id, offset, b" "))
        bench.passes(1)
        if wait([answer], 0.005).done:
            break

    assert answer.done()
    if status == 200:
        with pytest.raises(AgentTooSlow, match="was not whole 120 s after it began"):
            result(answer)
    else:
        assert result(answer).status == 500


def test_an_answer_longer_than_is_held_is_refused_and_stopped(bench: EdgeBench) -> None:
    link = bench.agent(ours())
    answer = bench.ask("GET", "/info")
    link.next(RequestFrame)
    link.says(Head(FIRST, 200))
    for start in range(0, BODY_LIMIT + WINDOW // 4, WINDOW // 4):
        link.says(*pieces(FIRST, bytes(WINDOW // 4), start))
        if start < BODY_LIMIT:
            link.next(Received)

    with pytest.raises(AgentAnswerTooLong):
        result(answer)


# ── over several sockets


def test_a_reconnected_agent_is_told_what_is_still_waited_for(bench: EdgeBench) -> None:
    link = bench.agent(ours())
    answer, gone = bench.ask("GET", "/images/get", streamed=True), bench.ask("GET", "/info")
    first, _ = sorted((link.next(RequestFrame), link.next(RequestFrame)), key=lambda each: each.path)
    link.says(Head(first.request_id, 200), BodyPiece(first.request_id, 0, b"half"))
    link.line.lost()

    after = bench.attached(ours(**{first.request_id: 0, "of-another-server": 7}))
    welcome = after.next(Welcome)
    after.says(
        Head(first.request_id, 200),
        BodyPiece(first.request_id, 2, b"lf and half"),
        StreamEnd(first.request_id, End.COMPLETED, count=13),
    )

    assert welcome.requests == {first.request_id: 4}
    assert after.next(Received) == Received(first.request_id, 0)
    assert bench.read(stream_of(answer)).result(BOUND_SECONDS) == b"half and half"
    with pytest.raises(AgentGone, match="does not know of this any more"):
        result(gone)


def test_an_agent_that_claims_more_of_a_body_than_was_sent_fails_that_alone(bench: EdgeBench) -> None:
    link = bench.agent(ours())
    answer = bench.ask("POST", LOAD, reader=BytesReader(b"tar"), streamed=True)
    asked = link.next(RequestFrame).request_id
    link.next(BodyPiece)
    link.next(BodyEnd)

    after = bench.agent(ours(**{asked: 4}))

    with pytest.raises(FrameInvalid):
        result(answer)
    assert after.next(StreamEnd) == StreamEnd(asked, End.CANCELLED)
    assert after.closed is None


def test_what_was_given_up_meanwhile_is_not_named_in_the_welcome(bench: EdgeBench) -> None:
    link = bench.agent(ours())
    answer = bench.ask("GET", "/images/get", streamed=True)
    asked = link.next(RequestFrame).request_id
    link.says(Head(asked, 200))
    stream = stream_of(answer)
    link.line.lost()

    stream.close()
    after = bench.attached(ours(**{asked: 0}))

    assert after.next(Welcome).requests == {}
    bench.passes(1)
    assert after.idle


@dataclass(slots=True)
class EchoingAgent:
    """Answers a request with its own body, once it has all of it. Its state outlives its sockets; of each socket it
    hears so many frames, and so many of its own get through, before that is lost."""

    bench: EdgeBench
    cuts: deque[tuple[int, int]]
    link: PlayedLink = field(init=False)
    asked: str | None = None
    body: bytearray = field(default_factory=bytearray)
    inflow: Inflow = field(default_factory=Inflow)
    outflow: Outflow | None = None
    told: int = 0
    ended: bool = False
    left: list[int] = field(default_factory=list)

    def run(self) -> None:
        """Until the end of its answer got through."""
        self._connect()
        while not self.ended:
            self.left[0] -= 1
            if self.left[0] < 0:
                self._connect()
            else:
                self._hear(self.link.next(object))

    def _connect(self) -> None:
        self.left = list(self.cuts.popleft()) if self.cuts else [1 << 30, 1 << 30]
        known = {} if self.asked is None else {self.asked: self.inflow.arrived}
        if hasattr(self, "link"):
            self.link.line.lost()
        self.link = self.bench.attached(ours(**known))
        welcome = self.link.next(Welcome)
        if self.asked is not None:
            self._resume(welcome.requests[self.asked])

    def _resume(self, received: int) -> None:
        assert self.asked is not None
        self._say(Received(self.asked, self.inflow.again()))
        if self.outflow is not None:
            self._say(Head(self.asked, 200), *self.outflow.resume(received))
            self._answer()

    def _hear(self, frame: object) -> None:
        match frame:
            case RequestFrame():
                self.asked = frame.request_id
            case BodyPiece():
                new = self.inflow.take(frame)
                self.body += new
                count = self.inflow.handed(len(new))
                if count is not None:
                    self._say(Received(frame.request_id, count))
            case BodyEnd(request, End.COMPLETED, count):
                assert self.inflow.whole(count)
                if self.outflow is None:
                    self.outflow = Outflow(request)
                    self._say(Head(request, 200))
                self._answer()
            case Received(_, count):
                if self.outflow is not None:
                    self.outflow.received(count)
                    self._answer()
            case _:
                pytest.fail(f"what is {frame}?")

    def _answer(self) -> None:
        outflow, asked = self.outflow, self.asked
        assert outflow is not None
        assert asked is not None
        while (rest := self.body[outflow.given :]) and outflow.room:
            self._say(*outflow.give(bytes(rest[: outflow.room])))
        if not rest:
            self.ended = self._say(StreamEnd(asked, End.COMPLETED, count=len(self.body)))

    def _say(self, *frames: Frame | BodyPiece) -> bool:
        """Whether all of it got through; where not, this socket is of no more use."""
        for frame in frames:
            self.left[1] -= 1
            if self.left[1] < 0:
                self.left[0] = 0
                return False
            self.link.says(frame)
        return True


CONTENT = random.Random(7).randbytes(2 * WINDOW + 12345)


@settings(max_examples=30, deadline=None)
@given(some.lists(some.tuples(some.integers(1, 30), some.integers(0, 30)), max_size=12))
def test_whatever_sockets_are_lost_every_byte_arrives_once(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[int, int]]
) -> None:
    folder: Path = tmp_path_factory.getbasetemp()
    with closing(EdgeBench(folder)) as bench:
        agent = EchoingAgent(bench, deque([(1, 1 << 30), *cuts]))
        first = bench.agent(ours())
        answer = bench.ask("POST", LOAD, reader=BytesReader(CONTENT), streamed=True)
        agent.asked = first.next(RequestFrame).request_id
        reading = bench.read_answer(answer)

        agent.run()

        assert reading.result(BOUND_SECONDS) == CONTENT


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_socket_lost_at_any_frame_costs_no_byte(bench: EdgeBench, cut: int) -> None:
    first = bench.agent(ours())
    answer = bench.ask("POST", LOAD, reader=BytesReader(CONTENT[: WINDOW + 12345]), streamed=True)
    agent = EchoingAgent(bench, deque([(cut, 1 << 30), (1 << 30, cut)]))
    agent.asked = first.next(RequestFrame).request_id
    reading = bench.read_answer(answer)

    agent.run()

    assert reading.result(BOUND_SECONDS) == CONTENT[: WINDOW + 12345]
