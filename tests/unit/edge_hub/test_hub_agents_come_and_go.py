"""Lost sockets, newer logins, and what becomes of what was asked."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Self

import pytest

from lading.backends.edge_hub.exchange import OfRequest
from lading.backends.edge_hub.failures import AgentFailed, AgentGone
from lading.backends.edge_hub.hub import ADRIFT_SECONDS, PING_SECONDS, SILENT_SECONDS
from lading.backends.edge_hub.seat import STRAY_SECONDS
from lading.backends.edge_hub.stock import StockStream
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.services.hub.hub import AgentAway
from lading.wire.message import Reader, Response
from lading.wire.tunnel_frames import (
    End,
    Hello,
    Ping,
    Pong,
    RequestFrame,
    ResponseFrame,
    StreamEnd,
    StreamFrame,
)
from tests.fakes.edge_bench import ENVIRONMENT, STOCK, EdgeBench, PlayedLink, ours
from tests.fakes.work import BOUND_SECONDS

PUSH = "/v1.41/images/registry.example.com/a/b/push?tag=1"
LINES = [b'{"status":"Pushing","id":"%d"}\r\n' % number for number in range(6)]


def begun(bench: EdgeBench, link: PlayedLink, said: bytes = LINES[0], path: str = PUSH) -> tuple[str, Reader]:
    """A stream that has begun: the id of its request, and its reader."""
    answer = bench.ask("POST", path, streamed=True)
    asked = link.next(RequestFrame).request_id
    link.streams(asked, said)
    stream = answer.result(BOUND_SECONDS).stream
    assert stream is not None
    return asked, stream


def result(answer: Future[Response]) -> Response:
    return answer.result(BOUND_SECONDS)


def test_a_plain_request_fails_with_its_socket(bench: EdgeBench) -> None:
    link = bench.agent()
    answer = bench.ask("GET", "/info")
    link.next(RequestFrame)

    link.line.lost()
    link.line.lost()

    with pytest.raises(AgentGone, match="went away before it answered"):
        result(answer)
    with pytest.raises(AgentAway):
        result(bench.ask("GET", "/info"))


def test_lines_go_on_over_the_next_socket_and_their_end_is_no_good_one(bench: EdgeBench) -> None:
    link = bench.agent()
    asked, stream = begun(bench, link, LINES[0] + LINES[1][:9])

    link.line.lost()
    bench.passes(ADRIFT_SECONDS - 1)
    after = bench.agent()
    after.streams(asked, LINES[3][5:] + LINES[4])
    after.ends(asked)

    with pytest.raises(AgentGone, match="part of its answer is lost"):
        read_to(stream, (told := bytearray()))
    assert told == LINES[0] + LINES[4]


def read_to(stream: Reader, told: bytearray) -> None:
    buffer = memoryview(bytearray(1000))
    while count := stream.readinto(buffer):
        told += buffer[:count]


def test_what_does_not_go_on_in_time_is_given_up(bench: EdgeBench) -> None:
    link = bench.agent()
    _, stream = begun(bench, link)

    link.line.lost()
    bench.agent()
    reading = bench.read(stream)
    bench.passes(ADRIFT_SECONDS - 1)
    assert not reading.done()
    bench.agent()
    bench.passes(ADRIFT_SECONDS)

    with pytest.raises(AgentGone, match="did not come back to this within 90 s"):
        reading.result(BOUND_SECONDS)


def test_an_archive_cannot_go_on_and_the_agent_is_told_to_stop_when_it_is_back(bench: EdgeBench) -> None:
    link = bench.agent()
    asked, stream = begun(bench, link, b"an archive", "/images/get")

    link.line.lost()
    with pytest.raises(AgentGone, match="in the middle of its answer"):
        read_to(stream, bytearray())
    after = bench.agent()

    assert after.next(StreamEnd) == StreamEnd(asked, End.CANCELLED)
    after.says(StreamFrame(asked, b"late"))
    after.ends(asked)
    bench.passes(1)
    assert after.idle


def test_a_newer_login_takes_the_place_and_goes_on(bench: EdgeBench) -> None:
    link = bench.agent()
    plain = bench.ask("GET", "/info")
    link.next(RequestFrame)
    asked, stream = begun(bench, link)

    newer = bench.agent()
    link.streams(asked, LINES[1])  # of the old socket: nobody knows what is missing between
    link.line.lost()
    newer.streams(asked, LINES[2] + LINES[3])
    newer.says(StreamEnd(asked, End.FAILED, "it broke"))

    assert link.closed == (1000, "Replaced by a newer connection")
    with pytest.raises(AgentGone):
        result(plain)
    with pytest.raises(AgentFailed, match="it broke"):
        read_to(stream, (told := bytearray()))
    assert told == LINES[0] + LINES[3]
    assert bench.hub.presence(ENVIRONMENT) is not None


def test_another_stock_agent_in_its_place_knows_nothing_of_what_was_asked(bench: EdgeBench) -> None:
    link = bench.agent()
    _, stream = begun(bench, link)

    link.line.lost()
    bench.agent(replace(STOCK, agent_id="another"))

    with pytest.raises(AgentGone, match="does not know of this"):
        read_to(stream, bytearray())


@pytest.mark.parametrize(("before", "after"), [(STOCK, ours()), (ours(), STOCK)])
def test_an_agent_of_the_other_kind_knows_nothing_of_what_was_asked(
    bench: EdgeBench, before: Hello, after: Hello
) -> None:
    link = bench.agent(before)
    answer = bench.ask("POST", PUSH, streamed=True)
    asked = link.next(RequestFrame).request_id
    if before is STOCK:
        link.streams(asked, LINES[0][:5])

    link.line.lost()
    bench.agent(after)

    with pytest.raises(AgentGone, match="does not know of this any more"):
        result(answer)


@pytest.mark.parametrize("slice_size", [3, 7, 40])
def test_a_socket_lost_behind_any_slice_loses_no_whole_line_and_makes_none_up(
    bench: EdgeBench, slice_size: int
) -> None:
    whole = b"".join(LINES)
    slices = [whole[start : start + slice_size] for start in range(0, len(whole), slice_size)]
    for cut in range(1, len(slices)):
        link = bench.agent()
        answer = bench.ask("POST", PUSH, streamed=True)
        asked = link.next(RequestFrame).request_id
        for each in slices[:cut]:
            link.says(StreamFrame(asked, each))
        after = bench.agent()
        for each in slices[cut:]:
            after.says(StreamFrame(asked, each))
        after.ends(asked)

        with pytest.raises(AgentGone):
            read_to(result(answer).stream or pytest.fail("no stream"), (told := bytearray()))
        kept = told.splitlines(keepends=True)
        assert kept == [line for line in LINES if line in kept]
        assert len(kept) >= len(LINES) - 2


def test_a_cancel_reaches_the_agent_when_it_is_back(bench: EdgeBench) -> None:
    link = bench.agent()
    asked, stream = begun(bench, link)

    link.line.lost()
    stream.close()
    bench.passes(3600)
    after = bench.agent()

    assert after.next(StreamEnd) == StreamEnd(asked, End.CANCELLED)


def test_a_stream_from_before_this_server_began_is_stopped_once_its_work_may_have_been_asked_for_again(
    bench: EdgeBench,
) -> None:
    link = bench.agent()

    link.streams("of-another-life", LINES[0])
    assert link.idle
    bench.passes(STRAY_SECONDS)
    link.streams("of-another-life", LINES[1])
    link.streams("of-another-life", LINES[2])
    assert link.next(StreamEnd) == StreamEnd("of-another-life", End.CANCELLED)
    bench.passes(1)
    assert link.next(StreamEnd) == StreamEnd("of-another-life", End.CANCELLED)
    link.ends("of-another-life")
    bench.passes(1)

    assert link.idle


def test_a_socket_is_lost_behind_the_frame_that_is_just_heard(
    bench: EdgeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a frame says of a stream is not mixed with what the loss does."""
    link = bench.agent()
    asked, stream = begun(bench, link)
    hearing, lost = threading.Event(), threading.Event()
    hear = StockStream.hear

    def slowly(self: StockStream, frame: OfRequest) -> None:
        hearing.set()
        lost.wait(0.2)  # it cannot come, unless the loss does not wait for us
        hear(self, frame)

    def lose() -> None:
        link.line.lost()
        lost.set()

    monkeypatch.setattr(StockStream, "hear", slowly)
    with ThreadPoolExecutor(2) as threads:
        heard = threads.submit(link.streams, asked, LINES[1])
        assert hearing.wait(BOUND_SECONDS)
        threads.submit(lose).result(BOUND_SECONDS)
        heard.result(BOUND_SECONDS)
    bench.passes(ADRIFT_SECONDS)

    told = bytearray()
    with ThreadPoolExecutor(1) as threads, closing(stream), pytest.raises(AgentGone, match="did not come back"):
        threads.submit(read_to, stream, told).result(BOUND_SECONDS)
    assert told == LINES[0] + LINES[1]


