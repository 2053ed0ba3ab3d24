"""What requests about retention and promotion bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from lading.fronts.rest_api.bodies import Body, Count, Number, Text
from lading.services.repositories.retention_rules import RetentionRule, own_retention, wide_retention
from lading.services.repositories.rules import MOST_PATTERNS, MOST_RULES

Patterns = Annotated[list[Text], Field(max_length=MOST_PATTERNS)]


class RetentionRuleBody(Body):
    """A rule of one repository: which tags it is about, and which of those stay. `untaggedAfterDays` is how long what
    has lost its last tag stays; not sent, for ever."""

    tags: Patterns = Field(default_factory=list)
    keep_tags: Patterns = Field(default_factory=list)
    keep_newest: Count | None = None
    keep_pushed_days: Number | None = None
    keep_pulled_days: Number | None = None
    untagged_after_days: Number | None = None


class WideRetentionRuleBody(RetentionRuleBody):
    """A rule of the whole registry, for the repositories that it names."""

    repositories: Patterns


class RetentionBody(Body):
    """All of the repository's own rules of retention, in place of those there were."""

    rules: Annotated[list[RetentionRuleBody], Field(max_length=MOST_RULES, default_factory=list)]


class PreviewBody(Body):
    """Rules to look at in place of the repository's own; not sent, those that there are."""

    rules: Annotated[list[RetentionRuleBody], Field(max_length=MOST_RULES)] | None = None


class PromoteBody(Body):
    """Which tag, into which repository, and under which tag; without `toTag` under the same."""

    tag: Text | None = None
    to: Text | None = None
    to_tag: Text | None = None


def retention_of(bodies: Sequence[RetentionRuleBody]) -> tuple[RetentionRule, ...]:
    """Raises RuleInvalid."""
    return own_retention([body.model_dump(by_alias=True, exclude_none=True) for body in bodies])


def wide_retention_of(bodies: Sequence[WideRetentionRuleBody]) -> tuple[RetentionRule, ...]:
    """Raises RuleInvalid."""
    return wide_retention([body.model_dump(by_alias=True, exclude_none=True) for body in bodies])
