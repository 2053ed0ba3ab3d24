"""The patterns of `--filter reference=`, as Go's path.Match reads them: at once, whatever the pattern."""

from __future__ import annotations

import pytest

from lading.fronts.docker_api.narrowing import glob


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "app", True),
        ("*", "team/app", False),
        ("team/*", "team/app:1", True),
        ("*/*:1", "team/app:1", True),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "aXbYcZ", False),
        ("*a*", "bab", True),
        ("*a/b*", "aa/bb", True),
        ("*a/b*", "ab/b", False),
        ("*ab", "aab", True),
        ("*a*ab", "aab", True),
        ("**b", "aab", True),
        ("[ab]*[12]", "app:1", True),
        ("?*?", "ab", True),
        ("?*?", "a", False),
    ],
)
def test_a_star_takes_what_lies_between_two_slashes(pattern: str, name: str, matches: bool) -> None:
    assert bool(glob(pattern).fullmatch(name)) is matches


@pytest.mark.parametrize("pattern", ["*a" * 40 + "b", "*?" * 40 + "b", "*a*" * 40 + "/", "[a-z]*" * 40 + "0"])
def test_a_pattern_of_many_stars_is_answered_at_once(pattern: str) -> None:
    """Trying all ways to part the name among the stars would take longer than anybody lives, and stops every thread."""
    assert glob(pattern).fullmatch("a" * 200) is None
