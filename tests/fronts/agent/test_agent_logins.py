"""How the agent logs in, and comes back."""

from __future__ import annotations

import logging
import time

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.fronts.agent.agent import Agent, Clocks, Identity, Pace
from lading.fronts.agent.connection import Connection
from lading.fronts.agent.engine import Engine
from lading.fronts.agent.reconnecting import Delays
from lading.fronts.agent.requests import KEPT, Requests
from lading.fronts.agent.serving import Serving
from lading.wire.message import Cancel, PlainHttpAnswered, Request, Response, Stalled
from lading.wire.tunnel_frames import RequestFrame
from tests.fakes.edge_server import EdgeServer
from tests.fakes.played_engine import VERSION, PlayedEngine, PlayedStream
from tests.fronts.agent.conftest import QUICK, TOKEN, Runs


def test_the_hello_says_who_the_agent_is_and_what_it_can(server: EdgeServer, runs: Runs) -> None:
    runs(PlayedEngine())
    hello = server.login().hello

    assert hello["token"] == TOKEN
    assert len(hello["tokenHash"]) == 64
    assert (hello["version"], hello["protocol"]) == ("1.2.3", "1.0")
    assert (hello["agentId"], hello["agentName"], hello["hostname"]) == ("agent-1", "edge", "host-1")
    assert hello["dockerVersion"] == "28.5.0"
    assert hello["capabilities"] == ["lading-streams"]


def test_it_comes_back_whatever_became_of_the_connection(server: EdgeServer, runs: Runs) -> None:
    runs(PlayedEngine())
    server.login().cut()
    server.login().close(1000, "Token regenerated")
    server.line().close(1011, "")  # before the welcome
    server.login()


