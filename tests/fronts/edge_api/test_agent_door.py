"""Agents come in: what is said before they are known, who is refused and how, and what becomes of their messages."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from lading.errors import StorageFailed
from lading.fronts.edge_api.limits import EdgeLimits
from lading.services.agents.logins import ReconnectingTooOften
from tests.fakes.websocket_client import BINARY, PING, PONG, TEXT, Closed, WebSocketClient
from tests.fronts.edge_api.edge_world import HELLO, OURS, TOKEN, EdgeWorld, edge_world

NOT_YET = {"type": "error", "error": "Not authenticated", "message": "Not authenticated"}
WRONG = {"type": "error", "error": "Invalid token", "message": "Invalid token"}


@pytest.fixture(scope="module")
def shared() -> Iterator[EdgeWorld]:
    with edge_world() as world:
        yield world


@pytest.fixture
def world(shared: EdgeWorld) -> EdgeWorld:
    shared.played.failure = None
    shared.played.logins.clear()
    return shared


def test_an_agent_is_welcomed_and_heard(world: EdgeWorld) -> None:
    with world.agent() as (client, attached):
        assert (attached.environment, attached.address) == (7, "127.0.0.1")
        assert attached.hello.agent_name == "rack 3"
        client.say(type="ping", timestamp=1)
        client.send(BINARY, b"piece")
        assert attached.next() == '{"type": "ping", "timestamp": 1}'
        assert attached.next() == b"piece"


def test_the_hub_is_not_told_the_token(world: EdgeWorld) -> None:
    with world.agent() as (_, attached):
        assert attached.hello.token == ""


def test_what_the_hub_says_goes_out_in_order(world: EdgeWorld) -> None:
    with world.agent() as (client, attached):
        for number in range(200):
            attached.link.send(str(number))
        attached.link.send(b"\0\1")
        assert [client.receive() for _ in range(200)] == [(TEXT, str(number).encode()) for number in range(200)]
        assert client.receive() == (BINARY, b"\0\1")


def test_a_close_comes_after_what_was_said(world: EdgeWorld) -> None:
    with world.agent() as (client, attached):
        attached.link.send("last")
        attached.link.close(1000, "Token regenerated")
        attached.link.send("too late")
        assert client.receive() == (TEXT, b"last")
        assert client.ended() == Closed(1000, "Token regenerated")
        assert attached.next() is None
        assert world.played.left_by(attached.link)


@pytest.mark.parametrize("tidy", [True, False])
def test_the_hub_learns_when_an_agent_is_gone(world: EdgeWorld, tidy: bool) -> None:
    with world.agent() as (client, attached):
        if tidy:
            client.close()
        else:
            client.socket.close()
        assert attached.next() is None
        attached.link.send("nobody hears it")
        attached.link.close(1000, "nor this")


def test_who_has_not_logged_in_is_told_so_and_may_still_do_it(world: EdgeWorld) -> None:
    with world.connect() as client:
        client.say(type="ping", timestamp=1)
        assert client.hear() == NOT_YET
        client.send(BINARY, b"\0")
        assert client.hear() == NOT_YET
        client.say(**HELLO, token=TOKEN)
        assert client.hear()["type"] == "welcome"


def test_who_goes_on_without_a_login_is_sent_away(world: EdgeWorld) -> None:
    with world.connect() as client:
        for _ in range(50):
            client.say(type="ping", timestamp=1)
        assert client.ended() == Closed(1008, "Not authenticated")
    assert not world.played.logins


def test_who_says_nothing_is_sent_away() -> None:
    with edge_world(EdgeLimits(login_seconds=0.1)) as world, world.connect() as client:
        assert client.hear() == NOT_YET
        assert client.ended() == Closed(1008, "Not authenticated")


def test_a_wrong_token_is_told_under_both_names_and_closed(world: EdgeWorld) -> None:
    with world.connect() as client:
        client.say(**HELLO, token="wrong")
        assert client.hear() == WRONG
        assert client.ended() == Closed(1008, "Invalid token")


def test_a_refusal_says_when_to_come_again(world: EdgeWorld) -> None:
    world.played.failure = ReconnectingTooOften(60)
    text = "Reconnection throttled. Retry after 60s."
    with world.connect() as client:
        client.say(**HELLO, token=TOKEN)
        assert client.hear() == {"type": "error", "error": text, "message": text, "retryAfter": 60}
        assert client.ended() == Closed(1008, text)


@pytest.mark.parametrize("failure", [StorageFailed("the database is away"), RuntimeError("a mistake")])
def test_our_own_faults_are_called_so_and_nothing_is_told_of_them(
    world: EdgeWorld, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world.played.failure = failure
    with world.connect() as client:
        client.say(**HELLO, token=TOKEN)
        assert client.hear()["error"] == "Authentication failed"
        assert client.ended() == Closed(1011, "Authentication failed")
    assert "an agent could not be let in" in caplog.text


@pytest.mark.parametrize("frame", ["{", "[]", '{"no": "type"}', '{"type": "hello", "token": 5}', '{"type": "hello", "'])
def test_a_frame_that_cannot_be_read_is_no_login(world: EdgeWorld, frame: str) -> None:
    with world.connect() as client:
        client.send(TEXT, frame.encode())
        assert client.hear()["error"] == "Authentication failed"
        assert client.ended() == Closed(1008, "Authentication failed")


def test_the_log_says_who_came_and_no_token(world: EdgeWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with world.agent() as (_, attached):
        attached.link.close(1000, "done")
        assert attached.next() is None
    with WebSocketClient(world.address, f"/api/hawser/connect?token={TOKEN}") as client:
        client.say(**HELLO, token=TOKEN[:-1])
        client.ended()
    said = [json.dumps(vars(record), default=str) for record in caplog.records if record.name.startswith("lading")]
    assert any('"environment": 7' in line and '"agent": "rack 3"' in line for line in said)
    assert not [line for line in said if TOKEN[:-1] in line]


# ── addresses and names


def test_an_address_is_what_a_trusted_proxy_says() -> None:
    with edge_world(proxies=("127.0.0.1",)) as world, world.connect(X_Forwarded_For="10.1.2.3, 192.0.2.9") as client:
        client.say(**HELLO, token=TOKEN)
        assert world.played.next().address == "192.0.2.9"
        assert world.played.logins[0][0] == "192.0.2.9"


def test_an_address_is_not_what_somebody_else_says(world: EdgeWorld) -> None:
    with world.connect(X_Forwarded_For="192.0.2.9") as client:
        client.say(**{**HELLO, "agentId": "stranger"}, token=TOKEN)
        assert world.played.next("stranger").address == "127.0.0.1"


def test_every_socket_has_an_id_that_its_login_is_recorded_under(world: EdgeWorld) -> None:
    with world.connect() as client:
        client.say(**HELLO, token="wrong")
        client.ended()
        assert world.played.logins == [("127.0.0.1", client.reply.headers["x-request-id"])]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": ""}, 400),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "lading.corp", "Origin": "https://lading.corp"}, 101),
        ({"Host": "lading.corp"}, 101),
    ],
)
def test_nobody_is_led_here_by_a_foreign_page(world: EdgeWorld, headers: dict[str, str], status: int) -> None:
    with WebSocketClient(world.address, headers=headers) as client:
        assert client.reply.status == status
        assert status == 101 or "error" in json.loads(client.reply.body)


def test_whoever_is_turned_away_writes_no_error_into_our_log(
    world: EdgeWorld, caplog: pytest.LogCaptureFixture
) -> None:
    with WebSocketClient(world.address, headers={"Origin": "https://evil.example"}) as client:
        assert client.reply.status == 403
        assert client.ended() is None
    with world.agent():  # the loop has gone on since
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


# ── long messages


def test_before_the_login_little_is_taken(world: EdgeWorld) -> None:
    with world.connect() as client:
        client.send(TEXT, b"x" * 70_000)
        closed = client.ended()
        assert closed is not None
        assert closed.code == 1009


def test_little_in_many_pieces_is_no_more(world: EdgeWorld) -> None:
    with world.connect() as client:
        client.send(TEXT, b"x", fin=False)
        for _ in range(20_000):
            try:
                client.send(0, b"", fin=False)
            except ConnectionError:
                break
        assert client.ended() in (None, Closed(1009, ""))


def test_the_first_message_after_the_welcome_may_be_long(world: EdgeWorld) -> None:
    with world.agent() as (client, attached):
        client.send(TEXT, b"x" * 3_000_000)
        assert attached.next() == "x" * 3_000_000


def test_a_message_in_pieces_is_one(world: EdgeWorld) -> None:
    """As agents of the field cut theirs, at 4 KiB."""
    with world.agent() as (client, attached):
        client.send(TEXT, b"first ", fin=False)
        client.send(PING, b"in between")
        client.send(0, b"second ", fin=False)
        client.send(0, b"third")
        assert client.receive() == (PONG, b"in between")
        assert attached.next() == "first second third"


def test_an_agent_of_ours_sends_short_ones(world: EdgeWorld) -> None:
    with world.agent(OURS) as (client, attached):
        client.send(BINARY, bytes(200_000))
        assert attached.next() == bytes(200_000)
        client.send(BINARY, bytes(300_000))
        closed = client.ended()
        assert closed is not None
        assert closed.code == 1009
        assert attached.next() is None


def test_text_that_is_none_is_not_taken(world: EdgeWorld) -> None:
    with world.agent() as (client, attached):
        client.send(TEXT, b"\xff\xfe")
        closed = client.ended()
        assert closed is not None
        assert closed.code == 1007
        assert attached.next() is None


def test_an_agent_that_does_not_read_is_hung_up_on() -> None:
    with edge_world(EdgeLimits(waiting_bytes=1_000_000)) as world, world.agent() as (_, attached):
        for _ in range(200):
            attached.link.send(bytes(500_000))
        assert attached.next() is None


def test_a_close_does_not_wait_for_an_agent_that_does_not_read() -> None:
    with edge_world(EdgeLimits(closing_seconds=0.1)) as world, world.agent() as (_, attached):
        for _ in range(40):
            attached.link.send(bytes(500_000))
        attached.link.close(1000, "Token revoked")
        assert attached.next() is None


def test_a_stopping_server_sends_agents_away() -> None:
    with edge_world() as world, world.agent() as (client, attached):
        world.server.should_exit = True
        assert client.ended() == Closed(1012, "")
        assert attached.next() is None
