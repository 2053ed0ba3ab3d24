"""Users and roles: who may change whom, and what always stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.services.access import LADING, Actor, Denied, Grant, NotLoggedIn
from lading.services.identity.passwords import LONGEST_PASSWORD, PasswordInvalid
from lading.services.identity.roles import BUILT_IN, BuiltInStays, RoleForm, RoleInvalid
from lading.services.identity.users import LastAdmin, UserEdit, UserForm, UserInvalid, UserMoved
from lading.services.named_rows import NameTaken, RowUnknown
from tests.fakes.people import HOME, NOW, PASSWORD, People, people

EDITOR = RoleForm("editor", (Grant(frozenset({"users:*"})),))


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


@pytest.fixture
def admin(all_: People) -> Actor:
    return all_.actor("ann", "admin")


@pytest.fixture
def editor(all_: People, admin: Actor) -> Actor:
    """Who may edit users, and nothing else."""
    all_.roles.add(admin, EDITOR)
    return all_.actor("eddy", "editor")


def test_a_user_is_added_with_roles_and_can_log_in(all_: People, admin: Actor) -> None:
    row = all_.users.add(admin, UserForm(" Bob ", PASSWORD, (all_.role("viewer").id,)))

    assert (row.name, row.active, row.created, row.roles) == ("bob", True, NOW, (all_.role("viewer").id,))
    assert all_.users.get(admin, row.id) == row
    assert all_.authentication.login(HOME, "BOB", PASSWORD).actor.user == row.id
    assert ("create", "user", "done") in all_.said


@pytest.mark.parametrize(
    "name", ["", "a:b", "a b", "-a", "a-", "lading", "anonymous", "a" * 65, "ä", "a\nb", "a/b", "a\0"]
)
def test_names_that_cannot_be(all_: People, admin: Actor, name: str) -> None:
    with pytest.raises(UserInvalid):
        all_.users.add(admin, UserForm(name, PASSWORD))


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 11, "x" * 12, "barbarbarbar", "a" * (LONGEST_PASSWORD + 1), "\ud800" * 12]
)
def test_passwords_that_cannot_be(all_: People, admin: Actor, password: str) -> None:
    with pytest.raises(PasswordInvalid):
        all_.users.add(admin, UserForm("barbarbarbar", password))


def test_a_name_is_one_users(all_: People, admin: Actor) -> None:
    with pytest.raises(NameTaken):
        all_.users.add(admin, UserForm("Ann", PASSWORD))


def test_a_role_must_be_there(all_: People, admin: Actor) -> None:
    with pytest.raises(RowUnknown, match="Role not found"):
        all_.users.add(admin, UserForm("bob", PASSWORD, (999,)))


@pytest.mark.parametrize("edit", [None, UserEdit(active=False), UserEdit(roles=())])
def test_the_last_active_admin_stays(all_: People, admin: Actor, edit: UserEdit | None) -> None:
    all_.users.change(admin, all_.actor("bob", "admin").user or 0, UserEdit(active=False))
    id = admin.user or 0  # noqa: A001

    with pytest.raises(LastAdmin):
        all_.users.remove(admin, id) if edit is None else all_.users.change(admin, id, edit)

    assert all_.users.get(admin, id).active


def test_one_of_two_admins_may_go(all_: People, admin: Actor) -> None:
    bob = all_.actor("bob", "admin")

    all_.users.remove(bob, admin.user or 0)

    with pytest.raises(LastAdmin):
        all_.users.remove(bob, bob.user or 0)


def test_an_editor_makes_nobody_with_more_than_they_have(all_: People, editor: Actor) -> None:
    with pytest.raises(Denied):
        all_.users.add(editor, UserForm("mallory", PASSWORD, (all_.role("admin").id,)))
    with pytest.raises(Denied):
        all_.users.change(editor, editor.user or 0, UserEdit(roles=(all_.role("admin").id,)))
    with pytest.raises(Denied):
        all_.roles.add(editor, RoleForm("mine", (Grant(frozenset({"*"})),)))
    with pytest.raises(Denied):
        all_.roles.change(editor, all_.role("editor").id, RoleForm("editor", (Grant(frozenset({"images:push"})),)))

    assert [said[2] for said in all_.said[-4:]] == ["denied"] * 4
    assert all_.records[-1].entry.deed.details == {"reason": "more than the actor has"}


@pytest.mark.parametrize(
    "edit", [UserEdit(password="a quite new one"), UserEdit(active=False), UserEdit(roles=()), UserEdit(name="nobody")]
)
def test_an_editor_takes_over_nobody_with_more(all_: People, admin: Actor, editor: Actor, edit: UserEdit) -> None:
    with pytest.raises(Denied):
        all_.users.change(editor, admin.user or 0, edit)
    with pytest.raises(Denied):
        all_.users.remove(editor, admin.user or 0)

    all_.authentication.login(HOME, "ann", PASSWORD)


def test_an_editor_changes_those_who_have_no_more(all_: People, editor: Actor) -> None:
    row = all_.users.add(editor, UserForm("carl", PASSWORD, (all_.role("editor").id,)))

    changed = all_.users.change(editor, row.id, UserEdit(name="Charles", roles=()))

    assert (changed.name, changed.roles) == ("charles", ())


def test_a_token_scoped_to_less_gives_less(all_: People, admin: Actor) -> None:
    token = replace(admin, token=1, scopes=frozenset({"users:*"}))

    all_.users.add(token, UserForm("plain", PASSWORD))
    with pytest.raises(Denied):
        all_.users.add(token, UserForm("bob", PASSWORD, (all_.role("viewer").id,)))


@pytest.mark.parametrize("edit", [UserEdit(password="a quite new one"), UserEdit(active=False)])
def test_sessions_end_with_the_password_and_with_the_user(all_: People, admin: Actor, edit: UserEdit) -> None:
    bob = all_.user("bob")
    cookie = all_.authentication.login(HOME, "bob", PASSWORD).cookie

    all_.users.change(admin, bob.id, edit)

    assert all_.authentication.authenticate(HOME, cookie, None).user is None
    assert all_.database.sessions.sessions_of(bob.id) == []


def test_a_change_beside_another_is_not_lost(all_: People, admin: Actor) -> None:
    """Somebody gives bob a role after we have looked at what bob has."""
    bob = all_.user("bob")
    admin_role = all_.role("admin").id
    hashing = all_.passwords.hash

    def slow(password: str) -> str:
        all_.database.users.change_user(bob.id, lambda now: replace(now, roles=(admin_role,)))
        return hashing(password)

    all_.passwords.hash = slow  # type: ignore[method-assign]  # a fake of ours, which does more here
    with pytest.raises(UserMoved):
        all_.users.change(admin, bob.id, UserEdit(password="a quite new one"))

    assert all_.users.get(admin, bob.id).roles == (admin_role,)


def test_a_reset_lets_a_user_in_again(all_: People, admin: Actor) -> None:
    bob = all_.user("bob")
    all_.users.change(admin, bob.id, UserEdit(active=False))

    all_.users.reset("Bob", "a quite new one")

    assert all_.authentication.login(HOME, "bob", "a quite new one").actor.user == bob.id
    with pytest.raises(RowUnknown, match="User not found"):
        all_.users.reset("nobody", "a quite new one")
    assert all_.records[-2].entry.actor == "lading"


def test_who_may_not_is_recorded_and_who_is_nobody_is_asked_to_log_in(all_: People) -> None:
    viewer = all_.actor("vic", "viewer")

    for refused in (
        lambda: all_.users.list(viewer),
        lambda: all_.users.get(viewer, 99),
        lambda: all_.users.add(viewer, UserForm("x1", PASSWORD)),
        lambda: all_.users.change(viewer, viewer.user or 0, UserEdit(active=True)),
        lambda: all_.users.remove(viewer, viewer.user or 0),
        lambda: all_.roles.list(viewer),
        lambda: all_.roles.add(viewer, EDITOR),
    ):
        with pytest.raises(Denied):
            refused()
    assert [said[2] for said in all_.said] == ["denied"] * 7
    assert all_.users.get(viewer, viewer.user or 0).name == "vic"
    with pytest.raises(NotLoggedIn):
        all_.users.list(Actor("anonymous"))
    assert len(all_.said) == 7


# ── roles


def test_the_built_in_roles_are_there_and_stay(all_: People, admin: Actor) -> None:
    all_.roles.ensure_built_in()
    rows = all_.roles.list(admin)

    assert {row.name: row.grants for row in rows} == dict(BUILT_IN)
    for row in rows:
        with pytest.raises(BuiltInStays):
            all_.roles.change(admin, row.id, EDITOR)
        with pytest.raises(BuiltInStays):
            all_.roles.remove(admin, row.id)


def test_built_in_roles_of_an_earlier_version_give_what_this_one_says(all_: People, admin: Actor) -> None:
    viewer = all_.role("viewer")
    all_.database.users.change_role(replace(viewer, grants=()))

    all_.roles.ensure_built_in()

    assert all_.roles.get(admin, viewer.id) == viewer


def test_an_editor_touches_no_role_that_gives_more_than_they_have(all_: People, admin: Actor, editor: Actor) -> None:
    role = all_.roles.add(admin, RoleForm("auditor", (Grant(frozenset({"audit:view"})),)))

    with pytest.raises(Denied):
        all_.roles.change(editor, role.id, RoleForm("auditor"))
    with pytest.raises(Denied):
        all_.roles.remove(editor, role.id)

    assert all_.roles.get(admin, role.id) == role


def test_a_role_of_ones_own_is_for_environments_and_repositories(all_: People, admin: Actor) -> None:
    grants = (Grant(frozenset({"images:push"}), frozenset({2, 1}), ("team/*",)), Grant(frozenset({"jobs:view"})))
    role = all_.roles.add(admin, RoleForm(" team ", grants))
    bob = all_.actor("bob", "team")

    assert (role.name, role.grants, role.built_in) == ("team", grants, False)
    assert tuple(bob.grants) == grants
    changed = all_.roles.change(admin, role.id, RoleForm("crew", grants[1:]))
    assert all_.roles.get(admin, role.id) == changed
    all_.roles.remove(admin, role.id)
    assert all_.database.users.grants_of(bob.user or 0) == []
    with pytest.raises(RowUnknown):
        all_.roles.remove(admin, role.id)


@pytest.mark.parametrize(
    "form",
    [
        RoleForm(""),
        RoleForm("a\nb"),
        RoleForm("a" * 101),
        RoleForm("a", (Grant(frozenset({"images:fly"})),)),
        RoleForm("a", (Grant(frozenset({"**"})),)),
        RoleForm("a", (Grant(frozenset({"*"}), frozenset({0})),)),
        RoleForm("a", (Grant(frozenset({"*"}), None, ("te[am]",)),)),
        RoleForm("a", (Grant(frozenset({"*"}), None, ("",)),)),
        RoleForm("a", (Grant(frozenset({"*"}), None, ("a",) * 201),)),
        RoleForm("a", (Grant(frozenset({"*"})),) * 51),
    ],
)
def test_roles_that_cannot_be(all_: People, form: RoleForm) -> None:
    with pytest.raises(RoleInvalid):
        all_.roles.add(LADING, form)


def test_a_role_name_is_one_roles(all_: People) -> None:
    with pytest.raises(NameTaken):
        all_.roles.add(LADING, RoleForm("admin"))
