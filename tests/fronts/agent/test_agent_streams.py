"""What runs over the agent where both ends speak lading-streams."""

from __future__ import annotations

import threading

import pytest

from lading.errors import Cancelled
from lading.wire.message import Cancel, ConnectFailed, ReadFailed, Request, Response
from tests.fakes.edge_server import EdgeServer
from tests.fakes.played_engine import PlayedEngine, PlayedStream, PlayedStreams, read_all
from tests.fakes.work import BOUND_SECONDS
from tests.fronts.agent.conftest import Runs

WINDOW = 1024 * 1024


def content(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def test_an_answer_has_its_true_status_and_headers_and_all_of_its_body(server: EdgeServer, runs: Runs) -> None:
    def answer(request: Request, cancel: Cancel) -> Response:
        stream = PlayedStream(cancel)
        for part in (b"[", b"1]", b""):
            stream.give(part)
        return Response(201, {"content-type": "application/json", "transfer-encoding": "chunked"}, stream=stream)

    runs(PlayedEngine(answer))
    line = server.login()
    asked = line.ask("GET", "/v1.41/images/json?all=1")

    head, end = line.next("head", asked), line.next("stream_end", asked)
    assert (head["statusCode"], head["headers"]) == (201, {"content-type": "application/json"})
    assert line.bodies[asked] == b"[1]"
    assert (end["reason"], end["count"]) == ("completed", 3)


def test_the_engine_is_asked_what_the_server_asked(server: EdgeServer, runs: Runs) -> None:
    engine = PlayedEngine(lambda _request, _cancel: Response(200))
    runs(engine)
    line = server.login()
    asked = line.ask("POST", "/v1.41/images/a/b/push?tag=1", headers={"X-Registry-Auth": "e30=", "Connection": "close"})
    line.next("stream_end", asked)

    request = engine.asked[0]
    assert (request.method, request.url) == ("POST", "http://docker/v1.41/images/a/b/push?tag=1")
    assert request.headers == {"X-Registry-Auth": "e30="}
    assert request.streamed


def test_the_engine_is_asked_with_fields_alone_that_mean_what_they_say(server: EdgeServer, runs: Runs) -> None:
    engine = PlayedEngine(lambda _request, _cancel: Response(200))
    runs(engine)
    line = server.login()
    odd = {"Content-Length: 5": "", "Transfer-Encoding ": "chunked", "": "a", "X\r\nY": "b", "TE": "trailers"}
    form = {"Content-Type": "Application/X-WWW-Form-URLencoded; charset=x"}
    line.next("stream_end", line.ask("POST", "/images/create?fromImage=a", headers={**odd, **form, "X-A": "1"}))

    assert engine.asked[0].headers == {"X-A": "1"}


def test_no_more_is_out_than_the_server_has_room_for(server: EdgeServer, runs: Runs) -> None:
    whole = content(3 * WINDOW)
    runs(PlayedEngine(lambda _request, _cancel: Response(400, {}, whole)))
    line = server.login()
    asked = line.ask("GET", "/images/a/get")

    assert len(line.pieces(asked, WINDOW)) == WINDOW
    line.raw('{"type":"ping","timestamp":1}')
    line.next("pong")  # it has gone out behind everything that was given
    assert len(line.bodies[asked]) == WINDOW

    line.received(asked, 1000)
    assert len(line.pieces(asked, WINDOW + 1000)) == WINDOW + 1000
    line.received(asked, WINDOW + 1000)
    line.pieces(asked, 2 * WINDOW + 1000)
    line.received(asked, 2 * WINDOW + 1000)
    line.next("stream_end", asked)
    assert line.bodies[asked] == whole


@pytest.mark.parametrize("arrived", [0, 1, 131_071, 131_072, 500_000])
def test_an_answer_goes_on_over_the_next_connection_from_where_it_was(
    arrived: int, server: EdgeServer, runs: Runs
) -> None:
    whole = content(500_000)
    runs(PlayedEngine(lambda _request, _cancel: Response(404, {"x": "1"}, whole)))
    line = server.login()
    asked = line.ask("GET", "/images/a/get")
    line.pieces(asked, len(whole))
    line.cut()

    again = server.login({asked: arrived})
    again.bodies[asked] = whole[:arrived]
    assert again.hello["requests"] == [{"requestId": asked, "received": 0}]
    assert again.next("head", asked)["statusCode"] == 404
    assert again.next("stream_end", asked)["count"] == len(whole)
    assert again.bodies[asked] == whole


def test_what_comes_while_there_is_no_connection_is_kept(server: EdgeServer, runs: Runs) -> None:
    streams = PlayedStreams()
    runs(PlayedEngine(streams))
    line = server.login()
    asked = line.ask("POST", "/images/a/push?tag=1")
    stream = streams.next()
    stream.give(b"one")
    line.pieces(asked, 3)
    line.cut()
    stream.give(b"two")
    stream.give(b"")

    again = server.login({asked: 3})
    again.bodies[asked] = b"one"
    assert again.next("stream_end", asked)["count"] == 6
    assert again.bodies[asked] == b"onetwo"


def test_what_the_server_does_not_wait_for_any_more_is_broken_off(server: EdgeServer, runs: Runs) -> None:
    streams = PlayedStreams()
    runs(PlayedEngine(streams))
    line = server.login()
    line.ask("POST", "/images/a/push?tag=1")
    stream = streams.next()
    line.cut()

    server.login({})
    assert stream.closed.wait(20)


def test_an_end_is_kept_until_the_server_has_heard_it(server: EdgeServer, runs: Runs) -> None:
    runs(PlayedEngine(lambda _request, _cancel: Response(200)))
    line = server.login()
    asked = line.ask("GET", "/info")
    line.next("stream_end", asked)
    line.next("ping")  # it is answered: the server has read everything before it
    line.raw('{"type":"ping","timestamp":1}')
    line.next("pong")
    line.cut()

    assert "requests" not in server.login().hello


def test_a_cancel_breaks_the_engine_off_and_is_confirmed_as_often_as_it_comes(server: EdgeServer, runs: Runs) -> None:
    streams = PlayedStreams()
    runs(PlayedEngine(streams))
    line = server.login()
    asked = line.ask("GET", "/events")
    line.next("head", asked)
    line.cancel(asked)

    assert line.next("stream_end", asked)["reason"] == "cancelled"
    assert streams.next().closed.wait(BOUND_SECONDS)
    line.cancel(asked)
    assert line.next("stream_end", asked)["reason"] == "cancelled"
    line.cancel("5e6dd0d5-56a4-4c9f-8a7f-2b6b8f4f6c11")
    assert line.next("stream_end")["reason"] == "cancelled"


def test_a_request_body_reaches_the_engine_and_the_server_hears_how_far(server: EdgeServer, runs: Runs) -> None:
    whole = content(700_000)
    came: list[bytes] = []

    def answer(request: Request, _cancel: Cancel) -> Response:
        assert request.reader is not None
        came.append(read_all(request.reader))
        return Response(200)

    runs(PlayedEngine(answer))
    line = server.login()
    asked = line.ask("POST", "/images/load", hasBody=True)
    for offset in range(0, len(whole), 100_000):
        line.piece(asked, offset, whole[offset : offset + 100_000])
    line.piece(asked, 0, whole[:100_000])  # once more: it is known
    assert line.next("received", asked)["count"] >= 256 * 1024
    line.send({"type": "body_end", "requestId": asked, "reason": "completed", "count": len(whole)})

    assert line.next("stream_end", asked)["reason"] == "completed"
    assert came == [whole]


def test_a_request_body_goes_on_over_the_next_connection(server: EdgeServer, runs: Runs) -> None:
    came: list[bytes] = []

    def answer(request: Request, _cancel: Cancel) -> Response:
        assert request.reader is not None
        came.append(read_all(request.reader))
        return Response(200)

    runs(PlayedEngine(answer))
    line = server.login()
    asked = line.ask("POST", "/images/load", hasBody=True)
    line.piece(asked, 0, b"first ")
    line.raw('{"type":"ping","timestamp":1}')
    line.next("pong")
    line.cut()

    again = server.login({asked: 0})
    assert again.hello["requests"] == [{"requestId": asked, "received": 6}]
    assert again.next("received", asked)["count"] in {0, 6}  # as far as the engine's reader had come
    again.piece(asked, 6, b"second")
    again.send({"type": "body_end", "requestId": asked, "reason": "completed", "count": 12})
    again.next("stream_end", asked)
    assert came == [b"first second"]


@pytest.mark.parametrize(
    ("reason", "count"), [("failed", 5), ("cancelled", 5), ("completed", 6)], ids=["given up", "unknown", "too short"]
)
def test_a_body_that_does_not_end_well_is_broken_off_at_the_engine(
    reason: str, count: int, server: EdgeServer, runs: Runs
) -> None:
    raised: list[BaseException] = []

    def answer(request: Request, _cancel: Cancel) -> Response:
        assert request.reader is not None
        try:
            read_all(request.reader)
        except ReadFailed as error:
            raised.append(error)
            raise
        return Response(200)

    runs(PlayedEngine(answer))
    line = server.login()
    asked = line.ask("POST", "/images/load", hasBody=True)
    line.piece(asked, 0, b"first")
    line.send({"type": "body_end", "requestId": asked, "reason": reason, "count": count})

    assert line.next("stream_end", asked)["reason"] == "failed"
    assert raised


def test_pieces_that_cannot_be_fail_their_request_and_nothing_else(server: EdgeServer, runs: Runs) -> None:
    def answer(request: Request, _cancel: Cancel) -> Response:
        if request.reader is not None:
            read_all(request.reader)
        return Response(200)

    runs(PlayedEngine(answer))
    line = server.login()
    asked = line.ask("POST", "/images/load", hasBody=True)
    line.piece(asked, 10, b"beyond what came")
    end = line.next("stream_end", asked)
    assert (end["reason"], "missing" in end["error"]) == ("failed", True)

    other = line.ask("GET", "/info")
    assert line.next("stream_end", other)["reason"] == "completed"


def test_what_is_not_about_images_is_refused(server: EdgeServer, runs: Runs) -> None:
    engine = PlayedEngine(lambda _request, _cancel: Response(200))
    runs(engine)
    line = server.login()
    asked = line.ask("POST", "/v1.41/containers/create")

    assert line.next("head", asked)["statusCode"] == 403
    line.next("stream_end", asked)
    assert b"does not hand on POST /v1.41/containers/create" in line.bodies[asked]
    assert not engine.asked


def test_an_engine_that_is_down_fails_what_is_asked_of_it(server: EdgeServer, runs: Runs) -> None:
    def answer(_request: Request, _cancel: Cancel) -> Response:
        raise ConnectFailed("/var/run/docker.sock", "connection refused")

    runs(PlayedEngine(answer))
    line = server.login()
    end = line.next("stream_end", line.ask("GET", "/info"))
    assert (end["reason"], end["error"]) == ("failed", "cannot connect to /var/run/docker.sock: connection refused")


def test_a_stopped_agent_ends_its_requests_and_says_goodbye(server: EdgeServer, runs: Runs) -> None:
    cancel = runs(PlayedEngine(lambda _request, cancel: Response(200, {}, stream=PlayedStream(cancel))))
    line = server.login()
    asked = line.ask("GET", "/events")
    line.next("head", asked)
    cancel.cancel()

    end = line.next("stream_end", asked)
    assert (end["reason"], end["error"]) == ("failed", "the agent was stopped")
    assert line.gone()[0] == 1001


def test_more_requests_than_it_works_on_at_once_are_told_so(server: EdgeServer, runs: Runs) -> None:
    runs(PlayedEngine(lambda _request, cancel: Response(200, {}, stream=PlayedStream(cancel))))
    line = server.login()
    for _ in range(128):
        line.next("head", line.ask("GET", "/events"))
    asked = line.ask("GET", "/events")

    assert line.next("head", asked)["statusCode"] == 503
    assert line.next("stream_end", asked)["reason"] == "completed"


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", '{"type":7}', '{"type":"request"}', '{"type":"request","requestId":"1","method":"GET"}', b"short"],
)
def test_what_cannot_be_read_is_said_and_changes_nothing(message: str | bytes, server: EdgeServer, runs: Runs) -> None:
    runs(PlayedEngine(lambda _request, _cancel: Response(200)))
    line = server.login()
    line.raw(message)

    assert line.next("error")["code"] == "PARSE_ERROR"
    assert line.next("stream_end", line.ask("GET", "/info"))["reason"] == "completed"


def test_cancelled_is_what_an_engine_that_waits_hears(server: EdgeServer, runs: Runs) -> None:
    heard = threading.Event()

    def answer(_request: Request, cancel: Cancel) -> Response:
        try:
            cancel.wait(20)
        except Cancelled:
            heard.set()
            raise
        return Response(200)

    runs(PlayedEngine(answer))
    line = server.login()
    asked = line.ask("GET", "/info")
    line.cancel(asked)
    assert line.next("stream_end", asked)["reason"] == "cancelled"
    assert heard.wait(20)
