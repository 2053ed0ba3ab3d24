"""Who asks: passwords and Basic, by one service for every door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.services.access import LADING, Actor, Denied, NotLoggedIn, Permission
from lading.services.identity.authentication import Everybody, LoginFailed, Visit
from lading.services.identity.passwords import PasswordInvalid, PasswordsBusy
from lading.services.identity.throttling import FREE_FOR_ACCOUNT, TooManyAttempts
from lading.services.identity.users import UserEdit
from tests.fakes.people import HOME, PASSWORD, People, basic, people

ELSEWHERE = Visit("203.0.113.9", "request-2")
NEW = "a quite new one"


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


def shown(all_: People, authorization: str, visit: Visit = HOME) -> Actor:
    return all_.authentication.authenticate(visit, None, authorization)


@pytest.mark.parametrize(
    ("name", "password"), [("ann", "wrong password"), ("nobody", PASSWORD), ("off", PASSWORD), ("none", PASSWORD)]
)
def test_every_wrong_login_is_told_the_same_after_the_same_work(all_: People, name: str, password: str) -> None:
    all_.user("ann")
    all_.user("none", password=None)
    all_.database.users.change_user(all_.user("off").id, lambda row: replace(row, active=False))

    with pytest.raises(LoginFailed) as told:
        all_.authentication.login(HOME, name, password)

    assert str(told.value) == "the user name or the password is wrong"
    assert all_.passwords.checked == 1
    assert all_.said == [("login", "user", "failed")]
    assert all_.records[0].entry.address == "192.0.2.1"


def test_a_name_that_nobody_has_is_not_recorded(all_: People) -> None:
    """It may be a password, typed into the wrong field."""
    with pytest.raises(LoginFailed):
        all_.authentication.login(HOME, "my-secret-password", "ann")

    assert "my-secret" not in str(all_.records)


def test_letters_are_the_same_however_they_are_typed(all_: People) -> None:
    all_.user("ann", password="pässword und mehr")

    all_.authentication.login(HOME, "Ann", "pa\N{COMBINING DIAERESIS}ssword und mehr")


@given(st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=30)
def test_whatever_is_typed_the_answer_is_clear(
    tmp_path_factory: pytest.TempPathFactory, name: str, password: str
) -> None:
    with people(tmp_path_factory.mktemp("typed")) as all_, pytest.raises(LoginFailed):
        all_.authentication.login(HOME, name, password)


def test_a_hash_of_older_parameters_is_made_anew(all_: People) -> None:
    row = all_.user("ann")
    all_.passwords.stale = True

    all_.authentication.login(HOME, "ann", PASSWORD)

    renewed = all_.database.users.user(row.id)
    assert renewed is not None
    assert renewed.password_hash != row.password_hash
    all_.authentication.login(HOME, "ann", PASSWORD)


def test_an_attacker_waits_and_the_owner_does_not(all_: People) -> None:
    all_.user("ann")
    for _ in range(FREE_FOR_ACCOUNT):
        with pytest.raises(LoginFailed):
            all_.authentication.login(ELSEWHERE, "ann", "wrong password")

    with pytest.raises(TooManyAttempts):
        all_.authentication.login(ELSEWHERE, "ann", PASSWORD)

    assert all_.passwords.checked == FREE_FOR_ACCOUNT
    all_.authentication.login(HOME, "ann", PASSWORD)
    with pytest.raises(TooManyAttempts):
        shown(all_, basic("ann", PASSWORD), ELSEWHERE)


def test_a_login_that_could_not_be_checked_does_not_count(all_: People) -> None:
    all_.user("ann")
    all_.passwords.busy = True
    for _ in range(FREE_FOR_ACCOUNT + 1):
        with pytest.raises(PasswordsBusy):
            all_.authentication.login(HOME, "ann", PASSWORD)
    all_.passwords.busy = False

    all_.authentication.login(HOME, "ann", PASSWORD)

    assert all_.said == [("login", "user", "done")]


def test_one_changes_ones_own_password_with_the_old_one(all_: People) -> None:
    row = all_.user("ann")
    here = all_.authentication.login(HOME, "ann", PASSWORD)
    there = all_.authentication.login(ELSEWHERE, "ann", PASSWORD)

    with pytest.raises(LoginFailed):
        all_.authentication.change_password(here.actor, "wrong password", NEW, here.cookie)
    with pytest.raises(PasswordInvalid):
        all_.authentication.change_password(here.actor, PASSWORD, "short", here.cookie)
    with pytest.raises(Denied):
        all_.authentication.change_password(replace(here.actor, token=1), PASSWORD, NEW, None)
    with pytest.raises(NotLoggedIn):
        all_.authentication.change_password(Actor("anonymous"), PASSWORD, NEW, None)
    all_.authentication.change_password(here.actor, PASSWORD, NEW, here.cookie)

    assert all_.authentication.authenticate(HOME, here.cookie, None).user == row.id
    assert all_.authentication.authenticate(HOME, there.cookie, None).user is None
    all_.authentication.login(HOME, "ann", NEW)
    with pytest.raises(LoginFailed):
        all_.authentication.login(HOME, "ann", PASSWORD)


def test_basic_is_checked_once_and_then_known_for_a_while(all_: People) -> None:
    all_.user("ann", "viewer")

    for _ in range(5):
        assert shown(all_, basic("ann", PASSWORD)).may(Permission.IMAGES_VIEW)
    assert (all_.passwords.checked, len(all_.said)) == (1, 1)
    all_.clock.now += 5 * 60
    shown(all_, basic("ann", PASSWORD))

    assert all_.passwords.checked == 2


@pytest.mark.parametrize("edit", [UserEdit(password=NEW), UserEdit(active=False)])
def test_a_known_password_is_forgotten_at_once_when_it_ends(all_: People, edit: UserEdit) -> None:
    row = all_.user("ann")
    shown(all_, basic("ann", PASSWORD))

    all_.users.change(LADING, row.id, edit)

    with pytest.raises(LoginFailed):
        shown(all_, basic("ann", PASSWORD))


def test_a_known_password_is_one_users_own(all_: People) -> None:
    all_.user("ann")
    all_.user("bob", password=NEW)
    shown(all_, basic("ann", PASSWORD))

    with pytest.raises(LoginFailed):
        shown(all_, basic("bob", PASSWORD))


def test_another_process_knows_nothing_of_it(all_: People) -> None:
    all_.user("ann")
    shown(all_, basic("ann", PASSWORD))

    all_.process().authenticate(HOME, None, basic("ann", PASSWORD))

    assert all_.passwords.checked == 2


def test_what_failed_at_one_process_counts_at_another(all_: People) -> None:
    all_.user("ann")
    other = all_.process()
    for _ in range(FREE_FOR_ACCOUNT):
        with pytest.raises(LoginFailed):
            shown(all_, basic("ann", "wrong"))

    with pytest.raises(TooManyAttempts):
        other.authenticate(HOME, None, basic("ann", PASSWORD))
    other.authenticate(ELSEWHERE, None, basic("ann", PASSWORD))


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!!", "Basic YQ==", "Digest x", "Bearer", "Bearer x", "Basic \xff"]
)
def test_what_cannot_be_read_opens_nothing(all_: People, header: str) -> None:
    with pytest.raises(LoginFailed):
        shown(all_, header)


def test_who_shows_nothing_is_nobody_in_particular(all_: People) -> None:
    actor = all_.authentication.authenticate(HOME, None, None)

    assert (actor.name, actor.user, actor.grants, actor.address) == ("anonymous", None, (), "192.0.2.1")


def test_what_stands_in_the_header_counts_before_a_cookie(all_: People) -> None:
    all_.user("ann")
    all_.user("bob")
    cookie = all_.authentication.login(HOME, "ann", PASSWORD).cookie

    assert all_.authentication.authenticate(HOME, cookie, basic("bob", PASSWORD)).name == "bob"


def test_without_logins_everybody_may_everything() -> None:
    actor = Everybody().authenticate(HOME, None, "Bearer whatever")

    assert actor.may(Permission.USERS_EDIT)
    assert actor.address == "192.0.2.1"
