"""API tokens: whose they are, what they may, when they end, and who makes and removes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.services.access import LADING, Actor, Denied, Grant, NotLoggedIn, Permission
from lading.services.identity.authentication import LoginFailed, Visit
from lading.services.identity.roles import MORE_THAN_ONES_OWN, RoleForm
from lading.services.identity.tokens import TokenForm, TokenInvalid
from lading.services.identity.users import UserEdit
from lading.services.named_rows import RowUnknown
from tests.fakes.people import HOME, NOW, People, basic, people


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


def shown(all_: People, authorization: str, visit: Visit = HOME) -> Actor:
    return all_.authentication.authenticate(visit, None, authorization)


def test_a_token_is_its_user_within_its_scopes(all_: People) -> None:
    ann = all_.actor("ann", "publisher")
    new = all_.tokens.add(ann, TokenForm(" ci ", frozenset({"images:push", "users:edit"})))

    for header in (f"Bearer {new.secret}", basic("ann", new.secret), basic("Ann", new.secret)):
        actor = shown(all_, header)
        assert (actor.user, actor.token, actor.name) == (ann.user, new.row.id, "ann")
        assert actor.may(Permission.IMAGES_PUSH)
        assert not actor.may(Permission.IMAGES_VIEW)
        assert not actor.may(Permission.USERS_EDIT)
    assert new.secret.startswith("lad_")
    assert (new.row.name, new.row.prefix) == ("ci", new.secret[:10])
    assert all_.passwords.checked == 0


def test_the_database_holds_no_token(all_: People) -> None:
    ann = all_.actor("ann")
    new = all_.tokens.add(ann, TokenForm("ci"))

    assert new.secret not in str([getattr(row, "hash") for row in all_.tokens.list(ann)])  # noqa: B009
    assert new.secret not in repr(new)


@pytest.mark.parametrize("end", ["removed", "expired", "inactive", "gone", "other name"])
def test_a_token_ends(all_: People, end: str) -> None:
    ann = all_.actor("ann")
    new = all_.tokens.add(ann, TokenForm("ci", expires=NOW + 60))
    header = f"Bearer {new.secret}"
    shown(all_, header)
    match end:
        case "removed":
            all_.tokens.remove(ann, new.row.id)
        case "expired":
            all_.clock.now += 60
        case "inactive":
            all_.users.change(LADING, ann.user or 0, UserEdit(active=False))
        case "gone":
            all_.users.remove(LADING, ann.user or 0)
        case _:
            header = basic("bob", new.secret)

    for _ in range(3):
        with pytest.raises(LoginFailed, match="the token is wrong, has ended, or belongs to somebody else"):
            shown(all_, header)

    assert all_.said.count(("login", "token", "failed")) == 1


def test_a_tokens_use_is_written_once_a_minute(all_: People) -> None:
    ann = all_.actor("ann")
    new = all_.tokens.add(ann, TokenForm("ci"))
    used = []
    for seconds in (10, 30, 40):
        all_.clock.now += seconds
        shown(all_, f"Bearer {new.secret}")
        used.append(all_.tokens.list(ann)[0].used)

    assert used == [NOW + 10, NOW + 10, NOW + 80]


def test_a_token_makes_no_tokens(all_: People) -> None:
    admin = all_.actor("ann", "admin")
    new = all_.tokens.add(admin, TokenForm("ci"))

    with pytest.raises(Denied):
        all_.tokens.add(shown(all_, f"Bearer {new.secret}"), TokenForm("more"))

    assert all_.said[-1] == ("create", "token", "denied")


@pytest.mark.parametrize(
    "form",
    [
        TokenForm(""),
        TokenForm("a" * 101),
        TokenForm("a\nb"),
        TokenForm("a", frozenset({"fly"})),
        TokenForm("a", expires=NOW),
    ],
)
def test_tokens_that_cannot_be(all_: People, form: TokenForm) -> None:
    with pytest.raises(TokenInvalid):
        all_.tokens.add(all_.actor("ann"), form)


def test_tokens_of_others_take_permission_and_as_much_as_they_have(all_: People) -> None:
    admin, bob = all_.actor("ann", "admin"), all_.actor("bob", "viewer")
    mine = all_.tokens.add(admin, TokenForm("ci")).row
    robot = all_.tokens.add(admin, TokenForm("robot", user=bob.user)).row

    assert robot.user == bob.user
    assert [row.id for row in all_.tokens.list(bob)] == [robot.id]
    assert [row.id for row in all_.tokens.list(admin, everybody=True)] == [mine.id, robot.id]
    for refused in (
        lambda: all_.tokens.list(bob, everybody=True),
        lambda: all_.tokens.add(bob, TokenForm("x", user=admin.user)),
        lambda: all_.tokens.remove(bob, mine.id),
        lambda: all_.tokens.remove(bob, 999),
    ):
        with pytest.raises(Denied):
            refused()
    all_.tokens.remove(bob, robot.id)
    with pytest.raises(RowUnknown):
        all_.tokens.remove(admin, robot.id)
    with pytest.raises(RowUnknown):
        all_.tokens.add(admin, TokenForm("x", user=999))
    with pytest.raises(NotLoggedIn):
        all_.tokens.list(Actor("anonymous"))
    with pytest.raises(NotLoggedIn):
        all_.tokens.add(Actor("anonymous"), TokenForm("x"))


def test_a_token_with_scopes_removes_itself_and_no_other(all_: People) -> None:
    ann = all_.actor("ann")
    other = all_.tokens.add(ann, TokenForm("other")).row
    new = all_.tokens.add(ann, TokenForm("ci", frozenset({"images:view"})))
    actor = shown(all_, f"Bearer {new.secret}")

    with pytest.raises(Denied):
        all_.tokens.remove(actor, other.id)
    all_.tokens.remove(actor, new.row.id)


def test_expired_tokens_are_listed_for_a_month(all_: People) -> None:
    ann = all_.actor("ann")
    all_.tokens.add(ann, TokenForm("ci", expires=NOW + 1))
    (chore,) = all_.tokens.chores()

    all_.clock.now += 29 * 24 * 3600
    chore.run()
    assert len(all_.tokens.list(ann)) == 1
    all_.clock.now += 2 * 24 * 3600
    chore.run()
    assert all_.tokens.list(ann) == []


def test_a_weaker_editor_or_token_leaves_a_stronger_users_tokens(all_: People) -> None:
    admin = all_.actor("root", "admin")
    all_.roles.add(admin, RoleForm("editors", (Grant(frozenset({"users:*"})),)))
    strong = all_.tokens.add(admin, TokenForm("strong")).row
    editor = all_.actor("weak", "editors")
    for weaker in (editor, replace(admin, token=99, scopes=frozenset({"users:*"}))):
        with pytest.raises(Denied):
            all_.tokens.remove(weaker, strong.id)
    assert all_.database.tokens.token(strong.id) == strong
    assert [row.entry.deed.details for row in all_.records[-2:]] == [MORE_THAN_ONES_OWN] * 2

    weak = all_.tokens.add(editor, TokenForm("weak")).row
    all_.tokens.remove(admin, weak.id)
