"""Users, roles, sessions and tokens, on every database."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from lading.backends.database.service_database import ServiceDatabase
from lading.errors import Refused
from lading.services.access import Grant
from lading.services.identity.login_records import SessionRecords, SessionRow, TokenRecords, TokenRow
from lading.services.identity.user_records import RoleRow, UserRecords, UserRow
from lading.services.named_rows import NameTaken

NOW = 1_800_000_000.0
HUGE = 10**30
PUSHES = Grant(frozenset({"images:push", "registries:*"}), frozenset({2, 10**12, 1}), ("team/*", "library/alpine"))
ALL = Grant(frozenset({"*"}))


@pytest.fixture
def users(database: ServiceDatabase) -> UserRecords:
    return database.users


@pytest.fixture
def sessions(database: ServiceDatabase) -> SessionRecords:
    return database.sessions


@pytest.fixture
def tokens(database: ServiceDatabase) -> TokenRecords:
    return database.tokens


def named(users: UserRecords, name: str, *roles: int, active: bool = True) -> UserRow:
    return users.add_user(lambda key: UserRow(key, name, "$argon2id$…", active, NOW, roles))


def role(users: UserRecords, name: str, *grants: Grant) -> RoleRow:
    return users.add_role(lambda key: RoleRow(key, name, grants))


def session(user: UserRow, hash: str = "h", **times: float) -> SessionRow:  # noqa: A002  the row's own word
    return replace(SessionRow(hash, user.id, NOW, NOW, NOW + 60, "::1"), **times)  # type: ignore[arg-type]


class NotAllowed(Refused):
    def __str__(self) -> str:
        return "not allowed"


def test_a_user_comes_back_as_it_was(users: UserRecords) -> None:
    first, second = role(users, "one"), role(users, "two")
    ada = named(users, "Ada Ⅲ", second.id, first.id, 12345)

    assert ada == UserRow(ada.id, "Ada Ⅲ", "$argon2id$…", True, NOW, (first.id, second.id))
    assert users.user(ada.id) == users.user_named("Ada Ⅲ") == ada
    assert users.user_named("ada Ⅲ") is None
    assert users.user(ada.id + 1) is None
    assert list(users.users()) == [ada]
    assert "argon2" not in repr(ada)


def test_a_name_is_one_users(users: UserRecords) -> None:
    named(users, "ada")
    bob = named(users, "bob")

    with pytest.raises(NameTaken) as refusal:
        named(users, "ada")
    assert (refusal.value.noun, refusal.value.name) == ("user", "ada")
    with pytest.raises(NameTaken):
        users.change_user(bob.id, lambda row: replace(row, name="ada"))

    assert [user.name for user in users.users()] == ["ada", "bob"]


def test_a_change_is_made_of_what_is_there(users: UserRecords) -> None:
    mine = role(users, "mine")
    ada = named(users, "ada", mine.id)

    changed = users.change_user(ada.id, lambda row: replace(row, active=False, roles=(), password_hash=None))

    assert changed == replace(ada, active=False, roles=(), password_hash=None)
    assert users.user(ada.id) == changed
    assert users.change_user(ada.id + 1, lambda row: row) is None


def test_who_permits_sees_all_users_as_they_would_be_and_undoes(users: UserRecords) -> None:
    ada, bob = named(users, "ada"), named(users, "bob")
    seen: list[Sequence[UserRow]] = []

    def refuse(after: Sequence[UserRow]) -> None:
        seen.append(after)
        raise NotAllowed

    with pytest.raises(NotAllowed):
        users.add_user(lambda key: UserRow(key, "eve"), refuse)
    with pytest.raises(NotAllowed):
        users.change_user(ada.id, lambda row: replace(row, active=False), refuse)
    with pytest.raises(NotAllowed):
        users.remove_user(bob.id, refuse)

    assert [[(user.name, user.active) for user in after] for after in seen] == [
        [("ada", True), ("bob", True), ("eve", True)],
        [("ada", False), ("bob", True)],
        [("ada", True)],
    ]
    assert list(users.users()) == [ada, bob]


def test_one_of_many_becomes_the_first_user(users: UserRecords) -> None:
    made: list[str] = []

    def alone(after: Sequence[UserRow]) -> None:
        if len(after) > 1:
            raise NotAllowed

    def begin(name: str) -> None:
        try:
            made.append(users.add_user(lambda key: UserRow(key, name), alone).name)
        except NotAllowed:
            return

    threads = [threading.Thread(target=begin, args=(f"user{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [user.name for user in users.users()] == made
    assert len(made) == 1


def test_a_removed_user_takes_logins_along_and_its_number_is_not_given_again(
    users: UserRecords, sessions: SessionRecords, tokens: TokenRecords
) -> None:
    ada = named(users, "ada", role(users, "mine").id)
    sessions.add_session(session(ada))
    token = tokens.add_token(lambda key: TokenRow(key, ada.id, "ci", "hash", NOW))
    assert token is not None

    assert users.remove_user(ada.id)

    assert not users.remove_user(ada.id)
    assert sessions.session("h") is None
    assert tokens.token(token.id) is None
    assert not sessions.add_session(session(ada))
    assert tokens.add_token(lambda key: TokenRow(key, ada.id, "ci", "hash", NOW)) is None
    assert named(users, "ada").id > ada.id


def test_a_role_comes_back_with_its_grants_in_order(users: UserRecords) -> None:
    made = role(users, "publisher", PUSHES, ALL)

    assert users.role(made.id) == made
    assert list(users.roles()) == [made]
    assert users.change_role(replace(made, name="other", grants=(ALL,), built_in=True))
    assert users.role(made.id) == RoleRow(made.id, "other", (ALL,), True)
    assert not users.change_role(replace(made, id=made.id + 1))
    with pytest.raises(NameTaken):
        role(users, "other")


def test_grants_are_those_of_all_roles_of_an_active_user(users: UserRecords) -> None:
    pusher, everything = role(users, "pusher", PUSHES), role(users, "everything", ALL)
    ada = named(users, "ada", pusher.id, everything.id)
    idle = named(users, "idle", pusher.id, active=False)

    assert list(users.grants_of(ada.id)) == [PUSHES, ALL]
    assert not users.grants_of(idle.id)
    assert not users.grants_of(12345)

    users.remove_role(everything.id)

    assert list(users.grants_of(ada.id)) == [PUSHES]
    assert users.user(ada.id) == replace(ada, roles=(pusher.id,))
    assert not users.remove_role(everything.id)


def test_a_session_is_found_by_its_hash(users: UserRecords, sessions: SessionRecords) -> None:
    ada = named(users, "ada")
    sessions.add_session(session(ada))

    assert sessions.session("h") == session(ada)
    assert sessions.session("H") is None
    assert sessions.touch_session("h", NOW + 5, NOW + 65)
    assert sessions.session("h") == session(ada, seen=NOW + 5, expires=NOW + 65)
    assert sessions.remove_session("h")
    assert not sessions.touch_session("h", NOW, NOW)
    assert not sessions.remove_session("h")


def test_sessions_of_one_user_end_together_but_one(users: UserRecords, sessions: SessionRecords) -> None:
    ada, bob = named(users, "ada"), named(users, "bob")
    for hash, seen in (("a", NOW), ("b", NOW + 2), ("c", NOW + 1)):  # noqa: A001
        sessions.add_session(session(ada, hash, seen=seen))
    sessions.add_session(session(bob, "d"))

    assert [row.hash for row in sessions.sessions_of(ada.id)] == ["b", "c", "a"]
    assert sessions.remove_sessions(ada.id, "c") == 2
    assert [row.hash for row in sessions.sessions_of(ada.id)] == ["c"]
    assert sessions.remove_sessions(ada.id) == 1
    assert sessions.session("d") is not None


def test_expired_sessions_and_tokens_are_forgotten(
    users: UserRecords, sessions: SessionRecords, tokens: TokenRecords
) -> None:
    ada = named(users, "ada")
    sessions.add_session(session(ada, "old", expires=NOW - 1))
    sessions.add_session(session(ada, "new", expires=NOW))
    for hash, expires in (("old", NOW - 1), ("new", NOW), ("never", None)):  # noqa: A001
        tokens.add_token(lambda key, of=(hash, expires): TokenRow(key, ada.id, "t", of[0], NOW, None, of[1]))  # type: ignore[misc]

    assert sessions.forget_sessions(NOW) == 1
    assert tokens.forget_tokens(NOW) == 1

    assert [row.hash for row in sessions.sessions_of(ada.id)] == ["new"]
    assert [row.hash for row in tokens.tokens()] == ["new", "never"]


def test_a_token_comes_back_as_it_was(users: UserRecords, tokens: TokenRecords) -> None:
    ada, bob = named(users, "ada"), named(users, "bob")
    scopes = frozenset({"images:pull", "*"})
    made = tokens.add_token(lambda key: TokenRow(key, ada.id, "ci", "hash", NOW, scopes, NOW + 9, None, "lad_ab"))
    other = tokens.add_token(lambda key: TokenRow(key, bob.id, "ci", "other", NOW, frozenset()))
    assert made is not None
    assert other is not None

    assert tokens.token(made.id) == tokens.token_hashed("hash") == made
    assert list(tokens.tokens()) == [made, other]
    assert list(tokens.tokens(bob.id)) == [other]

    tokens.use_token(made.id, NOW + 5)
    tokens.use_token(made.id, NOW + 1)

    assert tokens.token(made.id) == replace(made, used=NOW + 5)
    assert tokens.remove_token(made.id)
    assert not tokens.remove_token(made.id)
    assert tokens.token_hashed("hash") is None


@pytest.mark.parametrize("number", [HUGE, -HUGE, 0, -1])
def test_a_number_that_no_row_has_finds_nothing(
    users: UserRecords, sessions: SessionRecords, tokens: TokenRecords, number: int
) -> None:
    named(users, "ada")

    assert users.user(number) is None
    assert users.role(number) is None
    assert tokens.token(number) is None
    assert not users.remove_user(number)
    assert not tokens.tokens(number)
    assert not sessions.sessions_of(number)


@pytest.mark.parametrize("odd", ["a\0b", "\ud800", "'; --", "%s ? :name"])
def test_an_odd_name_is_nobodys_and_no_fault(users: UserRecords, sessions: SessionRecords, odd: str) -> None:
    assert users.user_named(odd) is None
    assert sessions.session(odd) is None
    named(users, odd)
    assert users.user_named(odd) is not None
