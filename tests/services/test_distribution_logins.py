"""The logins that hosts are lent to fetch one image: what they open, and that nothing is left of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.backends.database.service_database import open_service_database
from lading.services.access import Permission
from lading.services.distribution.logins import FETCHING, LOGIN_SECONDS, TO_FETCH, TO_SEND
from lading.services.identity.authentication import TokenRefused
from lading.services.identity.user_records import RoleRow, UserRow
from lading.services.repositories.logins import RepositoryLogins
from lading.wire.authorization import BasicLogin
from tests.fakes.people import HOME, People

ONE, ALIKE = "lading-distributed/team/app", "lading-distributed/team-app"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    database = open_service_database(tmp_path / "lading.db", lambda: 0.0)
    yield People(database)
    database.close()


@pytest.fixture
def logins(people: People) -> RepositoryLogins:
    return RepositoryLogins(people.database.users, people.database.tokens, TO_FETCH, people.clock, people.random)


def test_it_fetches_from_one_repository_and_does_nothing_else(people: People, logins: RepositoryLogins) -> None:
    with logins.lent(ONE) as credential:
        actor = people.authentication.recognise(HOME, BasicLogin(credential.username, credential.secret))

    allowed = {
        (permission, place)
        for permission in Permission
        for place in (ONE, ALIKE, "team/app", None)
        if actor.may(permission, None, place) or actor.may(permission, 3, place)
    }
    assert allowed == {(Permission.REPOSITORIES_PULL, ONE)}


def test_one_to_send_may_push_there_besides(people: People) -> None:
    sending = RepositoryLogins(people.database.users, people.database.tokens, TO_SEND, people.clock, people.random)
    with sending.lent(ONE) as credential:
        actor = people.authentication.recognise(HOME, BasicLogin(credential.username, credential.secret))
    assert actor.may(Permission.REPOSITORIES_PUSH, None, ONE)
    assert not actor.may(Permission.REPOSITORIES_PUSH, None, ALIKE)


def test_names_that_look_alike_have_users_of_their_own(logins: RepositoryLogins) -> None:
    with logins.lent(ONE) as first, logins.lent(ALIKE) as second:
        assert first.username != second.username


def test_users_go_once_nobody_is_lent_a_login(people: People, logins: RepositoryLogins) -> None:
    records = people.database.users
    with logins.lent(ONE) as credential, logins.lent(ONE):
        logins.forget(ONE)
        people.authentication.recognise(HOME, BasicLogin(credential.username, credential.secret))
    logins.forget(ONE)
    logins.forget(ONE)
    assert [user.name for user in records.users()] == []
    assert [role.name for role in records.roles() if role.name.startswith(FETCHING)] == []
    with logins.lent(ONE) as credential:
        people.authentication.recognise(HOME, BasicLogin(credential.username, credential.secret))


def test_what_a_killed_process_left_goes_too(people: People, logins: RepositoryLogins) -> None:
    with logins.lent(ONE):
        logins.forget_unused(f"{FETCHING}-")
        assert len(people.database.users.users()) == 1
    logins.forget_unused(f"{FETCHING}-")
    assert people.database.users.users() == []


def test_somebody_who_is_only_called_so_stays(people: People, logins: RepositoryLogins) -> None:
    records = people.database.users
    records.add_user(lambda key: UserRow(key, f"{FETCHING}-anna"))
    role = records.add_role(lambda key: RoleRow(key, f"{FETCHING}-ben"))
    records.add_user(lambda key: UserRow(key, f"{FETCHING}-ben", "hash", roles=(role.id,)))

    logins.forget_unused(f"{FETCHING}-")

    assert [user.name for user in records.users()] == [f"{FETCHING}-anna", f"{FETCHING}-ben"]


def test_a_login_that_nobody_took_back_ends_by_itself(people: People, logins: RepositoryLogins) -> None:
    with logins.lent(ONE) as credential:
        people.clock.now += LOGIN_SECONDS
        with pytest.raises(TokenRefused):
            people.authentication.recognise(HOME, BasicLogin(credential.username, credential.secret))