def test_a_refused_agent_stays_away_as_long_as_the_server_says_and_tells_why(
    server: EdgeServer, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lading.agent")
    runs(PlayedEngine())
    for _ in range(2):
        line = server.line()
        line.next("hello")
        line.send({"type": "error", "error": "Invalid token", "message": "Invalid token"})
        line.close(1008, "Invalid token")
    server.login()

    assert "the server does not let this agent in: Invalid token; trying again in 0 s" in caplog.messages
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("answer", ['{"type":"ready"}', "hello", b"binary"])
def test_what_is_no_server_for_agents_is_left_and_tried_again(
    answer: str | bytes, server: EdgeServer, runs: Runs
) -> None:
    runs(PlayedEngine())
    line = server.line()
    line.next("hello")
    line.raw(answer)
    assert line.gone()[0] == 1001
    server.login()


def test_an_engine_that_comes_back_is_told_by_a_new_login(
    server: EdgeServer, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    engine = PlayedEngine(version=None)
    runs(engine, look_seconds=0.001)
    line = server.login()
    assert line.hello["dockerVersion"] == "unknown"
    engine.version = VERSION

    assert server.login().hello["dockerVersion"] == "28.5.0"
    assert line.gone()[0] == 1001
    assert "the engine here does not answer; asking again every 0 s" in caplog.messages


def test_what_helps_is_told_by_the_settings_of_the_agent(caplog: pytest.LogCaptureFixture) -> None:
    stop, refusals = Cancellation(), iter([PlainHttpAnswered("lading.corp")])

    def dial(cancel: Cancel) -> Connection:
        for refused in refusals:
            raise refused
        stop.cancel()
        cancel.check()
        raise AssertionError("it goes on after it was stopped")

    identity, clocks = Identity("1", "edge", "host-1", "1.2.3", TOKEN), Clocks(time.monotonic, time.time, lambda: 0.5)
    agent = Agent(dial, "wss://lading.corp", Engine(PlayedEngine()), identity, pace=QUICK, clocks=clocks)
    with pytest.raises(Cancelled):
        agent.run(stop)

    (told,) = caplog.records
    assert told.getMessage() == "lading.corp answers in plain HTTP, not TLS; trying again in 0 s"
    assert told.__dict__["try"] == "Begin --server with http://, if that server really has no TLS."


def test_the_server_is_pinged_and_its_pings_are_answered_in_its_own_unit(server: EdgeServer, runs: Runs) -> None:
    runs(PlayedEngine(), Pace(0.001, 0.001, 0.01))
    line = server.login()

    assert line.next("ping")["timestamp"] < 10**11
    line.send({"type": "ping", "timestamp": 1_700_000_000_000})
    assert line.next("pong")["timestamp"] > 10**12
    line.send({"type": "ping", "timestamp": 1_700_000_000})
    assert line.next("pong")["timestamp"] < 10**11


def test_a_server_of_the_field_takes_the_place_of_one_of_ours(server: EdgeServer, runs: Runs) -> None:
    streams: list[PlayedStream] = []

    def answer(_request: Request, cancel: Cancel) -> Response:
        streams.append(PlayedStream(cancel))
        return Response(200, {}, stream=streams[0])

    runs(PlayedEngine(answer))
    line = server.login()
    line.next("head", line.ask("GET", "/events"))
    line.cut()

    server.login(ours=False)
    assert streams[0].closed.wait(20)


def test_requests_end_that_have_been_without_a_server_for_longer_than_any_waits(server: EdgeServer, runs: Runs) -> None:
    streams: list[PlayedStream] = []
    ahead = [0.0]

    def answer(_request: Request, cancel: Cancel) -> Response:
        streams.append(PlayedStream(cancel))
        return Response(200, {}, stream=streams[0])

    runs(PlayedEngine(answer), monotonic=lambda: time.monotonic() + ahead[0])
    line = server.login()
    asked = line.ask("GET", "/events")
    line.next("head", asked)
    line.cut()
    again = server.line()
    assert again.next("hello")["requests"] == [{"requestId": asked, "received": 0}]
    ahead[0] = 15 * 60 + 1
    again.close()

    assert streams[0].closed.wait(20)


class SilentLine:
    """A connection over which nothing comes; time passes while somebody waits for it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sent: list[tuple[float, str | bytes]] = []

    def send(self, frame: str | bytes) -> None:
        self.sent.append((self.now, frame))

    def room(self, cancel: Cancel) -> None:
        cancel.check()

    def receive(self, seconds: float) -> None:
        self.now += seconds

    def wake(self) -> None:
        """Nobody sleeps."""

    def close(self, code: int, reason: str) -> None:
        """It never was open."""


@pytest.mark.parametrize(
    ("heartbeat", "pings", "end"), [(30, [30, 60], 60), (20, [20, 40, 60], 60), (50, [50, 100], 100)]
)
def test_a_server_that_says_nothing_is_pinged_and_then_given_up(
    heartbeat: float, pings: list[float], end: float
) -> None:
    line = SilentLine()
    requests = Requests(Engine(PlayedEngine()))
    serving = Serving(
        line, requests, server="s", heartbeat_seconds=heartbeat, monotonic=lambda: line.now, wall=lambda: 5.0
    )
    with pytest.raises(Stalled, match=f"s has been silent for {end:g} s"):
        serving.run(Cancellation(), lambda: False)

    assert line.now == 1000 + end
    assert [at - 1000 for at, _ in line.sent] == pings[: len(line.sent)]
    assert len(line.sent) >= len(pings) - 1


def test_a_server_that_never_reads_an_end_fills_no_memory() -> None:
    line = SilentLine()
    requests = Requests(Engine(PlayedEngine(lambda _request, _cancel: Response(200, {}, b"x"))))
    requests.welcomed(line, {}, lambda: None, ours=True)
    for number in range(KEPT + 10):
        requests.begin(RequestFrame(f"{number:08}-0000-4000-8000-000000000000", "GET", "/images/json", streaming=True))
    known = requests.known
    requests.close(20)

    assert len(known) == KEPT
    assert sum("SESSION_LIMIT" in str(frame) for _, frame in line.sent) == 10


def test_waits_double_up_to_the_most_and_begin_again_after_a_success() -> None:
    delays = Delays(lambda: 0.5)
    assert [delays.next() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    delays.reset()
    assert delays.next() == 1


@pytest.mark.parametrize(("random", "wait"), [(0.0, 0.75), (1.0, 1.25)])
def test_waits_are_scattered_by_a_quarter(random: float, wait: float) -> None:
    assert Delays(lambda: random).next() == wait


def test_no_wait_is_shorter_than_the_server_asks_for() -> None:
    assert Delays(lambda: 0.5).next(300) == 300


@pytest.mark.parametrize("asked", [901, 2**62])
def test_no_server_keeps_an_agent_away_for_ever(asked: int) -> None:
    assert Delays(lambda: 0.5).next(asked) == 900
