"""WebSockets among the other connections of the first listener: their places, and offers that are no WebSocket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lading.fronts.http.limits import Limits
from lading.wire.tunnel_frames import FRAGMENTS_LIMIT
from tests.fakes.raw_client import WAIT_SECONDS, RawClient
from tests.fakes.websocket_client import CONTINUATION, PING, PONG, TEXT, WebSocketClient, framed
from tests.fronts.edge_api.edge_world import HELLO, TOKEN, EdgeWorld, edge_world

UPGRADE = (
    "GET /api/hawser/connect HTTP/1.1\nHost: localhost\nUpgrade: websocket\nConnection: Upgrade\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\n\n"
)


@pytest.fixture(scope="module")
def world() -> Iterator[EdgeWorld]:
    with edge_world() as world:
        yield world


def once_open(world: EdgeWorld) -> WebSocketClient:
    """A socket, as soon as there is a place: a server notices a moment later that another one has ended."""
    for _ in range(1000):
        client = world.connect()
        if client.reply.status == 101:
            return client
        client.socket.close()
    raise AssertionError("nobody got in again")


def test_strangers_share_the_places_of_their_address() -> None:
    with edge_world(connections=Limits(per_address=1)) as world:
        with world.connect() as first:
            assert first.reply.status == 101
            with world.connect() as second:
                assert second.reply.status == 503
        once_open(world).socket.close()


def test_a_site_may_have_any_number_of_agents() -> None:
    with edge_world(connections=Limits(per_address=1)) as world:
        agents = [world.agent() for _ in range(5)]
        for agent in agents:
            agent.__enter__()
        with world.connect() as another:
            assert another.reply.status == 101
        for agent in agents:
            agent.__exit__(None, None, None)
        once_open(world).socket.close()


def test_agents_and_others_are_so_many_in_all() -> None:
    with edge_world(connections=Limits(connections=2)) as world, world.agent(), world.connect() as second:
        assert second.reply.status == 101
        with world.connect() as third:
            assert third.reply.status == 503


def test_the_place_of_an_agent_that_is_gone_is_free() -> None:
    with edge_world(connections=Limits(connections=1)) as world:
        with world.agent():
            pass
        once_open(world).socket.close()


def test_who_is_gone_before_it_is_known_is_not_let_in_and_leaves_one_place() -> None:
    """Letting it in would throw out the agent itself, where it has come again meanwhile."""
    with edge_world(connections=Limits(connections=1)) as world:
        world.played.go_on.clear()
        with world.connect() as client:
            client.say(**{**HELLO, "agentId": "gone"}, token=TOKEN)
            assert world.played.looking.wait(WAIT_SECONDS)
        with once_open(world) as next_client:
            world.played.go_on.set()
            next_client.say(**{**HELLO, "agentId": "next"}, token=TOKEN)
            assert next_client.hear()["type"] == "welcome"
            assert world.played.attached.get(timeout=WAIT_SECONDS).hello.agent_id == "next"
            with world.connect() as another:
                assert another.reply.status == 503
        once_open(world).socket.close()


def test_a_kept_connection_may_become_a_socket(world: EdgeWorld) -> None:
    with RawClient(world.address) as client:
        assert client.send("GET /word HTTP/1.1\nHost: localhost\n\n").reply().body == b"word"
        assert client.send(UPGRADE).head().status == 101


def test_no_socket_opens_in_the_middle_of_an_answer(world: EdgeWorld) -> None:
    with RawClient(world.address) as client:
        client.send(f"GET /word HTTP/1.1\nHost: localhost\n\n{UPGRADE}")
        try:
            came = client.socket.recv(65536)
        except ConnectionResetError:
            came = b""
        assert b"101 " not in came


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/images"), ("POST", "/api/hawser/connect")])
def test_elsewhere_the_offer_is_passed_over(world: EdgeWorld, method: str, path: str) -> None:
    with WebSocketClient(world.address, path, method=method) as client:
        assert (client.reply.status, client.reply.body) == (200, b"word")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Key": ""},
        {"Sec-WebSocket-Version": "8"},
        {"Content-Length": "5"},
        {"Connection": "keep-alive, x"},
    ],
)
def test_an_upgrade_that_is_none_is_answered_and_closed(world: EdgeWorld, headers: dict[str, str]) -> None:
    with WebSocketClient(world.address, headers=headers) as client:
        assert client.reply.status in {400, 426} or client.reply.body == b"word"


def test_a_message_in_endless_pieces_ends_the_connection(world: EdgeWorld) -> None:
    with world.agent() as (client, attached):
        client.send(TEXT, b"x", fin=False)
        empty = framed(CONTINUATION, fin=False) * 1024
        try:
            for _ in range(FRAGMENTS_LIMIT // 1024 * 2):
                client.socket.sendall(empty)
        except ConnectionError:
            pass
        assert attached.next() is None


def test_pongs_do_not_pile_up_for_who_does_not_read(world: EdgeWorld) -> None:
    """More of them than a connection holds: some are dropped, and what comes after is heard."""
    with world.agent() as (client, attached):
        pings = framed(PING, b"x" * 125) * 1000
        for _ in range(100):
            client.socket.sendall(pings)
        client.send(TEXT, b"after")
        assert attached.next() == "after"
        attached.link.send("end")
        pongs = 0
        while client.receive()[0] == PONG:
            pongs += 1
        assert 0 < pongs < 100_000
