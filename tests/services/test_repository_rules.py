"""Rules: what they name, what they let go of, and how they are written."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.services.repositories.rules import (
    WHOLE,
    Protects,
    Releases,
    Rule,
    RuleInvalid,
    Step,
    TagRelease,
    is_whole,
    judge,
    matches_one,
    own_rules,
    rule_json,
    wide_rules,
)

DAY = 86_400.0
NOW = 1_700_000_000.0
ONCE = TagRelease("v1", "why", "ada", NOW)


@pytest.mark.parametrize(
    ("rule", "named", "others"),
    [
        (Rule(("**",)), ["v1", "latest", "sha256-abc.sig"], []),
        (Rule(("v*",)), ["v1", "v", "v1.2-rc"], ["V1", "1v", "latest"]),
        (Rule(("*.*.*", "release")), ["1.2.3", "release"], ["1.2", "releases"]),
        (Rule(("*",), excepts=("latest", "dev-*")), ["v1", "dev"], ["latest", "dev-1"]),
        (Rule(("1.0",)), ["1.0"], ["1x0", "1.0.1"]),
    ],
)
def test_a_pattern_is_of_the_whole_name(rule: Rule, named: list[str], others: list[str]) -> None:
    assert [tag for tag in named + others if rule.names(tag)] == named


def test_a_rule_of_the_registry_concerns_the_repositories_it_names() -> None:
    rule = Rule(("**",), repositories=("prod/*", "app"))

    assert [name for name in ("prod/a", "prod/a/b", "app", "prod", "my/app") if rule.concerns(name)] == [
        "prod/a",
        "prod/a/b",
        "app",
    ]
    assert WHOLE.concerns("whatever")


@pytest.mark.parametrize(
    ("rule", "release", "age", "stands"),
    [
        (Rule(("v1",)), None, 1000 * DAY, True),
        (Rule(("v1",)), ONCE, 0, False),
        (Rule(("v1",), releases=Releases.NEVER), ONCE, 1000 * DAY, True),
        (Rule(("v1",)), TagRelease("v1", "w", "a", NOW, until=NOW + 1), 0, False),
        (Rule(("v1",)), TagRelease("v1", "w", "a", NOW, until=NOW), 0, True),
        (Rule(("v1",), releases=Releases.AGE, after_seconds=30 * DAY), None, 30 * DAY - 1, True),
        (Rule(("v1",), releases=Releases.AGE, after_seconds=30 * DAY), None, 30 * DAY, False),
        (Rule(("v1",), releases=Releases.AGE, after_seconds=30 * DAY), ONCE, 0, False),
        (Rule(("v2",)), None, 0, False),
    ],
)
def test_what_lets_go_of_a_tag(rule: Rule, release: TagRelease | None, age: float, stands: bool) -> None:
    judgement = judge([rule], "v1", Step.DELETE, pointed=NOW - age, release=release, now=NOW)

    assert (judgement.rule == rule) is stands


@pytest.mark.parametrize("protects", Protects)
@pytest.mark.parametrize("step", Step)
def test_a_rule_stands_against_what_it_says(protects: Protects, step: Step) -> None:
    judgement = judge([Rule(("**",), protects=protects)], "v1", step, pointed=NOW, release=None, now=NOW)

    assert bool(judgement.rule) is (protects.value in {"both", step.value})


def test_one_rule_that_stands_is_enough() -> None:
    never = Rule(("v*",), releases=Releases.NEVER)
    judgement = judge([WHOLE, never], "v1", Step.DELETE, pointed=NOW, release=ONCE, now=NOW)

    assert judgement.rule == never


def test_a_release_that_nothing_needs_is_not_used() -> None:
    aged = Rule(("**",), releases=Releases.AGE, after_seconds=1.0)

    assert judge([aged], "v1", Step.DELETE, pointed=NOW - 2, release=ONCE, now=NOW).used is None
    assert judge([WHOLE], "v1", Step.DELETE, pointed=NOW - 2, release=ONCE, now=NOW).used == ONCE


def test_immutability_is_the_rule_for_every_tag_against_everything() -> None:
    assert is_whole(WHOLE)
    assert is_whole(Rule(("v1", "*")))
    assert not is_whole(Rule(("v*",)))
    assert not is_whole(Rule(("**",), excepts=("latest",)))
    assert not is_whole(Rule(("**",), protects=Protects.OVERWRITE))


TAGS = st.lists(st.from_regex(r"[A-Za-z0-9_.*-]{1,20}", fullmatch=True), min_size=1, max_size=3, unique=True).map(tuple)
PLAIN = st.builds(
    Rule, TAGS, TAGS | st.just(()), st.sampled_from(Protects), st.sampled_from([Releases.NEVER, Releases.ADMINISTRATOR])
)
AGED = st.builds(
    Rule,
    TAGS,
    st.just(()),
    st.sampled_from(Protects),
    st.just(Releases.AGE),
    st.floats(1, 1e9),
    st.lists(st.from_regex(r"[a-z*/]{1,9}", fullmatch=True), min_size=1, max_size=2, unique=True).map(tuple),
)


@given(PLAIN, AGED)
def test_a_rule_is_read_as_it_was_written(own: Rule, wide: Rule) -> None:
    assert own_rules([rule_json(own)]) == (own,)
    assert wide_rules([rule_json(wide)]) == (wide,)


@given(st.text("ab.*-_", min_size=1, max_size=128), st.text("ab", min_size=1, max_size=128))
def test_every_pattern_is_matched_at_once(pattern: str, tag: str) -> None:
    """No pattern takes long, however many stars it has."""
    Rule((pattern, "*a" * 60 + "c")).names(tag)


@given(st.text("ab.*-_/", max_size=12), st.text("ab.-_/", max_size=16))
def test_a_pattern_means_what_it_means_in_the_shell(pattern: str, name: str) -> None:
    assert matches_one(name, [pattern]) is fnmatchcase(name, pattern)


@given(st.lists(st.text("ab.", max_size=3), min_size=1, max_size=5), st.text("ab.", max_size=3))
def test_a_pattern_names_what_its_stars_are_filled_with(parts: list[str], filling: str) -> None:
    assert matches_one(filling.join(parts), ["*".join(parts)])


def test_no_pattern_is_compiled_while_a_change_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(re, "compile")

    assert not matches_one("a" * 128, [f"{'*a' * 60}-never-compiled"])


@pytest.mark.parametrize(
    "document",
    [
        7,
        {},
        [7],
        [{"tags": "v1"}],
        [{"tags": []}],
        [{"tags": ["a/b"]}],
        [{"tags": [7]}],
        [{"tags": ["v1"] * 51}],
        [{"tags": ["v1"], "repositories": ["a"]}],
        [{"tags": ["v1"], "protects": []}],
        [{"tags": ["v1"], "releases": "AGE"}],
        [{"tags": ["v1"], "releases": "age", "afterSeconds": True}],
        [{"tags": ["v1"], "releases": "age", "afterSeconds": float("inf")}],
        [{"tags": ["v1"], "releases": "age", "afterSeconds": 1e12}],
        [{"tags": ["v1"]}] * 101,
    ],
)
def test_what_is_no_rule_is_refused(document: object) -> None:
    with pytest.raises(RuleInvalid):
        own_rules(document)
    with pytest.raises(RuleInvalid):
        wide_rules([{"tags": ["v1"]}])
