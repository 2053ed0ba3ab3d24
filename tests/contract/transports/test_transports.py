"""What every Transport to a Docker engine does: over its socket, a stock agent, and our agent, to one and the same.

What a way cannot know stands beside the cases: a stock agent's stream has no status and no headers, and an old one
carries no content to its host.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest

from lading.backends.edge_hub.failures import AgentCannot
from lading.backends.edge_hub.hub import LocalHub
from lading.backends.http.transport import HttpTransport
from lading.backends.http.websocket_dial import WebSocketDialer
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, NetworkFailed, ProtocolBroken
from lading.fronts.agent.agent import Agent, Clocks, Identity, Pace
from lading.fronts.agent.engine import Engine
from lading.main.agent import connect_url
from lading.wire.endpoint import Endpoint
from lading.wire.message import BytesContent, BytesReader, Reader, ReadFailed, Request, Response, Transport
from tests.contract.transports.told_engine import (
    ARCHIVE,
    BROKEN,
    ENDLESS,
    LINED,
    LINES,
    LONG,
    MISSING,
    REFUSAL,
    SILENT,
    TAKING,
    TOLD,
    TOO_LONG,
    ToldEngine,
    told_engine,
)
from tests.fakes.edge_bench import read_up_to
from tests.fakes.hub_door import HubDoor
from tests.fakes.stock_agent import StockAgent, Variant
from tests.fakes.stock_engine import SocketEngine
from tests.fakes.stock_playing import playing
from tests.fakes.work import BOUND_SECONDS


class Way(Enum):
    """What stands between us and the engine."""

    SOCKET = "socket"
    STOCK_OLD = "stock, old"
    STOCK_NEW = "stock, new"
    OURS = "ours"


STOCK = {Way.STOCK_OLD, Way.STOCK_NEW}


@dataclass(frozen=True)
class Reached:
    """The engine, and the way to it."""

    engine: ToldEngine
    transport: Transport
    way: Way
    people: ThreadPoolExecutor

    def ask(
        self,
        method: str,
        path: str,
        *,
        streamed: bool = False,
        body: bytes | None = None,
        reader: Reader | None = None,
        cancel: Cancellation | None = None,
        passed: Callable[[int], None] = lambda _count: None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        return self.asking(
            Request(
                method,
                f"http://docker{path}",
                headers or {},
                content=None if body is None else BytesContent(body),
                reader=reader,
                streamed=streamed,
            ),
            cancel,
            passed,
        ).result(BOUND_SECONDS)

    def asking(
        self,
        request: Request,
        cancel: Cancellation | None = None,
        passed: Callable[[int], None] = lambda _count: None,
    ) -> Future[Response]:
        return self.people.submit(self.transport.send, request, cancel or Cancellation(), passed)

    def read(self, response: Response) -> bytes:
        """All of a stream."""
        assert response.stream is not None
        with closing(response.stream) as stream:
            return self.people.submit(read_up_to, stream).result(BOUND_SECONDS)


@pytest.fixture(params=Way, ids=lambda way: way.value)
def reached(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reached]:
    way: Way = request.param
    with (
        told_engine(tmp_path) as engine,
        opened_way(way, engine, tmp_path) as transport,
        ThreadPoolExecutor(4) as people,
    ):
        yield Reached(engine, transport, way, people)


@contextmanager
def opened_way(way: Way, engine: ToldEngine, folder: Path) -> Iterator[Transport]:
    with ExitStack() as stack:
        direct = HttpTransport(lambda host: Endpoint(host, socket=engine.path), {}, "lading/tests")
        stack.callback(direct.close)
        if way is Way.SOCKET:
            yield direct
            return
        hub = LocalHub(folder / "agents", 2**28, time.time, time.monotonic, lambda: str(uuid.uuid4()))
        stack.callback(hub.close)
        door = stack.enter_context(HubDoor(hub.attach))
        if way is Way.OURS:
            stack.enter_context(our_agent(door.url, direct))
        else:
            variant = Variant.OLD if way is Way.STOCK_OLD else Variant.NEW
            stack.enter_context(playing(StockAgent(door.url, "1", SocketEngine(engine.path), variant)))
        assert hub.back(1, Cancellation(), BOUND_SECONDS)
        yield hub.transport(1)


@contextmanager
def our_agent(url: str, engine: Transport) -> Iterator[None]:
    """As `lading agent` runs it."""
    dial = WebSocketDialer(connect_url(url), Endpoint(""), {}, "lading/tests")
    clocks = Clocks(time.monotonic, time.time, lambda: 0.5)
    agent = Agent(dial, url, Engine(engine), Identity("a", "edge", "host", "1", "1"), pace=Pace(), clocks=clocks)

    def run(cancel: Cancellation) -> None:
        with pytest.raises(Cancelled):
            agent.run(cancel)

    with ThreadPoolExecutor(1) as thread, Cancellation() as cancel:
        running = thread.submit(run, cancel)
        try:
            yield
        finally:
            cancel.cancel()
            running.result(BOUND_SECONDS)


def test_an_answer_comes_whole_with_its_status_and_headers(reached: Reached) -> None:
    response = reached.ask("GET", TOLD)

    assert (response.status, response.body, response.stream) == (200, b'{"told":true}', None)
    assert response.headers["content-type"] == "application/json"


def test_the_engine_gets_method_path_query_and_headers_as_they_are(reached: Reached) -> None:
    reached.ask("GET", f"{TOLD}?filters=%7B%22a%22%3A%5B%22b%20c%22%5D%7D&all=1", headers={"X-Registry-Auth": "e30="})

    (line, headers) = reached.engine.asked[-1]
    assert line == f"GET {TOLD}?filters=%7B%22a%22%3A%5B%22b%20c%22%5D%7D&all=1 HTTP/1.1"
    assert headers["x-registry-auth"] == "e30="


def test_a_refusal_is_an_answer(reached: Reached) -> None:
    response = reached.ask("GET", MISSING)

    assert (response.status, response.body) == (404, REFUSAL)


def test_a_stream_is_open_and_comes_to_its_end(reached: Reached) -> None:
    response = reached.ask("POST", LINED, streamed=True)

    assert (response.status, response.body) == (200, b"")
    assert reached.read(response) == b"".join(LINES)


def test_a_stream_that_is_refused_is_a_whole_answer(reached: Reached) -> None:
    response = reached.ask("GET", MISSING, streamed=True)

    assert (response.status, response.body, response.stream) == (500 if reached.way in STOCK else 404, REFUSAL, None)


def test_a_long_stream_comes_byte_for_byte(reached: Reached) -> None:
    assert reached.read(reached.ask("GET", LONG, streamed=True)) == ARCHIVE


def test_what_is_read_whole_has_a_bound(reached: Reached) -> None:
    with pytest.raises(ProtocolBroken):
        reached.ask("GET", TOO_LONG)


def test_an_answer_that_breaks_off_is_no_whole_one(reached: Reached) -> None:
    response = reached.ask("GET", BROKEN, streamed=True)

    with pytest.raises(NetworkFailed):
        reached.read(response)


def test_a_stream_that_is_closed_ends_the_engines_work(reached: Reached) -> None:
    stream = reached.ask("GET", ENDLESS, streamed=True).stream
    assert stream is not None
    assert read_up_to(stream, 1000).startswith(LINES[0])

    stream.close()
    stream.close()

    assert reached.engine.hung_up.wait(BOUND_SECONDS)
    assert stream.readinto(memoryview(bytearray(1))) == 0


def test_a_cancel_ends_the_wait_for_an_answer_and_the_engines_work(reached: Reached) -> None:
    cancel = Cancellation()
    asking = reached.asking(Request("POST", f"http://docker{SILENT}", streamed=True), cancel)
    assert reached.engine.reached_silence.wait(BOUND_SECONDS)

    cancel.cancel()

    with pytest.raises(Cancelled):
        asking.result(BOUND_SECONDS)
    assert reached.engine.hung_up.wait(BOUND_SECONDS)


def test_a_cancel_ends_the_reading(reached: Reached) -> None:
    cancel = Cancellation()
    stream = reached.ask("GET", ENDLESS, streamed=True, cancel=cancel).stream
    assert stream is not None

    cancel.cancel()

    with pytest.raises(Cancelled), closing(stream):
        reached.people.submit(read_up_to, stream).result(BOUND_SECONDS)
    assert reached.engine.hung_up.wait(BOUND_SECONDS)


@pytest.mark.parametrize("known", [True, False])
def test_content_arrives_whole(reached: Reached, known: bool) -> None:
    content, counted = ARCHIVE, list[int]()
    if reached.way is Way.STOCK_OLD:
        with pytest.raises(AgentCannot):
            reached.ask("POST", TAKING, body=content)
        return

    response = reached.ask(
        "POST",
        TAKING,
        body=content if known else None,
        reader=None if known else BytesReader(content),
        passed=counted.append,
    )

    assert json.loads(response.body) == {"size": len(content)}
    assert reached.engine.bodies == [(len(content), True)]
    assert sum(counted) == len(content)


class BreakingReader:
    """A mebibyte, and then its file fails; once somebody has begun to take it, where that is waited for."""

    def __init__(self, taking: threading.Event | None) -> None:
        self._left, self._taking = 2**20, taking

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._left:
            assert self._taking is None or self._taking.wait(BOUND_SECONDS)
            raise ReadFailed("the archive", "as planned")
        count = min(len(buffer), self._left)
        self._left -= count
        return count

    def close(self) -> None:
        """Nothing is held."""


def test_content_that_breaks_off_here_is_no_whole_one_there(reached: Reached) -> None:
    at_once = reached.way in STOCK  # in one frame, or not at all
    broken = BreakingReader(None if at_once else reached.engine.taking)

    with pytest.raises(AgentCannot if reached.way is Way.STOCK_OLD else ReadFailed):
        reached.ask("POST", TAKING, reader=broken, streamed=True)

    assert at_once or reached.engine.took.wait(BOUND_SECONDS)
    assert [whole for _, whole in reached.engine.bodies] == ([] if at_once else [False])


def test_who_has_stopped_asking_asks_nothing(reached: Reached) -> None:
    cancel = Cancellation()
    cancel.cancel()

    with pytest.raises(Cancelled):
        reached.ask("GET", TOLD, cancel=cancel)
    assert [line for line, _ in reached.engine.asked if TOLD in line] == []


def test_an_engine_that_is_gone_is_no_answer(reached: Reached) -> None:
    Path(reached.engine.path).unlink()

    with pytest.raises(NetworkFailed):
        reached.ask("GET", TOLD)
