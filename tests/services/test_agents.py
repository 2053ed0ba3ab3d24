"""Agents: who gets in, how often, what goes on record, and that the socket ends with what let it in."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from lading.services.access import Actor, Denied, NotLoggedIn
from lading.services.agents.agents import Agents
from lading.services.agents.logins import (
    Admitted,
    AgentRefused,
    AgentTokenMissing,
    AgentTokenWrong,
    EnvironmentNotEdge,
    ReconnectingTooOften,
    TooManyWrongTokens,
)
from lading.services.agents.tokens import AgentTokenForm, AgentTokenInvalid, agent_token_hash
from lading.services.agents.view import agent_json, agent_token_json
from lading.services.clocks import Clocks
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRow
from lading.services.named_rows import RowUnknown
from tests.fakes.agents import MemoryAgents, PlayedHub, PlayedLink, hello, presence_of
from tests.fakes.environment_bench import ADMIN, actor
from tests.fakes.environment_records import KeptTrail, MemoryEnvironments
from tests.fakes.jobs import MemoryWakes
from tests.fakes.records import Clock

ADDRESS = "192.0.2.7"
NOW = 1_800_000_000.0


class World:
    """Two edge environments and a socket, without tokens yet."""

    def __init__(self) -> None:
        self.environments = MemoryEnvironments()
        self.records = MemoryAgents(self.environments)
        self.hub, self.trail, self.wakes = PlayedHub(), KeptTrail(), MemoryWakes()
        self.clock, self.given = Clock(NOW), 0
        self.agents = Agents(
            self.records,
            self.environments,
            self.hub,
            self.trail,
            clocks=Clocks(self.clock, self.clock),
            random=self._random,
            wakes=self.wakes,
        )
        self.far, self.near = (self.add(name, ConnectionType.HAWSER_EDGE) for name in ("far", "near"))

    def add(self, name: str, kind: ConnectionType) -> int:
        return self.environments.add_environment(lambda key: EnvironmentRow(key, name, kind)).id

    def _random(self, count: int) -> bytes:
        self.given += 1
        return self.given.to_bytes(count, "little")

    def token(self, environment: int | None = None, expires: float | None = None) -> str:
        """A new one, and nothing of how it came to be on the trail."""
        form = AgentTokenForm("t", environment or self.far, expires)
        secret = self.agents.tokens.add(ADMIN, form).secret
        self.trail.records.clear()
        self.hub.dismissed.clear()
        return secret

    def login(self, token: str, address: str = ADDRESS) -> Admitted:
        return self.agents.login(hello(token), address, "1")

    def refused(self, token: str, address: str = ADDRESS) -> str:
        with pytest.raises(AgentRefused) as caught:
            self.login(token, address)
        return str(caught.value)

    @property
    def recorded(self) -> list[tuple[str, int | None, str]]:
        """Of whose environment, and how it ended."""
        return [(deed.entity_name, deed.environment, result.value) for _, deed, result in self.trail.records]


@pytest.fixture
def world() -> World:
    return World()


# ── tokens


def test_a_token_is_shown_once_and_kept_as_a_hash(world: World) -> None:
    made = world.agents.tokens.add(ADMIN, AgentTokenForm("rack 7", world.far, NOW + 60))

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made.secret)
    assert made.row == world.records.agent_token(made.row.id)
    assert (made.row.hash, made.row.prefix) == (agent_token_hash(made.secret), made.secret[:8])
    assert made.secret not in repr(made) + repr(world.trail.records)
    assert made.row.hash not in repr(made)


def test_without_a_name_it_has_its_environments(world: World) -> None:
    assert world.agents.tokens.add(ADMIN, AgentTokenForm("", world.far)).row.name == "far"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (AgentTokenForm("a\nb", 1), "name"),
        (AgentTokenForm("t", 1, NOW), "expiry"),
        (AgentTokenForm("t", 3), "environment"),
    ],
)
def test_what_cannot_be_made_is_told_by_field(world: World, form: AgentTokenForm, field: str) -> None:
    world.add("here", ConnectionType.SOCKET)
    with pytest.raises(AgentTokenInvalid) as caught:
        world.agents.tokens.add(ADMIN, form)
    assert caught.value.field == field
    with pytest.raises(RowUnknown, match="Environment not found"):
        world.agents.tokens.add(ADMIN, AgentTokenForm("t", 99))


def test_a_new_token_ends_the_one_before(world: World) -> None:
    first, heard = world.token(), list[str | None]()
    with world.wakes.listening(heard.append):
        second = world.agents.tokens.add(ADMIN, AgentTokenForm("t", world.far))

    assert world.hub.dismissed == [(world.far, 1000, "Token regenerated")]
    assert heard == ["agents"]
    assert world.refused(first) == "Invalid token"
    assert world.login(second.secret) == Admitted(world.far, second.row.id)


def test_a_revoked_token_opens_nothing_and_its_agent_goes(world: World) -> None:
    secret = world.token()
    (row,) = world.agents.tokens.list(ADMIN)
    world.agents.tokens.revoke(ADMIN, row.id)

    assert world.hub.dismissed == [(world.far, 1008, "Token revoked")]
    assert world.refused(secret) == "Invalid token"
    with pytest.raises(RowUnknown, match="Token not found"):
        world.agents.tokens.revoke(ADMIN, row.id)


def test_to_revoke_an_old_one_leaves_the_agent_of_the_new_one(world: World) -> None:
    world.token()
    world.token()
    old, _ = world.agents.tokens.list(ADMIN)
    world.agents.tokens.revoke(ADMIN, old.id)

    assert not world.hub.dismissed


def test_whoever_makes_a_token_may_edit_all_environments(world: World) -> None:
    """Whoever has it is the environment, and is given the logins that are meant for it."""
    for who in (actor("environments:view"), actor("environments:*", environments={world.far})):
        with pytest.raises(Denied):
            world.agents.tokens.add(who, AgentTokenForm("t", world.far))
    assert [(deed.action, deed.entity_type, result.value) for _, deed, result in world.trail.records] == [
        ("create", "agentToken", "denied")
    ] * 2
    with pytest.raises(Denied):
        world.agents.tokens.add(actor("environments:view"), AgentTokenForm("t", 99))


def test_whoever_may_edit_the_environment_takes_its_token_back(world: World) -> None:
    world.token()
    (row,) = world.agents.tokens.list(ADMIN)
    for who in (actor("environments:view"), actor("environments:edit", environments={world.near})):
        with pytest.raises(Denied):
            world.agents.tokens.revoke(who, row.id)
    with pytest.raises(Denied):
        world.agents.tokens.revoke(actor("environments:view"), 99)

    limited = actor("environments:edit", environments={world.far})
    with pytest.raises(Denied):  # as for one of another environment, which it may not know of
        world.agents.tokens.revoke(limited, 99)
    world.agents.tokens.revoke(limited, row.id)
    assert not world.agents.tokens.list(ADMIN)


def test_lists_show_what_may_be_seen(world: World) -> None:
    world.token(world.far)
    world.token(world.near)
    viewer = actor("environments:view", environments={world.near})

    assert [row.environment for row in world.agents.tokens.list(viewer)] == [world.near]
    assert [row.environment for row in world.agents.tokens.list(ADMIN, world.far)] == [world.far]
    with pytest.raises(Denied):
        world.agents.tokens.list(viewer, world.far)
    with pytest.raises(NotLoggedIn):
        world.agents.tokens.list(Actor("stranger"))


def test_what_has_ended_is_forgotten_after_a_month(world: World) -> None:
    world.token()
    world.token()
    (chore,) = world.agents.chores()
    chore.run()
    assert len(world.agents.tokens.list(ADMIN)) == 2

    world.clock.advance(31 * 24 * 60 * 60)
    chore.run()
    assert [row.active for row in world.agents.tokens.list(ADMIN)] == [True]


# ── logins


def test_a_right_token_says_whose_agent_it_is(world: World) -> None:
    secret, (row,) = world.token(), world.agents.tokens.list(ADMIN)

    assert world.login(secret) == Admitted(world.far, row.id)
    assert world.agents.tokens.list(ADMIN) == [replace(row, used=NOW)]
    ((who, deed, result),) = world.trail.records
    assert (who, deed.action, deed.entity_type, deed.environment, result.value) == (
        "agent",
        "login",
        "environment",
        world.far,
        "done",
    )
    assert deed.details == {"agentName": "far", "agentVersion": "0.2.14", "hostname": "far.example", "token": row.id}


@pytest.mark.parametrize(
    ("shown", "refusal", "sentence"),
    [
        (lambda _: "", AgentTokenMissing, "No token provided"),
        (lambda _: "wrong", AgentTokenWrong, "Invalid token"),
        (lambda secret: secret[:-1], AgentTokenWrong, "Invalid token"),
        (lambda secret: secret + "\0", AgentTokenWrong, "Invalid token"),
        (lambda secret: secret + "x" * 10_000, AgentTokenWrong, "Invalid token"),
        (lambda _: "\ud800", AgentTokenWrong, "Invalid token"),
    ],
)
def test_any_other_is_refused_in_the_words_that_agents_know(
    world: World, shown: Callable[[str], str], refusal: type[AgentRefused], sentence: str
) -> None:
    token = shown(world.token())
    with pytest.raises(refusal) as caught:
        world.login(token)

    assert (str(caught.value), caught.value.close_code, caught.value.retry_after) == (sentence, 1008, None)
    assert world.recorded == [("", None, "failed")]
    assert token not in repr(world.trail.records) or not token


def test_a_token_is_right_until_it_expires(world: World) -> None:
    secret = world.token(expires=NOW + 10)
    world.clock.advance(9)
    world.login(secret)
    world.clock.advance(1)

    assert world.refused(secret) == "Invalid token"
    assert world.recorded == [("far", world.far, "done"), ("far", world.far, "failed")]


def test_a_token_of_what_is_no_edge_environment_now_opens_nothing(world: World) -> None:
    secret = world.token()
    row = world.environments.environment(world.far)
    assert row is not None
    world.environments.change_environment(row, replace(row, connection_type=ConnectionType.SOCKET))
    with pytest.raises(EnvironmentNotEdge, match="Authentication failed"):
        world.login(secret)

    row = world.environments.environment(world.far)
    assert row is not None
    world.environments.remove_environment(row)
    assert world.refused(secret) == "Invalid token"


def test_wrong_tokens_lock_no_site_out(world: World) -> None:
    right = world.token()
    refusals = [world.refused("wrong") for _ in range(40)]

    assert refusals == ["Invalid token"] * 5 + ["Too many failed attempts"] * 35
    assert world.login(right).environment == world.far
    assert world.refused("wrong", "198.51.100.9") == "Invalid token"


def test_who_guesses_is_told_how_long_to_wait(world: World) -> None:
    for _ in range(5):
        world.refused("wrong")
    with pytest.raises(TooManyWrongTokens) as caught:
        world.login("wrong")
    assert caught.value.retry_after == 1

    world.clock.advance(1)
    assert world.refused("wrong") == "Invalid token"


def test_refusals_do_not_fill_the_trail(world: World) -> None:
    old = world.token()
    world.token()
    for _ in range(20):
        world.refused("wrong")
        world.refused("")
        world.refused(old)
    assert world.recorded == [("", None, "failed"), ("far", world.far, "failed")]

    world.clock.advance(61)
    world.refused("wrong")
    assert len(world.recorded) == 3


def test_what_an_agent_says_of_itself_is_quoted_at_no_length(world: World) -> None:
    long = replace(hello(world.token()), agent_name="a" * 5000, hostname="h" * 5000, version="v" * 5000)
    world.agents.login(long, ADDRESS, "1")
    details = world.trail.records[-1][1].details

    assert [len(str(details[name])) for name in ("agentName", "hostname", "agentVersion")] == [100] * 3


def test_one_token_that_comes_again_and_again_waits_longer_each_time(world: World) -> None:
    secret, waits = world.token(), []
    for _ in range(6):
        for _ in range(10):
            world.login(secret)
        with pytest.raises(ReconnectingTooOften) as caught:
            world.login(secret)
        assert str(caught.value) == f"Reconnection throttled. Retry after {caught.value.retry_after}s."
        waits.append(caught.value.retry_after)
        world.clock.advance(caught.value.retry_after - 0.5)
        assert world.refused(secret) == "Reconnection throttled. Retry after 1s."
        world.clock.advance(0.5)

    assert waits == [30, 60, 120, 300, 300, 300]
    world.clock.advance(601)
    for _ in range(10):
        world.login(secret)
    with pytest.raises(ReconnectingTooOften, match="after 30s"):
        world.login(secret)


def test_another_token_is_not_held_up(world: World) -> None:
    first, second = world.token(world.far), world.token(world.near)
    for _ in range(10):
        world.login(first)

    assert world.login(second).environment == world.near
    assert world.refused(first).startswith("Reconnection throttled")


def test_ten_within_two_minutes_and_more_over_time(world: World) -> None:
    secret = world.token()
    for _ in range(50):
        world.login(secret)
        world.clock.advance(12)


# ── while it is connected


def connected(world: World, secret: str) -> PlayedLink:
    link = PlayedLink()
    world.agents.arrived(world.login(secret), link)
    return link


def test_a_socket_ends_with_its_token(world: World) -> None:
    """Also where another process or a command ended it, which knows of no socket of ours."""
    links = [connected(world, world.token(world.far, NOW + 30)), connected(world, world.token(world.near))]
    watch = world.agents.watch
    watch.look()
    assert [link.closed for link in links] == [[], []]

    world.clock.advance(30)
    watch.look()
    assert [link.closed for link in links] == [[(1008, "Token expired")], []]
    world.token(world.near)
    watch.look()
    assert links[1].closed == [(1000, "Token regenerated")]


def test_a_socket_ends_that_came_while_its_token_was_taken_back(world: World) -> None:
    admitted = world.login(world.token())
    world.agents.tokens.revoke(ADMIN, admitted.token)
    link = PlayedLink()
    world.agents.arrived(admitted, link)
    world.agents.watch.look()

    assert link.closed == [(1008, "Token revoked")]


@pytest.mark.parametrize("removed", [True, False])
def test_a_socket_ends_with_its_environment(world: World, removed: bool) -> None:
    link = connected(world, world.token())
    row = world.environments.environment(world.far)
    assert row is not None
    if removed:
        world.environments.remove_environment(row)
    else:
        world.environments.change_environment(row, replace(row, connection_type=ConnectionType.SOCKET))
    world.agents.watch.look()

    assert link.closed == [(1008, "Token revoked")]


def test_who_left_is_not_closed(world: World) -> None:
    link = connected(world, world.token(expires=NOW + 1))
    world.agents.left(link)
    world.agents.left(link)
    world.clock.advance(2)
    world.agents.watch.look()

    assert not link.closed


def test_what_another_process_says_is_looked_at_at_once(world: World) -> None:
    link, ended = connected(world, world.token()), threading.Event()
    link.close = lambda *_: ended.set()  # type: ignore[method-assign]
    world.agents.watch.begin()
    try:
        (row,) = world.agents.tokens.list(ADMIN)
        world.records.remove_agent_token(row.id)
        world.agents.watch.woken("agents")
        assert ended.wait(30)
    finally:
        world.agents.watch.stop()


# ── what people see


def test_agents_are_shown_to_who_may_see_their_environment(world: World) -> None:
    world.hub.here = {each: presence_of(each) for each in (world.far, world.near)}
    viewer = actor("environments:view", environments={world.near})

    assert [each.environment for each in world.agents.presences(ADMIN)] == [world.far, world.near]
    assert [each.environment for each in world.agents.presences(viewer)] == [world.near]
    assert world.agents.presence(world.far) == presence_of(world.far)
    with pytest.raises(Denied):
        world.agents.presences(actor("images:view"))


def test_an_agent_as_json() -> None:
    assert agent_json(presence_of(3)) == {
        "environmentId": 3,
        "agentId": "5f2b",
        "agentName": "far",
        "agentVersion": "0.2.14",
        "dockerVersion": "28.0.1",
        "hostname": "far.example",
        "capabilities": ["exec", "metrics"],
        "address": "192.0.2.7",
        "connectedAt": "2027-01-15T08:00:00.000Z",
        "lastHeartbeat": "2027-01-15T08:00:00.000Z",
    }


def test_a_token_as_json(world: World) -> None:
    made = world.agents.tokens.add(ADMIN, AgentTokenForm("t", world.far, NOW + 1))
    shown = agent_token_json(made.row, NOW)

    assert shown == {
        "id": made.row.id,
        "name": "t",
        "environmentId": world.far,
        "tokenPrefix": made.secret[:8],
        "isActive": True,
        "lastUsed": None,
        "createdAt": "2027-01-15T08:00:00.000Z",
        "expiresAt": "2027-01-15T08:00:01.000Z",
    }
    assert agent_token_json(made.row, NOW + 1)["isActive"] is False
