"""Two servers of one database: an agent at one is worked with at the other, over their own door."""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lading.backends.credentials.box import GivenKeys
from lading.backends.edge_hub.elsewhere import (
    OtherServerFailed,
    OtherServerRefused,
    OtherServers,
    OtherServerUnreadable,
)
from lading.backends.edge_hub.failures import BufferFull
from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, NetworkFailed
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.replica_api.application import ReplicaApi
from lading.services.hub.hub import AgentAway
from lading.services.hub.shared_hub import AgentBeyond, Replica, SharedHub
from lading.services.secrets import SecretBox
from lading.wire.endpoint import Endpoint
from lading.wire.message import BytesContent, BytesReader, Cancel, ConnectionLost, Request, Response, Stalled
from lading.wire.replica_call import CALL_FIELD, CALL_SECONDS, Call, Failure, Fault, call_place, call_text
from tests.fakes.clock import WaitingClock
from tests.fakes.docker_archives import read_to_end
from tests.fakes.memory_hub import HELLO, Link, MemoryHub, MemoryPresences

CANCEL = Cancellation()
"""What asks for nothing to stop."""


def new_box() -> SecretBox:
    """With a key of its own."""
    return GivenKeys(base64.b64encode(os.urandom(32)).decode()).box(making=True)


class Engine:
    """What stands behind the agent; tests say what it does next."""

    def __init__(self) -> None:
        self.asked: list[tuple[Request, bytes]] = []
        self.answer: Response | Exception = Response(200, {"api-version": "1.51"}, b"OK")

    def __call__(self, request: Request, cancel: Cancel) -> Response:
        body = read_to_end(request.reader) if request.reader is not None else b""
        self.asked.append((request, body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Server:
    """One of the servers, with its own agents and door."""

    local: MemoryHub
    shared: SharedHub
    url: str
    engine: Engine


class Fixture:
    """Servers over the same rows; each with a clock and a key, the same unless a test says otherwise."""

    def __init__(self) -> None:
        self.clock = WaitingClock()
        self.records = MemoryPresences(self.clock)
        self.box = new_box()
        self.transport = HttpTransport(Endpoint, {}, "lading/tests")

    @contextmanager
    def server(self, name: str, *, door: bool = True, box: SecretBox | None = None) -> Iterator[Server]:
        engine = Engine()
        local, key = MemoryHub(engine, self.clock), box or self.box
        with ByteServer(
            [("127.0.0.1", 0)], ReplicaApi(local, key, self.clock), watches_work=True, half_close_leaves=True
        ) as listening:
            host, port = listening.addresses[0]
            url = f"http://{host}:{port}"
            counted = iter(range(10_000))
            others = OtherServers(
                self.transport,
                key,
                self.clock,
                lambda: f"{name}-{next(counted)}",
                lambda: Cancellation(10, clock=time.monotonic),
            )
            replica = Replica(name, url if door else "")
            shared = SharedHub(
                local, local.attach, self.records, others, replica, steady=time.monotonic, told_seconds=0.02
            )
            try:
                yield Server(local, shared, url, engine)
            finally:
                shared.close()


@pytest.fixture
def world() -> Iterator[Fixture]:
    fixture = Fixture()
    yield fixture
    fixture.transport.close()


@pytest.fixture
def servers(world: Fixture) -> Iterator[tuple[Server, Server]]:
    """The first holds the agent of environment 7."""
    with world.server("one") as one, world.server("two") as two:
        one.shared(7, HELLO, "192.0.2.7", Link())
        world.records.wait(lambda rows: 7 in rows)
        yield one, two


def request(**fields: Any) -> Request:  # Any: the fields of Request
    return replace(Request("GET", "http://docker/v1.51/images/json?all=1", {"X-Registry-Auth": "c2VjcmV0"}), **fields)


def test_a_question_reaches_the_agent_and_its_answer_comes_back(servers: tuple[Server, Server]) -> None:
    one, two = servers

    response = two.shared.transport(7).send(request(), CANCEL)

    assert (response.status, response.headers, response.body) == (200, {"api-version": "1.51"}, b"OK")
    asked, _ = one.engine.asked[0]
    assert (asked.method, asked.url) == ("GET", "http://docker/v1.51/images/json?all=1")
    assert asked.headers == {"X-Registry-Auth": "c2VjcmV0"}


def test_both_tell_of_the_agent(servers: tuple[Server, Server]) -> None:
    one, two = servers

    for server in (one, two):
        assert [each.environment for each in server.shared.presences()] == [7]
        presence = server.shared.presence(7)
        assert presence is not None
        assert (presence.hello.agent_name, presence.address) == ("attic", "192.0.2.7")
        assert server.shared.back(7, CANCEL, 0)


@pytest.mark.parametrize("streamed", [True, False])
def test_bodies_go_both_ways_whole(servers: tuple[Server, Server], streamed: bool) -> None:
    one, two = servers
    content = os.urandom(3_000_000)
    one.engine.answer = Response(201, {}, b"", BytesReader(content)) if streamed else Response(201, {}, content[:5000])

    given = two.shared.transport(7).send(request(method="POST", reader=BytesReader(content), streamed=streamed), CANCEL)
    known = two.shared.transport(7).send(request(method="POST", content=BytesContent(content), start=5), CANCEL)

    assert given.status == known.status == 201
    if known.stream is not None:
        known.stream.close()
    assert [body for _, body in one.engine.asked] == [content, content[5:]]
    assert (given.body if given.stream is None else read_to_end(given.stream)) == content[: None if streamed else 5000]


class Broken:
    """A stream that ends before it is over."""

    def __init__(self) -> None:
        self._told = False

    def readinto(self, buffer: memoryview, /) -> int:
        if self._told:
            raise ConnectionLost("the agent", "its socket is gone")
        self._told = True
        buffer[:4] = b"half"
        return 4

    def close(self) -> None:
        """Nothing is held."""


def test_a_stream_that_breaks_there_breaks_here(servers: tuple[Server, Server]) -> None:
    one, two = servers
    one.engine.answer = Response(200, {}, b"", Broken())

    response = two.shared.transport(7).send(request(streamed=True), CANCEL)

    assert response.stream is not None
    with pytest.raises(NetworkFailed):
        read_to_end(response.stream)


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (AgentAway(7), AgentAway),
        (ConnectionLost("the agent", "gone"), ConnectionLost),
        (Stalled("the agent", 30.0), Stalled),
        (AgentBeyond(7), AgentAway),
    ],
)
def test_what_went_wrong_there_is_told_as_what_it_is(
    servers: tuple[Server, Server], fault: Exception, raised: type[Exception]
) -> None:
    one, two = servers
    one.engine.answer = fault

    with pytest.raises(raised):
        two.shared.transport(7).send(request(), CANCEL)


