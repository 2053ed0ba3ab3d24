"""Who asks: logins, sessions, tokens and Basic, by one service for every door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.services.access import LADING, Actor, Denied, Grant, NotLoggedIn, Permission
from lading.services.authentication import Everybody, LoginFailed, Owners, Visit
from lading.services.job import Job, JobRequest, JobState
from lading.services.named_rows import RowUnknown
from lading.services.passwords import PasswordInvalid, PasswordsBusy
from lading.services.roles import MORE_THAN_ONES_OWN, RoleForm
from lading.services.sessions import Lifetimes, cookie_hash
from lading.services.throttling import FREE_FOR_ACCOUNT, TooManyAttempts
from lading.services.tokens import TokenForm, TokenInvalid
from lading.services.users import UserEdit
from tests.fakes.people import HOME, NOW, PASSWORD, People, basic, people

ELSEWHERE = Visit("203.0.113.9", "request-2")
NEW = "a quite new one"


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


def shown(all_: People, authorization: str, visit: Visit = HOME) -> Actor:
    return all_.authentication.authenticate(visit, None, authorization)


# ── sessions


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


# ── passwords


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


# ── Basic


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


# ── tokens


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


# ── jobs


def a_job(owner: int | None, token: int | None = None) -> Job:
    return Job("id", JobRequest("pull", {}), owner, "ann", JobState.QUEUED, 0, NOW, NOW, 0, token=token)


def test_a_jobs_owner_is_looked_up_again(all_: People) -> None:
    owners = Owners(all_.database.users, all_.database.tokens, all_.clock)
    ann = all_.actor("ann", "publisher")
    token = all_.tokens.add(ann, TokenForm("ci", frozenset({"images:pull"}), NOW + 60)).row

    assert owners.again(a_job(None)) == LADING
    assert owners.again(a_job(ann.user)) == ann
    scoped = owners.again(a_job(ann.user, token.id))
    assert scoped.may(Permission.IMAGES_PULL)
    assert not scoped.may(Permission.IMAGES_PUSH)
    assert owners.again(a_job(ann.user, 999)).grants == ()
    all_.clock.now += 60
    assert owners.again(a_job(ann.user, token.id)).grants == ()
    all_.users.change(LADING, ann.user or 0, UserEdit(active=False))
    assert owners.again(a_job(ann.user)).grants == ()
    assert owners.again(a_job(999)).user == 999


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
