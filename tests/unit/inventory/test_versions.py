from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.inventory.version_unreadable import LENGTH_LIMIT, VersionUnreadable
from lading.inventory.versions import compare

ORDERED = {
    "Debian:12": ["0~", "0", "1~rc1", "1", "1-1", "1-1+b1", "1-1+deb12u1", "1-2", "1+git", "1.0-1", "9", "10", "1:0"],
    "Red Hat": ["0", "1~rc1", "1", "1-1.el8", "1-1.el9", "1-2", "1^git1", "1.a", "1.1", "9", "10", "1:0"],
    "Alpine:v3.19": ["1.0_alpha1", "1.0_rc1", "1.0_rc2", "1.0", "1.0-r1", "1.0-r10", "1.0_p1", "1.0b", "1.0.1", "1.10"],
    "PyPI": ["1.dev1", "1a1", "1rc1", "1", "1+local", "1.post1", "1.1", "1!0"],
    "npm": ["0.0.0", "1.0.0-0", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0", "1.0.1", "10.0"],
    "NuGet": ["1.0.0-a", "1.0.0-B", "1.0.0", "1.0.0.1", "1.0.1"],
    "RubyGems": ["1.a", "1.b.0.a", "1.b", "1.b.0.1", "1", "1.0.1", "1.1.pre", "1.1", "1.10"],
    "Maven": ["1-alpha-1", "1-beta", "1-rc", "1-SNAPSHOT", "1", "1-sp", "1-foo", "1-1", "1.1", "1.10"],
    "Packagist": ["1.0-dev", "1.0a1", "1.0b1", "1.0RC1", "1.0", "1.0.0", "1.0pl1", "1.1"],
}

SAME = [
    ("Debian", "1.0", "0:1.0-0"),
    ("Debian", "01.00", "1.0"),
    ("Red Hat", "1.0-1", "0:1_0-01"),
    ("Alpine", "1-r1", "1-r01"),
    ("PyPI", "1.0", "1"),
    ("PyPI", "1.0-RC1", "1.0rc1"),
    ("npm", "v1.0", "1.0.0+build"),
    ("NuGet", "1.0.0-RC", "1.0.0.0-rc"),
    ("RubyGems", "1.0.a", "1.a"),
    ("Maven", "1.0.0.Final", "1-ga"),
    ("Packagist", "v1.0-beta1", "1.0b1"),
]

UNREADABLE = [
    ("Debian", "1.0 beta"),
    ("Debian", "a:1"),
    ("Alpine", "1.0-beta"),
    ("PyPI", "2013-01-21T20:33:09+0100"),
    ("npm", "latest"),
    ("Go", "(devel)"),
    ("RubyGems", "one"),
    ("Packagist", "dev-main"),
    ("Arch Linux", "1.0"),
    ("Red Hat", ""),
    ("Maven", "1" * (LENGTH_LIMIT + 1)),
]


@pytest.mark.parametrize("ecosystem", ORDERED)
def test_each_version_is_before_those_that_follow(ecosystem: str) -> None:
    for older, newer in itertools.combinations(ORDERED[ecosystem], 2):
        assert compare(ecosystem, older, newer) == -1, (older, newer)
        assert compare(ecosystem, newer, older) == 1, (older, newer)


@pytest.mark.parametrize(("ecosystem", "version", "other"), SAME)
def test_two_spellings_are_one_version(ecosystem: str, version: str, other: str) -> None:
    assert compare(ecosystem, version, other) == 0


@pytest.mark.parametrize(("ecosystem", "version"), UNREADABLE)
def test_what_has_no_place_in_the_order_is_refused(ecosystem: str, version: str) -> None:
    with pytest.raises(VersionUnreadable) as refused:
        compare(ecosystem, version, "1")

    assert repr(version[:80]) in str(refused.value)


VERSIONS = st.from_regex(r"[0-9]{1,3}([.~^+_-]?([0-9]{1,3}|[a-z]{1,5}|rc[0-9]|-r[0-9])){0,5}", fullmatch=True)
WHOLE_ORDERS = ["Debian", "Red Hat", "Alpine", "PyPI", "npm", "NuGet", "RubyGems", "Packagist"]


@pytest.mark.parametrize("ecosystem", [*WHOLE_ORDERS, "Maven"])
@settings(max_examples=50)
@given(VERSIONS, VERSIONS)
def test_turned_round_the_answer_turns_round(ecosystem: str, version: str, other: str) -> None:
    answer = asked(ecosystem, version, other)

    assert asked(ecosystem, other, version) == (None if answer is None else -answer)


@pytest.mark.parametrize("ecosystem", WHOLE_ORDERS)  # Maven's own rules go in circles for some
@settings(max_examples=50)
@given(st.lists(VERSIONS, min_size=3, max_size=3))
def test_what_is_before_a_later_one_is_before_it(ecosystem: str, versions: list[str]) -> None:
    first, second, third = versions
    steps = asked(ecosystem, first, second), asked(ecosystem, second, third)

    if steps in {(-1, -1), (-1, 0), (0, -1)}:
        assert asked(ecosystem, first, third) == -1
    if steps == (0, 0):
        assert asked(ecosystem, first, third) == 0


@pytest.mark.parametrize("ecosystem", [*WHOLE_ORDERS, "Maven"])
@settings(max_examples=50)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(ecosystem: str, text: str) -> None:
    assert asked(ecosystem, text, text) in {0, None}


def asked(ecosystem: str, version: str, other: str) -> int | None:
    try:
        return compare(ecosystem, version, other)
    except VersionUnreadable:
        return None