def test_an_agent_that_is_silent_is_gone(bench: EdgeBench) -> None:
    link = bench.agent()
    answer = bench.ask("GET", "/info")
    link.next(RequestFrame)

    bench.passes(PING_SECONDS)
    assert link.next(Ping).timestamp == int((bench.now) * 1000)
    link.says(Pong(1))
    bench.passes(SILENT_SECONDS - 1)
    assert bench.hub.presence(ENVIRONMENT) is not None
    bench.passes(1)

    assert link.closed == (1001, "Silent for 45 s")
    assert bench.hub.presence(ENVIRONMENT) is None
    with pytest.raises(AgentGone):
        result(answer)


def test_presence_tells_of_who_is_here_without_their_token(bench: EdgeBench) -> None:
    bench.agent(environment=7)
    link = bench.agent()
    since = bench.now
    bench.passes(5)
    link.says(Pong(1))

    presence = bench.hub.presence(ENVIRONMENT)

    assert presence is not None
    assert (presence.address, presence.connected, presence.seen) == ("192.0.2.7", since, since + 5)
    assert (presence.hello.version, presence.hello.token) == ("0.2.14", "")
    assert [each.environment for each in bench.hub.presences()] == [ENVIRONMENT, 7]
    assert bench.hub.presence(8) is None


