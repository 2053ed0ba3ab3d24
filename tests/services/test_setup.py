"""The first start: one link, one admin."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lading.services.identity.passwords import PasswordInvalid
from lading.services.identity.setup import OPEN_SECONDS, SETTING, Setup, SetupLinkOver
from lading.services.identity.users import UserInvalid
from lading.services.named_rows import NameTaken
from tests.fakes.people import HOME, PASSWORD, CountedPasswords, People, people


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


def begun(all_: People) -> str:
    token = all_.setup.begin()
    assert token is not None
    return token


def test_the_link_makes_the_admin_once(all_: People) -> None:
    token = begun(all_)
    assert all_.setup.opens(token)

    row = all_.setup.finish(HOME, token, "Ann", PASSWORD)

    assert all_.authentication.login(HOME, "ann", PASSWORD).actor.grants == all_.role("admin").grants
    assert row.name == "ann"
    assert not all_.setup.opens(token)
    assert all_.database.settings.setting(SETTING) is None
    with pytest.raises(SetupLinkOver):
        all_.setup.finish(HOME, token, "eve", PASSWORD)
    assert all_.setup.begin() is None
    assert all_.said[0] == ("create", "user", "done")


def test_the_database_holds_no_token_of_the_link(all_: People) -> None:
    token = begun(all_)

    assert token not in str(all_.database.settings.setting(SETTING))


def test_the_link_expires_and_each_start_makes_a_new_one(all_: People) -> None:
    first = begun(all_)
    second = begun(all_)

    assert (all_.setup.opens(first), all_.setup.opens(second), all_.setup.opens("")) == (False, True, False)
    all_.clock.now += OPEN_SECONDS
    assert not all_.setup.opens(second)
    with pytest.raises(SetupLinkOver):
        all_.setup.finish(HOME, second, "ann", PASSWORD)


def test_a_name_or_password_that_cannot_be_leaves_the_link_open(all_: People) -> None:
    token = begun(all_)

    with pytest.raises(UserInvalid):
        all_.setup.finish(HOME, token, "a b", PASSWORD)
    with pytest.raises(PasswordInvalid):
        all_.setup.finish(HOME, token, "ann", "short")

    assert all_.setup.opens(token)


def test_of_those_who_use_it_at_once_one_becomes_the_admin(all_: People) -> None:
    token = begun(all_)
    names, together = [], threading.Barrier(5)

    def use(name: str) -> None:
        together.wait()
        with suppress(SetupLinkOver):
            names.append(all_.setup.finish(HOME, token, name, PASSWORD).name)

    threads = [threading.Thread(target=use, args=(f"user{number}",)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(names) == 1
    assert [user.name for user in all_.database.users.users()] == names


def test_a_password_of_the_environment_makes_the_user_admin_instead(all_: People) -> None:
    token = begun(all_)

    row = all_.setup.ensure_admin(PASSWORD)

    assert row is not None
    assert all_.authentication.login(HOME, "admin", PASSWORD).actor.user == row.id
    assert not all_.setup.opens(token)
    assert all_.setup.ensure_admin("another password") is None
    assert PASSWORD not in str(all_.records)


class _Overtaken(CountedPasswords):
    """Another process makes the admin while this one hashes."""

    def __init__(self, other: Setup) -> None:
        super().__init__()
        self._other = other

    def hash(self, password: str) -> str:
        assert self._other.ensure_admin(password) is not None
        return super().hash(password)


def test_servers_that_begin_at_the_same_moment_make_one_admin(all_: People) -> None:
    """None of them ends by it: they all have the same password."""
    setup = Setup(
        all_.database.users,
        all_.database.settings,
        _Overtaken(all_.setup),
        all_.trail,
        clock=all_.clock,
        random=all_.random,
    )

    assert setup.ensure_admin(PASSWORD) is None
    assert [user.name for user in all_.database.users.users()] == ["admin"]


def test_who_has_the_name_and_is_no_admin_is_in_the_way(all_: People) -> None:
    all_.user("admin", "viewer")

    with pytest.raises(NameTaken):
        all_.setup.ensure_admin(PASSWORD)


def test_users_without_an_admin_still_need_the_link(all_: People) -> None:
    all_.user("bob", "viewer")

    all_.setup.finish(HOME, begun(all_), "ann", PASSWORD)

    assert all_.setup.begin() is None
