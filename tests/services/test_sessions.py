"""Sessions: what a login gives, what it is worth, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.services.access import Permission
from lading.services.identity.authentication import Visit
from lading.services.identity.sessions import Lifetimes, cookie_hash
from tests.fakes.people import HOME, NOW, PASSWORD, People, people

ELSEWHERE = Visit("203.0.113.9", "request-2")


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


def test_a_login_gives_a_session_with_the_users_grants(all_: People) -> None:
    row = all_.user("ann", "publisher")

    session = all_.authentication.login(HOME, "ann", PASSWORD)
    actor = all_.authentication.authenticate(ELSEWHERE, session.cookie, None)

    assert (actor.name, actor.user, actor.token, actor.scopes) == ("ann", row.id, None, None)
    assert (actor.address, actor.request) == ("203.0.113.9", "request-2")
    assert actor.may(Permission.IMAGES_PUSH)
    assert session.expires == NOW + Lifetimes().idle
    assert all_.said == [("login", "user", "done")]


def test_the_database_holds_no_cookie(all_: People) -> None:
    row = all_.user("ann")
    cookie = all_.authentication.login(HOME, "ann", PASSWORD).cookie

    held = all_.database.sessions.sessions_of(row.id)

    assert [each.hash for each in held] == [cookie_hash(cookie)]
    assert len(cookie) == 43


def test_a_login_ends_the_session_that_the_browser_came_with(all_: People) -> None:
    """So nobody can prepare a session for somebody else to log in to."""
    all_.user("ann")
    first = all_.authentication.login(HOME, "ann", PASSWORD).cookie

    second = all_.authentication.login(HOME, "ann", PASSWORD, first).cookie
    made_up = all_.authentication.login(HOME, "ann", PASSWORD, "made-up").cookie

    assert len({first, second, made_up, "made-up"}) == 4
    assert all_.authentication.authenticate(HOME, first, None).user is None
    assert all_.authentication.authenticate(HOME, "made-up", None).user is None
    assert all_.authentication.authenticate(HOME, second, None).user is not None


def test_a_session_ends_when_nobody_uses_it_and_after_a_week(all_: People) -> None:
    all_.user("ann")
    limits = Lifetimes()
    unused = all_.authentication.login(HOME, "ann", PASSWORD).cookie
    used = all_.authentication.login(HOME, "ann", PASSWORD).cookie

    for _ in range(13):
        all_.clock.now += limits.idle / 2
        assert all_.authentication.authenticate(HOME, used, None).user is not None
    assert all_.authentication.authenticate(HOME, unused, None).user is None
    all_.clock.now += limits.idle / 2
    assert all_.authentication.authenticate(HOME, used, None).user is None
    assert all_.database.sessions.session(cookie_hash(used)) is None


def test_a_sessions_use_is_written_once_a_minute(all_: People) -> None:
    row = all_.user("ann")
    cookie = all_.authentication.login(HOME, "ann", PASSWORD).cookie
    all_.clock.now += 59
    all_.authentication.authenticate(HOME, cookie, None)
    assert all_.database.sessions.sessions_of(row.id)[0].seen == NOW

    all_.clock.now += 1
    all_.authentication.authenticate(HOME, cookie, None)

    assert all_.database.sessions.sessions_of(row.id)[0].seen == NOW + 60


def test_expired_sessions_are_swept(all_: People) -> None:
    row = all_.user("ann")
    all_.authentication.login(HOME, "ann", PASSWORD)
    all_.clock.now += Lifetimes().idle + 1

    for chore in all_.sessions.chores():
        chore.run()

    assert all_.database.sessions.sessions_of(row.id) == []


def test_a_session_of_a_user_who_is_inactive_is_nobodys(all_: People) -> None:
    row = all_.user("ann", "admin")
    cookie = all_.authentication.login(HOME, "ann", PASSWORD).cookie

    all_.database.users.change_user(row.id, lambda now: replace(now, active=False))

    assert all_.authentication.authenticate(HOME, cookie, None).user is None


def test_logout_ends_the_session(all_: People) -> None:
    all_.user("ann")
    cookie = all_.authentication.login(HOME, "ann", PASSWORD).cookie

    all_.authentication.logout(HOME, cookie)
    all_.authentication.logout(HOME, cookie)
    all_.authentication.logout(HOME, "made-up" * 1000)

    assert all_.authentication.authenticate(HOME, cookie, None).user is None
    assert all_.said == [("login", "user", "done"), ("logout", "user", "done")]


@given(st.text(max_size=400))
@settings(max_examples=30)
def test_whatever_a_cookie_says_it_is_somebody_or_nobody(tmp_path_factory: pytest.TempPathFactory, cookie: str) -> None:
    with people(tmp_path_factory.mktemp("cookie")) as all_:
        assert all_.authentication.authenticate(HOME, cookie, None).grants == ()
