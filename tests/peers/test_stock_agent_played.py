"""The played stock agent does before a real Docker engine what is known of the real one: what is tested with it rests
on this."""

from __future__ import annotations

import base64
import json
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.agent_listener import AgentListener, Frame, Line
from tests.fakes.docker_archives import docker_archive
from tests.fakes.scripted_server import Asked, Reply, ScriptedServer
from tests.fakes.stock_agent import Habits, StockAgent, Variant
from tests.fakes.stock_engine import SocketEngine
from tests.fakes.stock_playing import playing
from tests.fakes.stock_standard import StandardProxy
from tests.peers.programs import RunningDocker, run

pytestmark = pytest.mark.peer("dockerd")

QUICK = Habits(reconnect=0.01, longest_reconnect=0.05)


@pytest.fixture
def listener() -> Iterator[AgentListener]:
    with AgentListener() as listening:
        yield listening


def agent_at(
    listener: AgentListener, docker: RunningDocker, variant: Variant = Variant.OLD, habits: Habits = QUICK
) -> StockAgent:
    return StockAgent(listener.url, "t" * 43, SocketEngine(str(docker.socket)), variant, habits=habits)


def request(identity: str, method: str, path: str, *, streaming: bool = False, **more: object) -> Frame:
    return {
        "type": "request",
        "requestId": identity,
        "method": method,
        "path": path,
        "headers": {},
        "streaming": streaming,
    } | more


def streamed(line: Line, identity: str) -> bytes:
    """All that one stream says, to its end."""
    line.passed.clear()
    assert line.frame("stream_end") == {"type": "stream_end", "requestId": identity, "reason": "completed"}
    frames = [frame for frame in line.passed if frame["type"] == "stream"]
    assert all(set(frame) == {"type", "requestId", "data"} for frame in frames)
    pieces = [base64.b64decode(str(frame["data"])) for frame in frames]
    assert all(len(piece) <= 4096 for piece in pieces)
    return b"".join(pieces)


