"""Rules of retention: which tags of a repository may be let go, and what keeps them. Values.

    a rule   tags                the patterns of the tags that it is about
             keepTags            patterns of those among them that stay
             keepNewest          the so many that moved last stay
             keepPushedDays      those that moved within so many days stay
             keepPulledDays      those that were asked for, or moved, within so many days stay
             untaggedAfterDays   images without a tag go so long after they lost it; not said: they stay
    belongs  to one repository, whose list is replaced whole; or to the whole registry, where it also names the
             repositories that it is for

A rule that keeps nothing by number or age lets everything go, so that has to be said: `keepNewest` 0.
What becomes of the tags of a repository, `retention` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from lading.services.repositories.rules import RuleInvalid, matches_one, repository_patterns, rule_list, tag_patterns

DAY = 86_400.0
MOST_DAYS = 36_600.0
MOST_NEWEST = 1_000_000


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """`repositories` None: of the one repository that it belongs to. Without `tags` it is about what has no tag."""

    tags: tuple[str, ...]
    keep_tags: tuple[str, ...] = ()
    keep_newest: int | None = None
    keep_pushed_days: float | None = None
    keep_pulled_days: float | None = None
    untagged_after_days: float | None = None
    repositories: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return ", ".join(self.tags) or "untagged"

    def names(self, tag: str) -> bool:
        """Whether it is about this tag, there or not."""
        return matches_one(tag, self.tags)

    def concerns(self, repository: str) -> bool:
        """Whether it is about this repository."""
        return self.repositories is None or matches_one(repository, self.repositories)


# ── as JSON, in rows and for others


def retention_json(rule: RetentionRule) -> dict[str, object]:
    """What is not set is left out."""
    lists = (("repositories", rule.repositories), ("tags", rule.tags), ("keepTags", rule.keep_tags))
    fields: dict[str, object] = {name: list(patterns) for name, patterns in lists if patterns}
    numbers = (
        ("keepNewest", rule.keep_newest),
        ("keepPushedDays", rule.keep_pushed_days),
        ("keepPulledDays", rule.keep_pulled_days),
        ("untaggedAfterDays", rule.untagged_after_days),
    )
    return fields | {name: number for name, number in numbers if number is not None}


def own_retention(document: object) -> tuple[RetentionRule, ...]:
    """The whole list of one repository. Raises RuleInvalid."""
    return tuple(_rule(each, _OWN) for each in rule_list(document))


def wide_retention(document: object) -> tuple[RetentionRule, ...]:
    """The whole list of the registry, each naming its repositories. Raises RuleInvalid."""
    return tuple(_rule(each, {*_OWN, "repositories"}) for each in rule_list(document))


_OWN = {"tags", "keepTags", "keepNewest", "keepPushedDays", "keepPulledDays", "untaggedAfterDays"}


def _rule(document: object, known: set[str]) -> RetentionRule:
    if not isinstance(document, Mapping):
        raise RuleInvalid("a rule", "is an object")
    if unknown := sorted(str(name) for name in document.keys() - known):
        raise RuleInvalid("a rule", f"has no field {unknown[0][:50]!r} here")
    repositories = repository_patterns(document, "repositories") if "repositories" in known else None
    if repositories == ():
        raise RuleInvalid("repositories", "of a rule for the whole registry are at least one pattern")
    rule = RetentionRule(
        tag_patterns(document, "tags"),
        tag_patterns(document, "keepTags"),
        _newest(document.get("keepNewest")),
        _days(document, "keepPushedDays"),
        _days(document, "keepPulledDays"),
        _days(document, "untaggedAfterDays"),
        repositories,
    )
    _check_whole(rule)
    return rule


def _check_whole(rule: RetentionRule) -> None:
    keeps = (rule.keep_newest, rule.keep_pushed_days, rule.keep_pulled_days)
    if rule.tags and all(each is None for each in keeps):
        raise RuleInvalid("a rule", "says what it keeps: keepNewest, keepPushedDays or keepPulledDays")
    if not rule.tags and rule.untagged_after_days is None:
        raise RuleInvalid("a rule", "has tags, or untaggedAfterDays")
    if not rule.tags and (rule.keep_tags or any(each is not None for each in keeps)):
        raise RuleInvalid("a rule", "that keeps tags has tags")


def _newest(found: object) -> int | None:
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= MOST_NEWEST:
        raise RuleInvalid("keepNewest", f"is a whole number up to {MOST_NEWEST}")
    return found


def _days(document: Mapping[object, object], field: str) -> float | None:
    found = document.get(field)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        raise RuleInvalid(field, "is a number of days")
    if not 0 < found <= MOST_DAYS:
        raise RuleInvalid(field, "is more than none, and at most a hundred years")
    return float(found)
