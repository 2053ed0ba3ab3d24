"""Who is admitted to which repository: roles, what a token opens, and what is public."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from lading.services.access import Actor, Denied, Grant, NotLoggedIn, Permission
from lading.services.identity.authentication import Visit, nobody
from lading.services.identity.registry_tokens import Visitor
from lading.services.repositories.admission import RepositoryAdmission, ScopeMissing
from lading.wire.authorize import CATALOG, Scope
from tests.fakes.people import People, people
from tests.fakes.registry_doors import Doors

PULL, PUSH, REMOVE = (
    Permission.REPOSITORIES_PULL,
    Permission.REPOSITORIES_PUSH,
    Permission.REPOSITORIES_REMOVE,
)
NOBODY = nobody(Visit())
TEAM = Grant(frozenset({"repositories:*"}), repositories=("team/*",))
READER = Grant(frozenset({PULL, Permission.REPOSITORIES_VIEW}))
ADA, READS = Actor("ada", (TEAM,), 1), Actor("bob", (READER,), 2)
ANY = (Scope("team/app", ("pull", "push", "delete")), Scope("other", ("pull", "push")), CATALOG)


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


@pytest.fixture
def admission(all_: People) -> RepositoryAdmission:
    return Doors(all_, {"public/app"}).admission


@pytest.mark.parametrize(
    ("actor", "scopes", "permission", "repository", "refused"),
    [
        (ADA, None, PULL, "team/app", None),
        (ADA, None, PUSH, "team/app", None),
        (ADA, None, PULL, "other", Denied),
        (ADA, None, PULL, "public/app", None),
        (ADA, None, PUSH, "public/app", Denied),
        (READS, None, PULL, "other", None),
        (READS, None, PUSH, "other", Denied),
        (ADA, ANY, PUSH, "team/app", None),
        (ADA, (Scope("team/app", ("pull",)),), PUSH, "team/app", ScopeMissing),
        (ADA, (Scope("team/app", ("*",)),), REMOVE, "team/app", None),
        (ADA, (), PULL, "team/app", ScopeMissing),
        (ADA, (), PULL, "other", Denied),
        (ADA, (), PULL, "public/app", None),
        (ADA, ANY, PULL, "other", Denied),
        (NOBODY, None, PULL, "public/app", None),
        (NOBODY, None, PUSH, "public/app", NotLoggedIn),
        (NOBODY, None, PULL, "team/app", NotLoggedIn),
        (NOBODY, ANY, PULL, "team/app", ScopeMissing),
        (NOBODY, ANY, PULL, "public/app", None),
        (NOBODY, ANY, PUSH, "public/app", ScopeMissing),
    ],
)
def test_a_repository(
    admission: RepositoryAdmission,
    actor: Actor,
    scopes: tuple[Scope, ...] | None,
    permission: Permission,
    repository: str,
    refused: type[Exception] | None,
) -> None:
    if refused is None:
        admission.admit(Visitor(actor, scopes), permission, repository)
        return
    with pytest.raises(refused) as raised:
        admission.admit(Visitor(actor, scopes), permission, repository)
    assert type(raised.value) is refused


@pytest.mark.parametrize(
    ("actor", "scopes", "refused"),
    [
        (READS, None, None),
        (READS, (CATALOG,), None),
        (READS, (), ScopeMissing),
        (Actor("eve", (Grant(frozenset({"images:*"})),), 3), None, Denied),
        (NOBODY, None, NotLoggedIn),
        (NOBODY, (), ScopeMissing),
        (NOBODY, (CATALOG,), None),
    ],
)
def test_the_list_of_all(
    admission: RepositoryAdmission, actor: Actor, scopes: tuple[Scope, ...] | None, refused: type[Exception] | None
) -> None:
    if refused is None:
        admission.admit_to_list(Visitor(actor, scopes))
        return
    with pytest.raises(refused) as raised:
        admission.admit_to_list(Visitor(actor, scopes))
    assert type(raised.value) is refused


def test_a_list_shows_what_may_be_read(admission: RepositoryAdmission) -> None:
    listed = Visitor(ADA, (CATALOG,))

    assert admission.shown(listed, ["team/app", "other", "public/app"]) == ["team/app", "public/app"]
    assert admission.shown(Visitor(NOBODY), ["team/app", "public/app"]) == ["public/app"]


def test_a_list_asks_at_once_for_all_that_may_be_public(all_: People) -> None:
    asked: list[Collection[str]] = []

    def public_among(names: Collection[str]) -> Collection[str]:
        asked.append(names)
        return ["b"]

    admission = RepositoryAdmission(Doors(all_).audit, lambda _: False, public_among)

    assert admission.shown(Visitor(ADA), ["a", "b", "team/app", "z"]) == ["b", "team/app"]
    assert asked == [["a", "b", "z"]]
    assert admission.shown(Visitor(ADA), ["team/app"]) == ["team/app"]
    assert len(asked) == 1


def test_a_mount_takes_a_token_for_where_it_comes_from(admission: RepositoryAdmission) -> None:
    """A token that was given for one repository must not read others by way of it."""
    token = Visitor(ADA, (Scope("team/app", ("pull", "push")),))

    assert admission.may_pull(token, "team/app")
    assert not admission.may_pull(token, "team/base")
    assert admission.may_pull(Visitor(ADA), "team/base")
    assert admission.may_pull(token, "public/app")


@pytest.mark.parametrize(
    ("actor", "asked", "granted"),
    [
        (ADA, "repository:team/app:pull,push", "repository:team/app:pull,push"),
        (ADA, "repository:team/app:push,pull,delete,metadata_read", "repository:team/app:push,pull,delete"),
        (ADA, "repository:team/app:*", "repository:team/app:pull,push,delete"),
        (ADA, "repository:team/app:pull repository:team/app:push", "repository:team/app:pull,push"),
        (ADA, "repository:other:pull,push", ""),
        (ADA, "repository:public/app:pull,push", "repository:public/app:pull"),
        (ADA, "repository:team/app:pull repository:other:pull", "repository:team/app:pull"),
        (READS, "repository:any/where:pull,push,delete", "repository:any/where:pull"),
        (READS, "registry:catalog:*", "registry:catalog:*"),
        (ADA, "registry:other:*", ""),
        (NOBODY, "repository:public/app:pull,push", "repository:public/app:pull"),
        (NOBODY, "repository:public/app:*", "repository:public/app:pull"),
        (NOBODY, "repository:team/app:pull", ""),
        (NOBODY, "registry:catalog:*", "registry:catalog:*"),
        (READS, "repository:Not/A/Name:pull", ""),
        (READS, "repository:a:", ""),
        (READS, "repository(plugin):a:pull", ""),
    ],
)
def test_a_token_is_given_for_what_is_asked_and_allowed(
    admission: RepositoryAdmission, actor: Actor, asked: str, granted: str
) -> None:
    assert " ".join(map(str, admission.granted(actor, Scope.parse(asked)))) == granted


def test_a_refusal_is_recorded_once_a_minute_for_each_actor_and_repository(all_: People) -> None:
    ada, eve = all_.actor("ada"), all_.actor("eve")
    admission = Doors(all_).admission

    def refuse(actor: Actor, repository: str) -> None:
        with pytest.raises(Denied):
            admission.admit(Visitor(actor), PUSH, repository)

    for _ in range(50):
        refuse(ada, "team/app")
        refuse(ada, "other")
        refuse(eve, "team/app")
    all_.clock.now += 60
    refuse(ada, "team/app")

    assert [(row.entry.actor, row.entry.deed.entity_name, row.entry.result.value) for row in all_.records] == [
        ("ada", "team/app", "denied"),
        ("ada", "other", "denied"),
        ("eve", "team/app", "denied"),
        ("ada", "team/app", "denied"),
    ]


def test_strangers_leave_no_record(all_: People) -> None:
    with pytest.raises(NotLoggedIn):
        Doors(all_).admission.admit(Visitor(NOBODY), PULL, "team/app")

    assert not all_.records


def test_a_gun_of_ours_is_granted_as_the_repository_that_it_names(admission: RepositoryAdmission) -> None:
    """What is signed in a repository is asked for by the repository's full name."""

    def path_of(gun: str) -> str | None:
        return gun.removeprefix("us:5000/") if gun.startswith("us:5000/") else None

    asked = [
        Scope(f"{host}/{path}", ("push", "pull")) for host in ("us:5000", "them") for path in ("team/app", "other")
    ]
    everything = [Scope("us:5000/team/app", ("*",))]
    assert admission.granted(ADA, asked, path_of) == [Scope("us:5000/team/app", ("push", "pull"))]
    assert admission.granted(ADA, everything, path_of) == [Scope("us:5000/team/app", ("pull", "push", "delete"))]
    assert admission.granted(ADA, everything) == []
    assert admission.granted(NOBODY, [Scope("us:5000/public/app", ("push", "pull"))], path_of) == [
        Scope("us:5000/public/app", ("pull",))
    ]


def test_a_token_for_a_gun_opens_what_is_signed_and_not_the_repository(admission: RepositoryAdmission) -> None:
    shown = Visitor(ADA, (Scope("us:5000/team/app", ("pull", "push")),))
    admission.admit(shown, PUSH, "team/app", "us:5000/team/app")

    with pytest.raises(ScopeMissing):
        admission.admit(shown, PULL, "team/app")
    with pytest.raises(ScopeMissing):
        admission.admit(Visitor(ADA, (Scope("team/app", ("pull",)),)), PULL, "team/app", "us:5000/team/app")


def test_a_name_that_is_a_gun_and_a_path_opens_nothing_that_the_actor_may_not(admission: RepositoryAdmission) -> None:
    both = "us.example/other"
    [granted] = admission.granted(ADA, [Scope(both, ("*",))], lambda _: "team/app")
    assert granted.actions == ("pull", "push", "delete")

    with pytest.raises(Denied):
        admission.admit(Visitor(ADA, (granted,)), PULL, both)
