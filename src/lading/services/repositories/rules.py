"""Rules: which tags stay as they are, and what lets go of them. Values, and one evaluation; pure.

    a rule    tags      patterns, of which one names the tag
              excepts   patterns, of which none does
              protects  overwrite | delete | both
              releases  never | administrator | age (so long after the tag last moved; an administrator sooner)
    belongs   to one repository, whose list is replaced whole and has no ids; or to the whole registry, where it also
              names the repositories that it is for

In a pattern `*` stands for any run of characters, as in the patterns of roles; `**` is the same. There are no regular
expressions: Python's own cannot be bounded in time, and a pattern is matched while a transaction waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import TypeVar

from lading.errors import InputInvalid

MOST_RULES = 100
MOST_PATTERNS = 50
"""In each list of one rule."""

MOST_SECONDS = 100 * 366 * 86_400.0
"""A hundred years: more means never."""

W = TypeVar("W", bound=StrEnum)

_TAGS = re.compile(r"[A-Za-z0-9_.*-]{1,128}")
_REPOSITORIES = re.compile(r"[a-z0-9._/*-]{1,255}")


class Step(StrEnum):
    """What may become of a tag that is there."""

    OVERWRITE = "overwrite"
    DELETE = "delete"


class Protects(StrEnum):
    """Against which steps a rule stands."""

    OVERWRITE = "overwrite"
    DELETE = "delete"
    BOTH = "both"

    def covers(self, step: Step) -> bool:
        """Whether it stands against this one."""
        return self is Protects.BOTH or self == step.value


class Releases(StrEnum):
    """What lets go of a tag before the rule itself is taken away."""

    NEVER = "never"
    ADMINISTRATOR = "administrator"
    AGE = "age"


class RuleInvalid(InputInvalid):
    """What somebody wrote of a rule is none."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"{self.field} {self.rule}"


@dataclass(frozen=True, slots=True)
class Rule:
    """`after_seconds` goes with AGE. `repositories` None: of the one repository that it belongs to."""

    tags: tuple[str, ...]
    excepts: tuple[str, ...] = ()
    protects: Protects = Protects.BOTH
    releases: Releases = Releases.ADMINISTRATOR
    after_seconds: float | None = None
    repositories: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return ", ".join(self.tags)

    def names(self, tag: str) -> bool:
        """Whether it is about this tag, there or not."""
        return matches_one(tag, self.tags) and not matches_one(tag, self.excepts)

    def concerns(self, repository: str) -> bool:
        """Whether it is about this repository."""
        return self.repositories is None or matches_one(repository, self.repositories)


WHOLE = Rule(("**",))
"""An immutable repository: no tag in it moves or goes, unless an administrator releases it."""