def test_whoever_waits_for_an_agent_hears_when_it_is_back(bench: EdgeBench) -> None:
    with Waiting(bench, 60) as waiting:
        bench.agent()
        assert waiting.result() is True

    assert bench.hub.back(ENVIRONMENT, Cancellation(), 0) is True


def test_whoever_waits_for_an_agent_does_so_for_as_long_as_was_said(bench: EdgeBench) -> None:
    link = bench.agent(environment=9)
    with Waiting(bench, 60) as waiting:
        bench.waits(waiting.future, link)
        assert waiting.result() is False

    assert bench.hub.back(ENVIRONMENT, Cancellation(), 0) is False


def test_whoever_waits_for_an_agent_can_be_told_to_stop(bench: EdgeBench) -> None:
    with Waiting(bench, 60) as waiting:
        waiting.cancel.cancel()
        with pytest.raises(Cancelled):
            waiting.result()


class Waiting:
    """Somebody waits for the agent."""

    def __init__(self, bench: EdgeBench, seconds: float) -> None:
        self.cancel = Cancellation()
        self.future: Future[bool] = Future()
        self._thread = threading.Thread(target=self._run, args=[bench, seconds])

    def _run(self, bench: EdgeBench, seconds: float) -> None:
        try:
            self.future.set_result(bench.hub.back(ENVIRONMENT, self.cancel, seconds))
        except Cancelled as error:
            self.future.set_exception(error)

    def result(self) -> bool:
        return self.future.result(BOUND_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(BOUND_SECONDS)


def test_an_agent_that_is_sent_away_leaves_nothing_running(bench: EdgeBench) -> None:
    link = bench.agent()
    plain = bench.ask("GET", "/info")
    link.next(RequestFrame)
    _, stream = begun(bench, link)

    bench.hub.dismiss(ENVIRONMENT, 1000, "Token regenerated")
    link.line.lost()

    assert link.closed == (1000, "Token regenerated")
    assert bench.hub.presence(ENVIRONMENT) is None
    with pytest.raises(AgentGone, match="this server ended it: Token regenerated"):
        result(plain)
    with pytest.raises(AgentGone):
        read_to(stream, bytearray())


def test_a_hub_that_closes_sends_everybody_away_and_lets_nobody_in(bench: EdgeBench) -> None:
    link = bench.agent()
    answer = bench.ask("GET", "/info")
    link.next(RequestFrame)

    bench.hub.close()
    bench.hub.close()
    late = bench.attached(STOCK)

    assert (link.closed, late.closed) == ((1001, "Server shutting down"), (1001, "Server shutting down"))
    with pytest.raises(AgentGone):
        result(answer)
    assert bench.hub.presences() == []


def test_the_way_is_the_same_while_agents_come_and_go(bench: EdgeBench) -> None:
    first = bench.agent()
    answer = bench.ask("GET", "/info")
    first.says(ResponseFrame(first.next(RequestFrame).request_id, 200))
    assert result(answer).status == 200

    first.line.lost()
    second = bench.agent()
    answer = bench.ask("GET", "/info")
    second.says(ResponseFrame(second.next(RequestFrame).request_id, 204))

    assert result(answer).status == 204
