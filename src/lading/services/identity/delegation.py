"""Nobody gives more than they have: whether what an actor may takes in what a grant would give.

Patterns are compared as patterns: `images:*` is more than every verb of images there is today, and takes `images:*` or
`*` to give.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from typing import TypeVar

from lading.services.access import EVERYTHING, Actor, Grant, split_pattern

T = TypeVar("T")

_ANY_TEXT = "\N{REPLACEMENT CHARACTER}"
"""No name and no pattern holds it: only a `*` of the wider pattern can stand for it."""


def may_give(actor: Actor, grants: Iterable[Grant]) -> bool:
    """Whether everything these grants give is the actor's, within a token's scopes."""
    return all(
        _permission_within(permission, actor.scopes) and _has(actor, permission, environment, repository)
        for grant in grants
        for permission in grant.permissions
        for environment in _each(grant.environments)
        for repository in _each(grant.repositories)
    )


def scopes_within(scopes: frozenset[str] | None, given: frozenset[str] | None) -> bool:
    """Whether a token with `scopes` may no more than one with the scopes `given`."""
    if scopes is None:
        return given is None
    return all(_permission_within(scope, given) for scope in scopes)


def _each(named: Collection[T] | None) -> Iterable[T | None]:
    """None stands for all of them."""
    return (None,) if named is None else named


def _has(actor: Actor, permission: str, environment: int | None, repository: str | None) -> bool:
    return any(
        _permission_within(permission, grant.permissions)
        and (grant.environments is None or (environment is not None and environment in grant.environments))
        and (grant.repositories is None or (repository is not None and _repository_within(repository, grant)))
        for grant in actor.grants
    )


def _permission_within(pattern: str, wider: Collection[str] | None) -> bool:
    noun, _, _ = pattern.partition(":")
    return wider is None or EVERYTHING in wider or pattern in wider or (pattern != EVERYTHING and f"{noun}:*" in wider)


def _repository_within(pattern: str, grant: Grant) -> bool:
    """Every name that `pattern` matches one of the grant's does, in our own registry and in others."""
    return any(_within(pattern, wider) and _within_elsewhere(pattern, wider) for wider in grant.repositories or ())


def _within_elsewhere(pattern: str, wider: str) -> bool:
    registry, path = split_pattern(pattern)
    wider_registry, wider_path = split_pattern(wider)
    reaches = wider_registry is None or (registry is not None and _within(registry, wider_registry))
    return reaches and _within(path, wider_path)


def _within(pattern: str, wider: str) -> bool:
    """Its `*` is text that only another `*` can match."""
    return fnmatchcase(pattern.replace("*", _ANY_TEXT), wider)