@dataclass(frozen=True, slots=True)
class TagRelease:
    """An administrator, `actor`, let go of a tag at `at`; until `until`, or where that is None until it is used once.

    Times are seconds since 1970.
    """

    tag: str
    reason: str
    actor: str
    at: float
    until: float | None = None

    def stands(self, now: float) -> bool:
        """Whether it still holds."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Judgement:
    """What rules say of one step: `rule` forbids it, or `used` is the release without which one would."""

    rule: Rule | None = None
    used: TagRelease | None = None


def judge(
    rules: Iterable[Rule], tag: str, step: Step, *, pointed: float, release: TagRelease | None, now: float
) -> Judgement:
    """Whether a tag that last moved at `pointed` may take this step; `rules` are those that concern its repository."""
    used = None
    for rule in rules:
        if not rule.protects.covers(step) or not rule.names(tag):
            continue
        if rule.releases is Releases.AGE and now >= released_at(rule, pointed):
            continue
        if rule.releases is Releases.NEVER or release is None or not release.stands(now):
            return Judgement(rule)
        used = release
    return Judgement(used=used)


def released_at(rule: Rule, pointed: float) -> float:
    """When age lets go of a tag that last moved at `pointed`; infinite where it never does."""
    return float("inf") if rule.after_seconds is None else pointed + rule.after_seconds


def is_whole(rule: Rule) -> bool:
    """Whether it makes its repository immutable: every tag, against everything, for good unless released."""
    return set(rule.tags) & {"*", "**"} != set() and not rule.excepts and rule.protects is Protects.BOTH


# ── as JSON, in rows and for others


def rule_json(rule: Rule) -> dict[str, object]:
    """As interfaces §2 has it; what is not set is left out."""
    fields: dict[str, object] = {"tags": list(rule.tags)}
    if rule.repositories is not None:
        fields = {"repositories": list(rule.repositories), **fields}
    if rule.excepts:
        fields["excepts"] = list(rule.excepts)
    fields |= {"protects": rule.protects.value, "releases": rule.releases.value}
    if rule.after_seconds is not None:
        fields["afterSeconds"] = rule.after_seconds
    return fields


def own_rules(document: object) -> tuple[Rule, ...]:
    """The whole list of one repository. Raises RuleInvalid."""
    return tuple(_rule(each, _OWN) for each in rule_list(document))


def wide_rules(document: object) -> tuple[Rule, ...]:
    """The whole list of the registry, each naming its repositories. Raises RuleInvalid."""
    return tuple(_rule(each, {*_OWN, "repositories"}) for each in rule_list(document))


_OWN = {"tags", "excepts", "protects", "releases", "afterSeconds"}


def rule_list(document: object) -> Sequence[object]:
    """What is to be a list of rules, or none. Raises RuleInvalid."""
    if document is None:
        return ()
    if not isinstance(document, list | tuple) or len(document) > MOST_RULES:
        raise RuleInvalid("rules", f"are a list of at most {MOST_RULES}")
    return document


def _rule(document: object, known: set[str]) -> Rule:
    if not isinstance(document, Mapping):
        raise RuleInvalid("a rule", "is an object")
    if unknown := sorted(str(name) for name in document.keys() - known):
        raise RuleInvalid("a rule", f"has no field {unknown[0][:50]!r} here")
    tags = tag_patterns(document, "tags")
    if not tags:
        raise RuleInvalid("tags", "of a rule are at least one pattern")
    repositories = None
    if "repositories" in known:
        repositories = repository_patterns(document, "repositories")
        if not repositories:
            raise RuleInvalid("repositories", "of a rule for the whole registry are at least one pattern")
    releases = _word(document, "releases", Releases, Releases.ADMINISTRATOR)
    return Rule(
        tags,
        tag_patterns(document, "excepts"),
        _word(document, "protects", Protects, Protects.BOTH),
        releases,
        _seconds(document.get("afterSeconds"), releases),
        repositories,
    )


def tag_patterns(document: Mapping[object, object], field: str) -> tuple[str, ...]:
    """A list of patterns of tags, each once. Raises RuleInvalid."""
    return _patterns(document, field, _TAGS, "the characters of tags, and *")


def repository_patterns(document: Mapping[object, object], field: str) -> tuple[str, ...]:
    """A list of patterns of repositories, each once. Raises RuleInvalid."""
    return _patterns(document, field, _REPOSITORIES, "the characters of repositories, and *")


def _patterns(document: Mapping[object, object], field: str, form: re.Pattern[str], rule: str) -> tuple[str, ...]:
    found = document.get(field) or []
    if not isinstance(found, list | tuple) or len(found) > MOST_PATTERNS:
        raise RuleInvalid(field, f"are a list of at most {MOST_PATTERNS} patterns")
    for pattern in found:
        if not isinstance(pattern, str) or not form.fullmatch(pattern):
            raise RuleInvalid(field, f"are patterns of {rule}")
    return tuple(dict.fromkeys(found))


def _word(document: Mapping[object, object], field: str, words: type[W], default: W) -> W:
    found = document.get(field, default)
    if not isinstance(found, str) or found not in list(words):
        raise RuleInvalid(field, f"is one of {', '.join(words)}")
    return words(found)


def _seconds(found: object, releases: Releases) -> float | None:
    if releases is not Releases.AGE:
        if found is not None:
            raise RuleInvalid("afterSeconds", "goes with releases: age")
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        raise RuleInvalid("afterSeconds", "is a number of seconds")
    if not 0 < found <= MOST_SECONDS:
        raise RuleInvalid("afterSeconds", "is more than none, and at most a hundred years")
    return float(found)


def matches_one(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is this name's."""
    return any(_matches(name, pattern) for pattern in patterns)


def _matches(name: str, pattern: str) -> bool:
    """Part by part between the stars, each where it is found first: nothing is compiled, and nothing tried twice."""
    first, *parts = pattern.split("*")
    if not parts:
        return name == pattern
    last, at = parts.pop(), len(first)
    end = len(name) - len(last)
    if end < at or not name.startswith(first) or not name.endswith(last):
        return False
    for part in parts:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