def test_a_refusal_keeps_its_sentence_and_its_hint(servers: tuple[Server, Server]) -> None:
    one, two = servers
    failure = Failure(Fault.REFUSED, "it takes no archives", "use another agent", "denied")
    one.engine.answer = OtherServerRefused(failure)

    with pytest.raises(OtherServerRefused, match="it takes no archives") as told:
        two.shared.transport(7).send(request(), CANCEL)
    assert (told.value.hint, told.value.code) == (failure.hint, failure.code)


def test_a_fault_there_is_told_in_its_words_and_not_taken_for_a_stranger_at_that_address(
    servers: tuple[Server, Server],
) -> None:
    one, two = servers
    one.engine.answer = BufferFull("/srv/lading/agents")

    with pytest.raises(OtherServerFailed, match=r"^there is no room for what an agent sent$") as told:
        two.shared.transport(7).send(request(), CANCEL)
    assert (told.value.hint, told.value.code) == (BufferFull.hint, BufferFull.code)


def test_who_has_no_agent_anywhere_is_told_so(servers: tuple[Server, Server]) -> None:
    _, two = servers

    with pytest.raises(AgentAway, match=r"^Edge agent not connected$"):
        two.shared.transport(8).send(request(), CANCEL)
    assert two.shared.presence(8) is None


def test_an_agent_that_comes_to_another_server_is_taken_along(world: Fixture, servers: tuple[Server, Server]) -> None:
    one, two = servers
    world.clock.now += 5
    older = one.local.links[7]

    two.shared(7, HELLO, "192.0.2.7", Link())
    world.records.wait(lambda rows: rows[7].process == "two")
    world.records.wait(lambda _: one.local.presence(7) is None)

    assert isinstance(older, Link)
    assert older.closed == [(1000, "Replaced by a newer connection")]
    one.shared.transport(7).send(request(), CANCEL)
    assert len(two.engine.asked) == 1


def test_a_dismissal_reaches_the_agent_wherever_it_is(servers: tuple[Server, Server]) -> None:
    one, two = servers

    two.shared.dismiss(7, 1000, "Token regenerated")

    assert one.local.dismissed == [(7, 1000, "Token regenerated")]


def test_a_server_that_stops_takes_its_rows_along(world: Fixture, servers: tuple[Server, Server]) -> None:
    one, two = servers

    one.shared.close()

    assert world.records.rows == {}
    with pytest.raises(AgentAway):
        two.shared.transport(7).send(request(), CANCEL)


