"""A standard agent before a Docker host: its token, its own refusals, and its limit."""

from __future__ import annotations

import pytest

from lading.backends.docker_client.faults import AgentThrottles, AgentTokenRefused, AnswerCut, EngineAway
from lading.backends.docker_client.standard_agent import TOKEN_FIELD, Limit, StandardAgent
from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.wire.message import ConnectionLost, Request, Response
from tests.fakes.clock import WaitingClock
from tests.fakes.transport import Break, PlayedTransport
from tests.unit.docker_client.played_host import read

CANCEL = Cancellation()
TEXT = {"content-type": "text/plain; charset=utf-8"}
JSON = {"content-type": "application/json"}
PUSH = "http://agent:2376/v1.41/images/registry.invalid/app/push?tag=1"
EXPORT = "http://agent:2376/v1.41/images/get?names=x"
PULL = "http://agent:2376/v1.41/images/create?fromImage=x"
LOAD = "http://agent:2376/v1.41/images/load"


def agent(
    answer: Response, clock: WaitingClock | None = None, token: str | None = "s3cret"
) -> tuple[StandardAgent, PlayedTransport]:
    clock = clock or WaitingClock()
    transport = PlayedTransport(lambda _request, _body, _whole: answer)
    return StandardAgent(transport, "dock", token, Limit(30, clock)), transport


def test_its_token_goes_with_every_request_and_no_further() -> None:
    standard, transport = agent(Response(401, TEXT, b"Unauthorized"))
    with pytest.raises(AgentTokenRefused) as caught:
        standard.send(Request("GET", "http://agent/_ping", {"A": "b"}), CANCEL)
    assert transport.asked[0].request.headers == {"A": "b", TOKEN_FIELD: "s3cret"}
    assert "s3cret" not in repr(caught.value) + str(caught.value) + repr(transport.asked[0].request)


def test_an_open_agent_is_asked_without_a_token() -> None:
    standard, transport = agent(Response(200), token=None)
    standard.send(Request("GET", "http://agent/_ping"), CANCEL)
    assert transport.asked[0].request.headers == {}


@pytest.mark.parametrize(("status", "kind"), [(401, AgentTokenRefused), (429, AgentThrottles), (502, EngineAway)])
def test_what_the_agent_says_itself_is_not_taken_for_the_engines_word(status: int, kind: type[LadingError]) -> None:
    standard, _ = agent(Response(status, TEXT, b"Docker request failed: dial unix"))
    with pytest.raises(kind):
        standard.send(Request("GET", PUSH), CANCEL)
    engine, _ = agent(Response(status, JSON, b'{"message":"the engine says so"}'))
    assert engine.send(Request("GET", PUSH), CANCEL).status == status


def test_the_agents_sentence_is_told() -> None:
    standard, _ = agent(Response(502, TEXT, b"Docker request failed: dial unix"))
    with pytest.raises(EngineAway) as caught:
        standard.send(Request("GET", PUSH), CANCEL)
    assert caught.value.why == "The agent says: Docker request failed: dial unix"


@pytest.mark.parametrize(("method", "url"), [("POST", PUSH), ("GET", EXPORT), ("POST", LOAD)])
def test_an_answer_that_ends_at_the_limit_is_not_over(method: str, url: str) -> None:
    clock = WaitingClock()
    standard, _ = agent(Response(200, {}, b"a line\r\n"), clock)
    stream = standard.send(Request(method, url, streamed=True), CANCEL).stream
    assert stream is not None
    clock.now += 29.5
    with pytest.raises(AnswerCut):
        read(stream)


def test_what_ends_before_the_limit_has_ended_by_itself() -> None:
    clock = WaitingClock()
    standard, _ = agent(Response(200, {}, b"a line\r\n"), clock)
    stream = standard.send(Request("POST", PUSH, streamed=True), CANCEL).stream
    clock.now += 28
    assert stream is not None
    assert read(stream) == b"a line\r\n"


@pytest.mark.parametrize(("method", "url"), [("POST", PULL), ("GET", "http://agent/v1.41/events?filters=x")])
def test_what_the_agent_knows_for_a_stream_may_last(method: str, url: str) -> None:
    clock = WaitingClock()
    standard, _ = agent(Response(200, {}, b"a line\r\n"), clock)
    stream = standard.send(Request(method, url, streamed=True), CANCEL).stream
    clock.now += 31
    assert stream is not None
    assert read(stream) == b"a line\r\n"


@pytest.mark.parametrize(("seconds", "kind"), [(30, AnswerCut), (3, ConnectionLost)])
def test_a_connection_that_breaks_at_the_limit_was_cut(seconds: float, kind: type[LadingError]) -> None:
    clock = WaitingClock()
    standard, transport = agent(Response(200, {}, b"a line\r\n"), clock)
    transport.trouble("POST", Break(3))
    stream = standard.send(Request("POST", PUSH, streamed=True), CANCEL).stream
    clock.now += seconds
    assert stream is not None
    with pytest.raises(kind):
        read(stream)


def test_a_question_that_takes_too_long_for_the_agent_is_no_missing_engine() -> None:
    clock = WaitingClock()

    def answer(_request: Request, _body: bytes, _whole: bool) -> Response:
        clock.now += 30
        return Response(502, TEXT, b"Docker request failed: context deadline exceeded")

    standard = StandardAgent(PlayedTransport(answer), "dock", None, Limit(30, clock))
    with pytest.raises(AnswerCut):
        standard.send(Request("POST", "http://agent/v1.41/images/prune"), CANCEL)
