"""What patterns of repositories are for: the table that people read is gone through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.oci.reference import Repository, is_registry
from lading.services.access import Actor, Grant, Permission

PUSH = Permission.IMAGES_PUSH
PAGE = Path(__file__).parents[2] / "docs/how-to/people.md"


def examples() -> Iterator[tuple[str, str, bool]]:
    """Pattern, name, and whether it is for that."""
    table = PAGE.read_text(encoding="utf-8").partition("| pattern | is for | and not for |\n|---|---|---|\n")[2]
    for row in table.partition("\n\n")[0].splitlines():
        pattern, taken, left = (re.findall(r"`([^`]+)`", cell) for cell in row.strip("|").split("|"))
        yield from ((pattern[0], name, True) for name in taken)
        yield from ((pattern[0], name, False) for name in left)


def repository(name: str) -> Repository | str:
    """As it is asked about: of another registry, or a path in our own."""
    host, slash, path = name.partition("/")
    return Repository(host, path) if slash and is_registry(host) and host == host.lower() else name


@pytest.mark.parametrize(("pattern", "name", "allowed"), list(examples()))
def test_the_examples_of_the_page(pattern: str, name: str, allowed: bool) -> None:
    actor = Actor("ann", (Grant(frozenset({PUSH}), None, (pattern,)),), 1)

    assert actor.may(PUSH, None, repository(name)) is allowed


def test_the_page_has_examples_of_both_kinds() -> None:
    told = list(examples())

    assert len(told) > 30
    assert {allowed for _, _, allowed in told} == {True, False}


@pytest.mark.parametrize(
    ("pattern", "name", "allowed"),
    [
        ("ghcr.io/acme/*", "ghcr.io/acme/app", True),
        ("*", "anything/at/all", True),
        ("*", "app", True),
        ("*/*", "app", False),
        ("a*c", "a/b/c", True),
        ("a*c", "ac", True),
    ],
)
def test_in_our_own_registry_a_pattern_is_a_path(pattern: str, name: str, allowed: bool) -> None:
    assert Actor("ann", (Grant(frozenset({PUSH}), None, (pattern,)),), 1).may(PUSH, None, name) is allowed