def test_the_agents_of_a_server_that_died_are_gone_in_a_while(world: Fixture) -> None:
    with world.server("two") as two:
        with world.server("one") as one:
            one.shared(7, HELLO, "192.0.2.7", Link())
            world.records.wait(lambda rows: 7 in rows)
            left = dict(world.records.rows)
        world.records.rows.update(left)
        assert two.shared.presence(7) is not None

        world.clock.now += 30

        assert two.shared.presence(7) is None
        assert two.shared.presences() == []


def test_whoever_waits_for_an_agent_is_not_content_with_what_a_dead_server_left(world: Fixture) -> None:
    with world.server("two") as two:
        with world.server("one") as one:
            one.shared(7, HELLO, "192.0.2.7", Link())
            world.records.wait(lambda rows: 7 in rows)
            left = dict(world.records.rows)
        world.records.rows.update(left)

        assert not two.shared.back(7, CANCEL, 0.01)

        two.shared(7, HELLO, "192.0.2.7", Link())
        assert two.shared.back(7, CANCEL, 0.01)


def test_whoever_waits_for_an_agent_is_content_when_another_server_says_anew_that_it_is_there(
    world: Fixture, servers: tuple[Server, Server]
) -> None:
    _, two = servers
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(two.shared.back, 7, CANCEL, 20)
        while wait([waiting], 0.01).not_done:
            world.clock.now += 0.001
    assert waiting.result()


def test_a_server_without_a_door_says_which_setting_it_needs(world: Fixture) -> None:
    with world.server("one", door=False) as one, world.server("two") as two:
        one.shared(7, HELLO, "192.0.2.7", Link())
        world.records.wait(lambda rows: 7 in rows)

        with pytest.raises(AgentBeyond) as told:
            two.shared.transport(7).send(request(), CANCEL)

    assert str(told.value) == "Edge agent not connected"
    assert "replica-listen" in str(told.value.hint)


def test_who_gives_up_here_gives_up_there(servers: tuple[Server, Server]) -> None:
    one, two = servers
    given_up, asked = threading.Event(), threading.Event()

    def endless(request: Request, cancel: Cancel) -> Response:
        asked.set()
        try:
            cancel.wait(60)
        except Cancelled:
            given_up.set()
            raise
        return Response(200)

    one.local.engine = endless
    cancel = Cancellation()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            two.shared.transport(7).send(request(), cancel)
        except Cancelled as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert asked.wait(60)
    cancel.cancel()
    thread.join(60)

    assert failed
    assert given_up.wait(60)


# ── who is no server of ours


def post(world: Fixture, server: Server, sealed: str, environment: int = 7) -> int:
    asked = Request("POST", f"{server.url}/agents/{environment}", {CALL_FIELD: sealed})
    return world.transport.send(asked, CANCEL).status


def test_nobody_without_the_key_gets_to_an_agent(world: Fixture, servers: tuple[Server, Server]) -> None:
    one, _ = servers
    other = new_box()
    call = call_text(Call(world.clock(), "x", url="http://docker/_ping"))

    for sealed in ("", "nonsense", call, other.seal(call_place(7), call)):
        assert post(world, one, sealed) == 403
    assert one.engine.asked == []
    with world.server("three", box=other) as three, pytest.raises(OtherServerUnreadable):
        three.shared.transport(7).send(request(), CANCEL)


def test_a_call_holds_once_for_its_agent_and_for_a_while(world: Fixture, servers: tuple[Server, Server]) -> None:
    one, _ = servers
    sealed = world.box.seal(call_place(7), call_text(Call(world.clock(), "x", url="http://docker/_ping")))
    late = world.box.seal(call_place(7), call_text(Call(world.clock(), "y", url="http://docker/_ping")))

    assert post(world, one, sealed, environment=8) == 403
    assert post(world, one, sealed) == 200
    assert post(world, one, sealed) == 403
    world.clock.now += CALL_SECONDS + 1
    assert post(world, one, late) == 403
    assert len(one.engine.asked) == 1


@pytest.mark.parametrize("path", ["/", "/agents/", "/agents/x", "/agents/7/x", "/agents/%C2%B2"])
def test_there_is_nothing_else_at_this_door(world: Fixture, servers: tuple[Server, Server], path: str) -> None:
    one, _ = servers

    assert world.transport.send(Request("POST", one.url + path), CANCEL).status == 404
    assert world.transport.send(Request("GET", one.url + "/agents/7"), CANCEL).status == 404
