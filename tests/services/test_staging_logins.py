"""The login that a Docker host is lent to push an image to us: what it opens, and that it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.backends.database.service_database import open_service_database
from lading.services.access import Permission
from lading.services.identity.authentication import TokenRefused
from lading.services.inventories.staging import FOR_SCANS, LOGIN_SECONDS
from lading.services.repositories.logins import RepositoryLogins
from lading.wire.authorization import BasicLogin
from tests.fakes.people import HOME, People

OWN, OTHER = "lading-scans/3", "lading-scans/4"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    database = open_service_database(tmp_path / "lading.db", lambda: 0.0)
    yield People(database)
    database.close()


@pytest.fixture
def logins(people: People) -> RepositoryLogins:
    return RepositoryLogins(people.database.users, people.database.tokens, FOR_SCANS, people.clock, people.random)


def test_it_opens_one_repository_and_nothing_else(people: People, logins: RepositoryLogins) -> None:
    with logins.lent(OWN) as credential:
        actor = people.authentication.recognise(HOME, BasicLogin(credential.username, credential.secret))

    allowed = {
        (permission, place)
        for permission in Permission
        for place in (OWN, OTHER, "team/app", None)
        if actor.may(permission, None, place) or actor.may(permission, 3, place)
    }
    assert allowed == {(Permission.REPOSITORIES_PUSH, OWN), (Permission.REPOSITORIES_PULL, OWN)}


def test_it_ends_with_its_use(people: People, logins: RepositoryLogins) -> None:
    with logins.lent(OWN) as credential:
        shown = BasicLogin(credential.username, credential.secret)
    with pytest.raises(TokenRefused):
        people.authentication.recognise(HOME, shown)
    assert people.database.tokens.tokens() == []


def test_one_that_nobody_took_back_ends_by_itself(people: People, logins: RepositoryLogins) -> None:
    with logins.lent(OWN) as credential:
        people.clock.now += LOGIN_SECONDS
        with pytest.raises(TokenRefused):
            people.authentication.recognise(HOME, BasicLogin(credential.username, credential.secret))


def test_each_is_another_and_the_user_is_made_once(people: People, logins: RepositoryLogins) -> None:
    with logins.lent(OWN) as first, logins.lent(OWN) as second, logins.lent(OTHER) as third:
        assert len({first.secret, second.secret, third.secret}) == 3
        assert (first.username, second.username, third.username) == (
            "lading-scans-3",
            "lading-scans-3",
            "lading-scans-4",
        )
    assert [user.name for user in people.database.users.users()] == ["lading-scans-3", "lading-scans-4"]


def test_no_password_lets_that_user_in(people: People, logins: RepositoryLogins) -> None:
    with logins.lent(OWN):
        pass
    assert all(user.password_hash is None for user in people.database.users.users())
