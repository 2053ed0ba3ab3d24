"""Single sign-on as the service decides it: who began here, who it is, and what the groups give."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.services.identity.authentication import NewSession
from lading.services.identity.identity_provider import CodeShown, Doubt, Identity, IdentityDoubtful, LoginWanted
from lading.services.identity.identity_records import SignedOn, Subject
from lading.services.identity.sign_on_users import NoRole, SignOnAccounts, SignOnRules, SwitchedOff
from lading.services.identity.single_sign_on import (
    AT_ONCE,
    FAILED_SECONDS,
    BroughtBack,
    NotBegun,
    SentBack,
    SignOnBusy,
    SingleSignOn,
)
from lading.services.identity.users import LastAdmin
from lading.wire.message import Cancel, ConnectFailed
from tests.fakes.people import HOME, People, people

ISSUER, BACK = "https://sign-on.corp", "https://lading.corp/back"


@dataclass
class Known:
    """Fulfils IdentityProvider: whoever brings a code is its person, and codes are good once."""

    people: dict[str, Identity] = field(default_factory=dict)
    wanted: list[LoginWanted] = field(default_factory=list)
    shown: list[CodeShown] = field(default_factory=list)
    logouts: str | None = f"{ISSUER}/end"
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    held: threading.Event | None = None
    """Where it is there, nobody is sent anywhere before it is set."""

    def person(self, code: str, *groups: str, names: tuple[str, ...] = ("ada",), subject: str = "s-1") -> None:
        self.people[code] = Identity(Subject(ISSUER, subject), names, frozenset(groups))

    def login_url(self, wanted: LoginWanted, cancel: Cancel) -> str:
        self.wanted.append(wanted)
        self.asked.release()
        assert self.held is None or self.held.wait(30)
        return f"{ISSUER}/auth?state={wanted.state}"

    def logout_url(self, redirect: str, cancel: Cancel) -> str | None:
        if self.logouts is None:
            raise ConnectFailed("sign-on.corp", "refused")
        return self.logouts and f"{self.logouts}?to={redirect}"

    def identity(self, shown: CodeShown, cancel: Cancel) -> Identity:
        self.shown.append(shown)
        if shown.code not in self.people:
            raise IdentityDoubtful(Doubt.CODE)
        return self.people.pop(shown.code)


GROUPS = {"ops": {"operator"}, "readers": {"viewer"}, "bosses": {"admin"}, "gone": {"a-role-that-was-removed"}}


class Scene:
    """A house that knows the provider."""

    def __init__(self, all_: People, groups: Mapping[str, set[str]] = GROUPS) -> None:
        self.people, self.provider = all_, Known()
        rules = SignOnRules("the house", {group: frozenset(roles) for group, roles in groups.items()})
        database = all_.database
        self.sign_on = SingleSignOn(
            self.provider,
            rules,
            SignOnAccounts(database.users, database.identities, all_.sessions),
            all_.trail,
            clock=all_.clock,
            random=all_.random,
        )

    def begin(self) -> str:
        with Cancellation() as cancel:
            return self.sign_on.begin(BACK, cancel).secret

    def finish(self, secret: str | None, brought: BroughtBack, cookie: str | None = None) -> NewSession:
        with Cancellation() as cancel:
            return self.sign_on.finish(HOME, brought, secret, BACK, cancel, cookie=cookie)

    def login(
        self, *groups: str, names: tuple[str, ...] = ("ada",), subject: str = "s-1", cookie: str | None = None
    ) -> NewSession:
        """From beginning to end."""
        secret = self.begin()
        self.provider.person("c", *groups, names=names, subject=subject)
        return self.finish(secret, BroughtBack(self.provider.wanted[-1].state, "c", ISSUER), cookie)

    def roles(self, name: str) -> set[str]:
        user = self.people.database.users.user_named(name)
        assert user is not None
        return {role.name for role in self.people.database.users.roles() if role.id in user.roles}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with people(tmp_path) as found:
        yield Scene(found)


def test_a_login_makes_a_user_with_the_roles_of_the_groups(scene: Scene) -> None:
    session = scene.login("ops", "choir", names=("Ada.Lovelace", "ada@corp.test"))

    actor = scene.people.authentication.authenticate(HOME, session.cookie, None)
    assert (actor.name, actor.grants) == ("ada.lovelace", scene.people.role("operator").grants)
    assert actor.user is not None
    assert scene.sign_on.issuer_of(actor.user) == ISSUER
    row = scene.people.database.users.user(actor.user)
    assert row is not None
    assert row.password_hash is None
    assert scene.people.said == [("create", "user", "done"), ("login", "user", "done")]


def test_the_same_person_is_the_same_user_whatever_the_name(scene: Scene) -> None:
    first = scene.login("ops").actor
    second = scene.login("readers", names=("somebody-else",)).actor

    assert (second.user, second.name) == (first.user, "ada")
    assert scene.roles("ada") == {"viewer"}
    assert [said[:2] for said in scene.people.said] == [
        ("create", "user"),
        ("login", "user"),
        ("update", "user"),
        ("login", "user"),
    ]


def test_the_same_name_is_not_the_same_person(scene: Scene) -> None:
    scene.people.user("ada", "admin")

    assert scene.login("readers").actor.name == "ada-2"
    assert scene.login("readers", subject="s-2").actor.name == "ada-3"
    assert scene.roles("ada") == {"admin"}
    assert scene.roles("ada-2") == {"viewer"}


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ((), "user"),
        (("", "!!", "Ada Lovelace"), "ada-lovelace"),
        (("lading",), "user"),
        (("anonymous", "b"), "b"),
        (("CORP\\ada",), "corp-ada"),
        (("é", "ada@corp.test"), "ada@corp.test"),
        (("x" * 200,), "x" * 64),
        (("\0\ud800ada",), "ada"),
    ],
)
def test_what_the_provider_calls_people_becomes_a_name(scene: Scene, names: tuple[str, ...], name: str) -> None:
    assert scene.login("readers", names=names).actor.name == name


def test_a_long_name_that_is_taken_gets_its_number_too(scene: Scene) -> None:
    scene.login("readers", names=("x" * 64,))

    assert scene.login("readers", names=("x" * 64,), subject="s-2").actor.name == f"{'x' * 62}-2"


def test_state_nonce_and_challenge_are_of_the_browsers_secret_and_do_not_tell_it(scene: Scene) -> None:
    secret = scene.begin()
    scene.provider.person("c", "ops")
    wanted = scene.provider.wanted[0]
    scene.finish(secret, BroughtBack(wanted.state, "c"))
    shown = scene.provider.shown[0]

    digest = hashlib.sha256(shown.verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == wanted.challenge
    assert (shown.nonce, len(shown.verifier)) == (wanted.nonce, 43)
    assert len({secret, wanted.state, wanted.nonce, wanted.challenge, shown.verifier}) == 5
    scene.begin()
    assert scene.provider.wanted[1].state != wanted.state


def test_who_did_not_begin_in_this_browser_does_not_finish_in_it(scene: Scene) -> None:
    """Nobody can be logged in as somebody else by a link."""
    own, _other = scene.begin(), scene.begin()
    scene.provider.person("c", "ops")
    of_own, of_other = (wanted.state for wanted in scene.provider.wanted)

    for secret, state in ((own, of_other), (None, of_own), ("", of_own), (own, ""), (own, own), (own, "é\ud800")):
        with pytest.raises(NotBegun):
            scene.finish(secret, BroughtBack(state, "c"))
    assert scene.provider.shown == []
    assert scene.finish(own, BroughtBack(of_own, "c")).actor.name == "ada"


def test_a_code_is_good_once(scene: Scene) -> None:
    scene.login("ops")
    secret = scene.begin()

    with pytest.raises(IdentityDoubtful):
        scene.finish(secret, BroughtBack(scene.provider.wanted[-1].state, "c"))


@pytest.mark.parametrize(
    ("error", "said"),
    [("access_denied", "access_denied"), ("<b>x", "it gave no reason"), ("", "it gave no reason")],
)
def test_what_the_provider_refuses_is_told(scene: Scene, error: str, said: str) -> None:
    secret = scene.begin()

    with pytest.raises(SentBack, match=said):
        scene.finish(secret, BroughtBack(scene.provider.wanted[-1].state, error=error))


def test_nobody_comes_in_without_a_role(scene: Scene) -> None:
    for groups in ((), ("choir",), ("gone",)):
        with pytest.raises(NoRole):
            scene.login(*groups)
    assert scene.people.database.users.users() == []


def test_who_has_no_group_any_more_loses_role_session_and_token_rights(scene: Scene) -> None:
    session = scene.login("ops")
    actor = session.actor

    with pytest.raises(NoRole):
        scene.login("choir")

    assert scene.roles("ada") == set()
    assert scene.people.authentication.authenticate(HOME, session.cookie, None).nobody
    assert actor.user is not None
    assert scene.people.database.users.grants_of(actor.user) == []


def test_a_group_for_everybody(tmp_path: Path) -> None:
    with people(tmp_path) as found:
        _a_group_for_everybody(Scene(found, {"*": {"viewer"}, "ops": {"operator"}}))


def _a_group_for_everybody(scene: Scene) -> None:
    scene.login("choir")
    assert scene.roles("ada") == {"viewer"}
    scene.login("ops")
    assert scene.roles("ada") == {"viewer", "operator"}


def test_who_is_switched_off_stays_out(scene: Scene) -> None:
    session = scene.login("ops")
    users = scene.people.database.users
    user = users.user_named("ada")
    assert user is not None
    users.change_user(user.id, lambda row: replace(row, active=False))

    with pytest.raises(SwitchedOff):
        scene.login("bosses")
    assert scene.roles("ada") == {"operator"}
    assert scene.people.authentication.authenticate(HOME, session.cookie, None).nobody


def test_the_last_admin_stays_one(scene: Scene) -> None:
    scene.login("bosses")

    with pytest.raises(LastAdmin):
        scene.login("readers")
    assert scene.roles("ada") == {"admin"}
    scene.people.user("root", "admin")
    scene.login("readers")
    assert scene.roles("ada") == {"viewer"}


def test_who_was_removed_comes_as_a_new_user(scene: Scene) -> None:
    first = scene.login("ops").actor.user
    assert first is not None
    scene.people.database.users.remove_user(first)

    assert scene.login("ops").actor.user != first


def test_the_session_before_ends(scene: Scene) -> None:
    first = scene.login("ops")
    second = scene.login("ops", cookie=first.cookie)

    assert scene.people.authentication.authenticate(HOME, first.cookie, None).nobody
    assert scene.people.authentication.authenticate(HOME, second.cookie, None).name == "ada"


def test_failed_logins_of_one_place_are_recorded_once_a_minute(scene: Scene) -> None:
    for _ in range(3):
        with pytest.raises(NotBegun):
            scene.finish(None, BroughtBack("x", "secret-code"))
    scene.people.clock.now += FAILED_SECONDS
    with pytest.raises(NotBegun):
        scene.finish(None, BroughtBack("x", "secret-code"))

    assert scene.people.said == [("login", "user", "failed")] * 2
    assert "secret-code" not in str(scene.people.records)


def test_two_first_logins_of_one_person_at_once_are_one_user(scene: Scene) -> None:
    found: list[int | None] = []
    barrier = threading.Barrier(2)
    ready = []
    for number in range(2):
        ready.append((scene.begin(), scene.provider.wanted[-1].state, f"c{number}"))
        scene.provider.person(f"c{number}", "ops")

    def log_in(secret: str, state: str, code: str) -> None:
        barrier.wait()
        found.append(scene.finish(secret, BroughtBack(state, code)).actor.user)

    threads = [threading.Thread(target=log_in, args=each) for each in ready]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len(set(found)) == 1
    assert [user.name for user in scene.people.database.users.users()] == ["ada"]


def test_a_provider_that_does_not_answer_holds_up_a_few_logins_and_no_more(scene: Scene) -> None:
    scene.provider.held = threading.Event()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        waiting = [threads.submit(scene.begin) for _ in range(AT_ONCE)]
        assert all(scene.provider.asked.acquire(timeout=30) for _ in waiting)
        with pytest.raises(SignOnBusy):
            scene.begin()
        scene.provider.held.set()

        assert len({each.result() for each in waiting}) == AT_ONCE
    assert scene.begin()


def test_a_login_is_remembered_with_its_provider(scene: Scene) -> None:
    joe = scene.people.user("joe", "viewer")
    ada = scene.login("ops").actor.user
    assert ada is not None
    first = scene.people.database.identities.signed_on()
    scene.people.clock.now += 60
    scene.login("ops")

    assert first == {ada: SignedOn(ISSUER, scene.people.clock.now - 60)}
    assert scene.people.users.signed_on() == {ada: SignedOn(ISSUER, scene.people.clock.now)}
    assert scene.people.users.signed_on(joe.id) == {}


@pytest.mark.parametrize(("logouts", "told"), [(f"{ISSUER}/end", f"{ISSUER}/end?to={BACK}"), ("", None), (None, None)])
def test_who_leaves_is_sent_to_the_provider_where_it_can_be_told(
    scene: Scene, logouts: str | None, told: str | None
) -> None:
    scene.provider.logouts = logouts
    ada, joe = scene.login("ops").actor.user, scene.people.user("joe", "viewer").id
    with Cancellation() as cancel:
        assert (scene.sign_on.leave(ada, BACK, cancel) or None) == told
        assert [scene.sign_on.leave(user, BACK, cancel) for user in (joe, None)] == [None, None]
