"""Users of this machine: a row each, made when they first come, and kept out by switching it off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.services.access import LADING, Denied, Permission
from lading.services.identity.local_users import LocalRoleTooStrong, LocalRoleUnknown, LocalUsers, SwitchedOff
from lading.services.identity.users import UserEdit
from tests.fakes.people import HOME, People, people

ACCOUNTS = {1000: "ann"}


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


@pytest.fixture
def local(all_: People) -> LocalUsers:
    return LocalUsers(all_.database.users, all_.trail, "operator", ACCOUNTS.get, all_.clock)


def test_the_first_visit_makes_a_user_with_the_usual_role(all_: People, local: LocalUsers) -> None:
    actor = local.actor(HOME, 1000)
    row = all_.database.users.user_named("uid-1000")

    assert row is not None
    assert (row.password_hash, row.roles) == (None, (all_.role("operator").id,))
    assert (actor.name, actor.user, actor.address, actor.request) == ("uid-1000", row.id, HOME.address, HOME.request)
    assert actor.may(Permission.IMAGES_PUSH)
    assert not actor.may(Permission.USERS_EDIT)


def test_the_trail_says_whose_account_it_is(all_: People, local: LocalUsers) -> None:
    local.actor(HOME, 1000)
    local.actor(HOME, 1000)

    (entry,) = [row.entry for row in all_.records]
    assert (entry.deed.action, entry.deed.entity_type, entry.deed.entity_name) == ("create", "user", "uid-1000")
    assert entry.deed.details == {"roles": ["operator"], "by": "unix socket", "account": "ann"}


def test_root_is_a_user_like_any_other(local: LocalUsers) -> None:
    assert not local.actor(HOME, 0).may(Permission.USERS_EDIT)


def test_roles_that_were_changed_count_at_once(all_: People, local: LocalUsers) -> None:
    user = local.actor(HOME, 1000).user
    assert user is not None

    all_.users.change(LADING, user, UserEdit(roles=(all_.role("viewer").id,)))

    assert not local.actor(HOME, 1000).may(Permission.IMAGES_PUSH)
    assert local.actor(HOME, 1000).may(Permission.IMAGES_VIEW)


def test_who_is_switched_off_is_kept_out_and_recorded_seldom(all_: People, local: LocalUsers) -> None:
    user = local.actor(HOME, 1000).user
    assert user is not None
    all_.users.change(LADING, user, UserEdit(active=False))

    for _ in range(3):
        with pytest.raises(Denied, match="uid-1000 is switched off"):
            local.actor(HOME, 1000)

    assert all_.said.count(("login", "user", "denied")) == 1
    all_.clock.now += 61
    with pytest.raises(SwitchedOff):
        local.actor(HOME, 1000)
    assert all_.said.count(("login", "user", "denied")) == 2


def test_many_first_visits_make_one_user(all_: People, local: LocalUsers) -> None:
    together, users = threading.Barrier(6), list[int | None]()

    def come() -> None:
        together.wait()
        users.append(local.actor(HOME, 1000).user)

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(users) == 6
    assert len(set(users)) == 1
    assert all_.said == [("create", "user", "done")]


def test_a_role_that_is_not_there_is_told_at_once(all_: People) -> None:
    with pytest.raises(LocalRoleUnknown, match="docker-api-role says 'operater'"):
        LocalUsers(all_.database.users, all_.trail, "operater", ACCOUNTS.get, all_.clock)


def test_a_role_that_may_edit_users_is_refused_at_once(all_: People) -> None:
    with pytest.raises(LocalRoleTooStrong) as refused:
        LocalUsers(all_.database.users, all_.trail, "admin", ACCOUNTS.get, all_.clock)

    said = "docker-api-role says 'admin', and whoever of this machine came first would administer Lading"
    assert str(refused.value) == said
