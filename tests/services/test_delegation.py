"""Nobody gives more than they have."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.reference import Repository
from lading.services.access import Actor, Grant, Permission
from lading.services.identity.delegation import may_give, scopes_within
from tests.fakes.actors import actors, grants, permissions

NAMES: tuple[Repository | str, ...] = (
    *("team/app", "team/", "team", "other", "x", "ghcr.io/team/app"),
    *(Repository(registry, path) for registry in ("ghcr.io", "evil.test") for path in ("team/app", "ghcr.io/team/app")),
)


@given(actors, grants)
def test_whatever_is_given_the_giver_may_as_well(actor: Actor, grant: Grant) -> None:
    if not may_give(actor, [grant]):
        return
    taker = Actor("bob", (grant,), 8)
    for question in product(Permission, (None, 1, 2, 3, 4), (None, *NAMES)):
        assert actor.may(*question) or not taker.may(*question)


@given(actors)
def test_one_may_give_all_one_has(actor: Actor) -> None:
    assert may_give(actor, actor.grants)


@given(actors, permissions, grants)
def test_scopes_narrow_what_may_be_given(actor: Actor, scopes: frozenset[str], grant: Grant) -> None:
    token = Actor(actor.name, actor.grants, actor.user, 1, scopes)

    assert not may_give(token, [grant]) or may_give(actor, [grant])


@pytest.mark.parametrize(
    ("has", "gives", "allowed"),
    [
        (Grant(frozenset({"*"})), Grant(frozenset({"*"})), True),
        (Grant(frozenset({"*"})), Grant(frozenset({"images:push"}), frozenset({1}), ("a*",)), True),
        (Grant(frozenset(Permission)), Grant(frozenset({"*"})), False),
        (Grant(frozenset({"images:*"})), Grant(frozenset({"images:push"})), True),
        (Grant(frozenset({"images:push"})), Grant(frozenset({"images:*"})), False),
        (Grant(frozenset({"*"}), frozenset({1, 2})), Grant(frozenset({"*"}), frozenset({2})), True),
        (Grant(frozenset({"*"}), frozenset({1, 2})), Grant(frozenset({"*"})), False),
        (Grant(frozenset({"*"}), None, ("team/*",)), Grant(frozenset({"*"}), None, ("team/*",)), True),
        (Grant(frozenset({"*"}), None, ("team/*",)), Grant(frozenset({"*"}), None, ("team/a*b",)), True),
        (Grant(frozenset({"*"}), None, ("team/*",)), Grant(frozenset({"*"}), None, ("team*",)), False),
        (Grant(frozenset({"*"}), None, ("a*b",)), Grant(frozenset({"*"}), None, ("a*",)), False),
        (Grant(frozenset({"*"}), None, ("*",)), Grant(frozenset({"*"})), False),
        (Grant(frozenset({"*"}), None, ("*.corp.test/*",)), Grant(frozenset({"*"}), None, ("eu.corp.test/a",)), True),
        (
            Grant(frozenset({"*"}), None, ("*.corp.test/*",)),
            Grant(frozenset({"*"}), None, ("a.b/c.corp.test/d",)),
            False,
        ),
        (Grant(frozenset({"*"}), None, ("ghcr.io/*",)), Grant(frozenset({"*"}), None, ("*",)), False),
        (Grant(frozenset({"*"})), Grant(frozenset()), True),
    ],
)
def test_patterns_are_compared_as_patterns(has: Grant, gives: Grant, allowed: bool) -> None:
    assert may_give(Actor("ann", (has,), 1), [gives]) is allowed


def test_two_grants_together_allow_to_give_what_neither_does() -> None:
    actor = Actor("ann", (Grant(frozenset({"*"}), frozenset({1})), Grant(frozenset({"*"}), frozenset({2}))), 1)

    assert may_give(actor, [Grant(frozenset({"images:push"}), frozenset({1, 2}))])
    assert not may_give(actor, [Grant(frozenset({"images:push"}), frozenset({1, 3}))])


@given(st.none() | permissions, st.none() | permissions)
def test_narrower_scopes_allow_no_more(scopes: frozenset[str] | None, given_: frozenset[str] | None) -> None:
    everything = (Grant(frozenset({"*"})),)
    if scopes_within(scopes, given_):
        narrow, wide = Actor("t", everything, 1, 1, scopes), Actor("t", everything, 1, 2, given_)
        assert all(wide.may(each) or not narrow.may(each) for each in Permission)
