"""What runs over the agent where the server speaks the protocol of the field alone."""

from __future__ import annotations

import base64

from lading.wire.message import BytesContent, Cancel, ConnectFailed, Request, Response
from tests.fakes.edge_server import EdgeLine, EdgeServer
from tests.fakes.played_engine import PlayedEngine, PlayedStreams
from tests.fronts.agent.conftest import Runs


def streamed(line: EdgeLine, request: str) -> bytes:
    """What came before the end."""
    line.next("stream_end", request)
    frames = [each for each in line.seen if each["type"] == "stream" and each["requestId"] == request]
    return b"".join(base64.b64decode(each["data"]) for each in frames)


def test_a_plain_request_is_answered_whole(server: EdgeServer, runs: Runs) -> None:
    runs(PlayedEngine(lambda _request, _cancel: Response(200, {"content-type": "application/json"}, b'{"a":1}')))
    line = server.login(ours=False)
    answer = line.next("response", line.ask("GET", "/info", streaming=False))

    assert (answer["statusCode"], answer["body"]) == (200, '{"a":1}')
    assert answer["headers"] == {"content-type": "application/json"}


def test_an_answer_that_is_no_text_travels_as_base64(server: EdgeServer, runs: Runs) -> None:
    runs(PlayedEngine(lambda _request, _cancel: Response(200, {}, b"\0\xff")))
    line = server.login(ours=False)
    answer = line.next("response", line.ask("GET", "/images/get", streaming=False))

    assert (answer["isBinary"], base64.b64decode(answer["body"])) == (True, b"\0\xff")


def test_a_binary_body_of_a_request_reaches_the_engine(server: EdgeServer, runs: Runs) -> None:
    engine = PlayedEngine(lambda _request, _cancel: Response(200))
    runs(engine)
    line = server.login(ours=False)
    body = base64.b64encode(b"\0tar").decode()
    line.next("response", line.ask("POST", "/images/load", streaming=False, body=body, isBinary=True))

    assert engine.asked[0].content == BytesContent(b"\0tar")


def test_a_stream_has_no_status_and_small_slices(server: EdgeServer, runs: Runs) -> None:
    runs(PlayedEngine(lambda _request, _cancel: Response(404, {}, b"x" * 10_000)))
    line = server.login(ours=False)
    asked = line.ask("POST", "/images/create?fromImage=a")

    assert streamed(line, asked) == b"x" * 10_000
    sizes = [len(base64.b64decode(each["data"])) for each in line.seen if each["type"] == "stream"]
    assert sizes == [4096, 4096, 1808]


def test_a_stream_goes_on_over_the_next_connection(server: EdgeServer, runs: Runs) -> None:
    streams = PlayedStreams()
    runs(PlayedEngine(streams))
    line = server.login(ours=False)
    asked = line.ask("POST", "/images/a/push?tag=1")
    stream = streams.next()
    line.cut()
    again = server.login(ours=False)
    again.raw('{"type":"ping","timestamp":1}')
    again.next("pong")  # it is welcomed
    stream.give(b"on the new one")
    stream.give(b"")

    assert streamed(again, asked) == b"on the new one"


def test_a_cancel_is_confirmed_also_for_what_is_not_known(server: EdgeServer, runs: Runs) -> None:
    streams = PlayedStreams()
    runs(PlayedEngine(streams))
    line = server.login(ours=False)
    asked = line.ask("GET", "/events")
    stream = streams.next()
    line.cancel(asked)
    line.next("stream_end", asked)
    assert stream.closed.wait(20)
    line.cancel(asked)
    line.next("stream_end", asked)


def test_a_failure_is_an_error_frame_and_the_end_of_its_stream(server: EdgeServer, runs: Runs) -> None:
    def answer(_request: Request, _cancel: Cancel) -> Response:
        raise ConnectFailed("/var/run/docker.sock", "connection refused")

    runs(PlayedEngine(answer))
    line = server.login(ours=False)
    asked = line.ask("GET", "/events")
    failed = line.next("error", asked)

    assert (failed["code"], failed["error"]) == (
        "DOCKER_ERROR",
        "cannot connect to /var/run/docker.sock: connection refused",
    )
    assert line.next("stream_end", asked)["reason"] == "failed"
    plain = line.ask("GET", "/info", streaming=False)
    assert line.next("error", plain)["code"] == "DOCKER_ERROR"


def test_what_is_not_about_images_is_refused(server: EdgeServer, runs: Runs) -> None:
    runs(PlayedEngine())
    line = server.login(ours=False)

    assert line.next("response", line.ask("POST", "/_hawser/compose", streaming=False))["statusCode"] == 403
