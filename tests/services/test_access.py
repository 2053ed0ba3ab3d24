"""Permission: the one question, by tables and properties."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.reference import Repository
from lading.services.access import LADING, Actor, Grant, Permission, matches
from tests.fakes.actors import actors, permissions

PUSH, VIEW = Permission.IMAGES_PUSH, Permission.IMAGES_VIEW
asked = st.tuples(
    st.sampled_from(list(Permission)), st.none() | st.integers(1, 4), st.none() | st.sampled_from(["team/app", "else"])
)


@pytest.mark.parametrize(
    ("patterns", "allowed"),
    [
        ({"*"}, True),
        ({"images:*"}, True),
        ({"images:push"}, True),
        ({"images:pull"}, False),
        ({"image:*"}, False),
        ({"registries:*"}, False),
        (set(), False),
    ],
)
def test_patterns_of_permissions(patterns: set[str], allowed: bool) -> None:
    assert matches(PUSH, patterns) is allowed


@pytest.mark.parametrize(
    ("grant", "environment", "repository", "allowed"),
    [
        (Grant(frozenset({PUSH})), None, None, True),
        (Grant(frozenset({PUSH})), 3, "team/app", True),
        (Grant(frozenset({PUSH}), frozenset({1})), 1, None, True),
        (Grant(frozenset({PUSH}), frozenset({1})), 2, None, False),
        (Grant(frozenset({PUSH}), frozenset({1})), None, None, False),
        (Grant(frozenset({PUSH}), frozenset()), 1, None, False),
        (Grant(frozenset({PUSH}), None, ("team/*",)), 1, "team/app", True),
        (Grant(frozenset({PUSH}), None, ("team/*",)), 1, "team/a/b", True),
        (Grant(frozenset({PUSH}), None, ("team/*",)), 1, "teams/app", False),
        (Grant(frozenset({PUSH}), None, ("team/*",)), 1, None, False),
        (Grant(frozenset({PUSH}), None, ("Team/*",)), 1, "team/app", False),
        (Grant(frozenset({VIEW})), None, None, False),
    ],
)
def test_what_a_grant_covers(grant: Grant, environment: int | None, repository: str | None, allowed: bool) -> None:
    assert Actor("ann", (grant,), 1).may(PUSH, environment, repository) is allowed


@pytest.mark.parametrize(
    ("pattern", "registry", "path", "allowed"),
    [
        ("team/*", "ghcr.io", "team/app", True),
        ("*", "ghcr.io", "team/app", True),
        ("ghcr.io/team/*", "ghcr.io", "team/app", True),
        ("ghcr.io/*", "ghcr.io", "team/app", True),
        ("*.corp.test/team/*", "eu.corp.test", "team/app", True),
        ("reg.test:5000/team/*", "reg.test:5000", "team/app", True),
        ("ghcr.io/team/*", "evil.test", "ghcr.io/team/app", False),
        ("ghcr.io/*", "evil.test", "ghcr.io/team/app", False),
        ("*.corp.test/team/*", "evil.test", "x.corp.test/team/app", False),
        ("*.corp.test/team/*", "evil.test", "team/app", False),
        ("ghcr.io/team/*", "ghcr.io:444", "team/app", False),
        ("ghcr.io/team/*", "docker.io", "ghcr.io/team/app", False),
        ("team/*", "team", "app", False),
        ("docker.io/library/*", "docker.io", "library/alpine", True),
        ("docker.io/library/*", "docker.io", "other/library/alpine", False),
    ],
)
def test_a_pattern_with_a_registry_is_for_that_registry_alone(
    pattern: str, registry: str, path: str, allowed: bool
) -> None:
    actor = Actor("ann", (Grant(frozenset({PUSH}), None, (pattern,)),), 1)

    assert actor.may(PUSH, None, Repository(registry, path)) is allowed


@given(actors, permissions, asked)
def test_a_token_never_may_more_than_its_user(
    actor: Actor, scopes: frozenset[str], question: tuple[Permission, int | None, str | None]
) -> None:
    token = Actor(actor.name, actor.grants, actor.user, 1, scopes)

    assert token.may(*question) == (actor.may(*question) and matches(question[0], scopes))
    assert not token.may_somewhere(question[0]) or actor.may_somewhere(question[0])


@given(actors, asked)
def test_whoever_may_there_may_somewhere(actor: Actor, question: tuple[Permission, int | None, str | None]) -> None:
    assert not actor.may(*question) or actor.may_somewhere(question[0])


@given(asked)
def test_lading_itself_may_everything(question: tuple[Permission, int | None, str | None]) -> None:
    assert LADING.may(*question)


@given(actors, asked)
def test_somewhere_may_be_in_one_environment(actor: Actor, question: tuple[Permission, int | None, str | None]) -> None:
    permission, environment, _ = question
    assert not actor.may(*question) or actor.may_somewhere(permission, environment)
    assert not actor.may_somewhere(permission, environment) or actor.may_somewhere(permission)


@given(actors, st.sampled_from(list(Permission)), st.sampled_from(["team/app", "team/x/y", "else", "app"]))
def test_patterns_of_repositories_say_what_the_question_says(actor: Actor, permission: Permission, name: str) -> None:
    patterns = actor.patterns(permission)

    named = patterns is None or any(fnmatchcase(name, pattern) for pattern in patterns)

    assert named is actor.may(permission, None, name)