def test_it_knows_nothing_of_what_is_tested_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What both believe of the wire is written down twice."""
    monkeypatch.chdir(Path(__file__).parent.parent.parent)
    modules = "tests.fakes.stock_agent_process, tests.fakes.stock_playing, tests.fakes.stock_standard"
    known = f"import sys, {modules}; print([name for name in sys.modules if name.partition('.')[0] == 'lading'])"
    assert run(sys.executable, "-c", known).strip() == "[]"


@pytest.mark.parametrize("variant", Variant)
def test_it_says_who_it_is_and_answers(listener: AgentListener, docker_engine: RunningDocker, variant: Variant) -> None:
    with playing(agent := agent_at(listener, docker_engine, variant)):
        line = listener.line()
        hello = line.frame("hello")
        assert line.path == "/api/hawser/connect"
        assert not {"Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Authorization"} & set(line.headers)
        assert (hello["protocol"], hello["token"]) == ("1.0", "t" * 43)
        assert str(hello["dockerVersion"]).startswith("20.10")
        assert ("tokenHash" in hello) is (variant is Variant.NEW)
        line.send({"type": "welcome", "environmentId": 1})

        line.send(request("1", "GET", "/_ping"))
        answer = line.frame("response")
        assert (answer["requestId"], answer["statusCode"], answer["body"]) == ("1", 200, "OK")
        line.send({"type": "ping", "timestamp": 1_700_000_000_123})
        assert int(str(line.frame("pong")["timestamp"])) < 10**11
        assert "metrics" in {frame["type"] for frame in line.passed}
    assert agent.complaints == []


def test_a_streams_status_is_never_told(listener: AgentListener, docker_engine: RunningDocker) -> None:
    with playing(agent_at(listener, docker_engine)):
        line = listener.welcomed()
        line.send(request("1", "GET", "/images/nothing:1/get", streaming=True))
        assert "message" in json.loads(streamed(line, "1"))


def test_an_old_one_drops_bodies_and_a_new_one_decodes_them(
    listener: AgentListener, docker_engine: RunningDocker
) -> None:
    archive = base64.b64encode(docker_archive(["played/body:1"], label="played")).decode()
    for variant, told in ((Variant.NEW, "Loaded image"), (Variant.OLD, "")):
        with playing(agent_at(listener, docker_engine, variant)):
            line = listener.welcomed()
            line.send(request("1", "POST", "/images/load?quiet=1", body=archive, isBinary=True))
            answer = line.frame("response")
            assert ("Loaded image" in str(answer["body"])) is bool(told)
            line.send(request("2", "POST", "/images/load?quiet=1", body=archive, isBinary=True, streaming=True))
            assert b"Loaded image" not in streamed(line, "2")
    docker_engine("rmi", "played/body:1")


def test_a_stream_goes_on_over_the_next_connection(listener: AgentListener, docker_engine: RunningDocker) -> None:
    agent = agent_at(listener, docker_engine)
    with playing(agent) as played:
        line = listener.welcomed()
        line.send(request("7", "GET", "/events", streaming=True))
        line.send(request("8", "GET", "/_ping"))
        line.frame("response")
        played.cut(agent)
        again = listener.welcomed()
        docker_engine("import", "-", "played/event:1", input=b"\0" * 1024)
        assert again.frame("stream")["requestId"] == "7"
        again.send({"type": "stream_end", "requestId": "7", "reason": "cancelled"})
        assert again.frame("stream_end")["reason"] == "completed"
    assert agent.logins == 2
    docker_engine("rmi", "played/event:1")


def test_a_cancel_that_comes_too_early_is_lost(listener: AgentListener, docker_engine: RunningDocker) -> None:
    agent = agent_at(listener, docker_engine, habits=Habits(reconnect=0.01, deaf=1))
    with playing(agent):
        line = listener.welcomed()
        line.send(request("7", "GET", "/events", streaming=True))
        line.send({"type": "stream_end", "requestId": "7", "reason": "cancelled"})
        line.send(request("8", "GET", "/_ping"))
        line.frame("response")
        assert agent.ended == []
        line.send({"type": "stream_end", "requestId": "7", "reason": "cancelled"})
        line.frame("stream_end")
    assert agent.ended == ["7"]


def test_a_plain_request_has_its_time(listener: AgentListener, docker_engine: RunningDocker) -> None:
    with playing(agent_at(listener, docker_engine, habits=Habits(reconnect=0.01, request=0.05))):
        line = listener.welcomed()
        line.send(request("1", "GET", "/events"))
        refused = line.frame("error")
        assert (refused["requestId"], refused["code"]) == ("1", "DOCKER_ERROR")
        assert "error" in refused


def test_an_engine_that_is_down_is_an_error_and_an_end(listener: AgentListener, tmp_path: Path) -> None:
    nobody = StockAgent(listener.url, "t" * 43, SocketEngine(str(tmp_path / "none.sock")), habits=QUICK)
    with playing(nobody):
        line = listener.line()
        assert line.frame("hello")["dockerVersion"] == "unknown"
        line.send({"type": "welcome", "environmentId": 1})
        line.send(request("1", "POST", "/images/create?fromImage=x", streaming=True))
        assert line.frame("error")["code"] == "DOCKER_ERROR"
        assert streamed(line, "1") == b""


def test_what_it_could_not_read_is_complained_of(listener: AgentListener, docker_engine: RunningDocker) -> None:
    with playing(agent := agent_at(listener, docker_engine)):
        line = listener.line()
        line.frame("hello")
        line.send({"type": "welcome", "environmentId": "1"})
        line.send({"type": "received", "requestId": "1", "count": 1})
        line.send({"type": "ping", "timestamp": 1.5})
        line.frame("pong")
    assert len(agent.complaints) == 3


# ── standard mode


def asked_of(proxy: StandardProxy, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    wanted = urllib.request.Request(f"http://127.0.0.1:{proxy.port}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(wanted, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_standard_wants_its_token(docker_engine: RunningDocker) -> None:
    engine = SocketEngine(str(docker_engine.socket))
    with StandardProxy(engine, "word") as old, StandardProxy(engine, "word", variant=Variant.NEW) as new:
        for proxy in (old, new):
            assert asked_of(proxy, "GET", "/_hawser/health") == (200, b'{"status":"healthy"}')
            assert asked_of(proxy, "GET", "/_ping") == (401, b"Unauthorized")
            assert asked_of(proxy, "GET", "/_ping", **{"X-Hawser-Token": "word"}) == (200, b"OK")
            assert json.loads(asked_of(proxy, "GET", "/_hawser/info", **{"X-Hawser-Token": "word"})[1])["mode"]
        assert asked_of(old, "GET", "/_ping?token=word")[0] == 200
        assert asked_of(new, "GET", "/_ping?token=word")[0] == 401
        assert {asked_of(new, "GET", "/_ping")[0] for _ in range(10)} == {401, 429}


def test_standard_ends_a_push_cleanly_when_its_time_is_over(docker_engine: RunningDocker) -> None:
    """The registry never answers; the caller is told 200 and an end, without a digest."""
    over = threading.Event()

    def stall(asked: Asked) -> Reply:
        asked.receive()
        over.wait(20)
        return Reply(500)

    with (
        ScriptedServer(stall) as registry,
        StandardProxy(SocketEngine(str(docker_engine.socket)), limit=0.3) as proxy,
    ):
        name = f"{registry.authority}/played/cut"
        docker_engine("import", "-", f"{name}:1", input=b"\0" * 1024)
        status, told = asked_of(proxy, "POST", f"/images/{name}/push?tag=1", **{"X-Registry-Auth": "e30="})
        over.set()
        assert (status, proxy.cut) == (200, 1)
        assert b"digest" not in told
        docker_engine("rmi", f"{name}:1")


def test_standard_has_a_dead_engines_words(tmp_path: Path) -> None:
    with StandardProxy(SocketEngine(str(tmp_path / "none.sock"))) as proxy:
        assert asked_of(proxy, "GET", "/_hawser/health")[0] == 503
        status, text = asked_of(proxy, "GET", "/version")
        assert status == 502
        assert text.startswith(b"Docker request failed: ")
