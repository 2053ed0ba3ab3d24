"""What requests about our own repositories bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AwareDatetime, Field

from lading.fronts.rest_api.bodies import Body, Number, Text
from lading.fronts.rest_api.retention_bodies import WideRetentionRuleBody
from lading.fronts.rest_api.trust_bodies import TrustBody
from lading.services.repositories.rows import Visibility
from lading.services.repositories.rules import (
    MOST_PATTERNS,
    MOST_RULES,
    Protects,
    Releases,
    Rule,
    own_rules,
    wide_rules,
)

Patterns = Annotated[list[Text], Field(max_length=MOST_PATTERNS)]


class RuleBody(Body):
    """A rule of one repository: which tags stay as they are, against what, and what lets go of them. In a pattern `*`
    stands for any run of characters. `afterSeconds` goes with `releases: age`, and counts since the tag last moved."""

    tags: Patterns
    excepts: Patterns = Field(default_factory=list)
    protects: Protects = Protects.BOTH
    releases: Releases = Releases.ADMINISTRATOR
    after_seconds: Number | None = None


class WideRuleBody(RuleBody):
    """A rule of the whole registry, for the repositories that it names."""

    repositories: Patterns


class RepositoryBody(Body):
    """What a repository is to be; what is not sent stays. `immutable` is the rule `**` among the others; `rules` are
    all of its own rules, in place of those there were; `trust` is its trust rule, whole. A `reason` goes on the audit
    trail."""

    visibility: Visibility | None = None
    immutable: bool | None = None
    rules: Annotated[list[RuleBody], Field(max_length=MOST_RULES)] | None = None
    trust: TrustBody | None = None
    reason: Text | None = None


class WideRulesBody(Body):
    """All rules of the whole registry, in place of those there were: what protects tags, and `retention`. What is not
    sent stays."""

    rules: Annotated[list[WideRuleBody], Field(max_length=MOST_RULES)] | None = None
    retention: Annotated[list[WideRetentionRuleBody], Field(max_length=MOST_RULES)] | None = None


class RenameBody(Body):
    """The name that a repository is to have."""

    to: Text = ""


class ReleaseBody(Body):
    """Why a protected tag may be moved or removed, and until when; without `until`, once."""

    reason: Text = ""
    until: AwareDatetime | None = None


def rules_of(bodies: Sequence[RuleBody]) -> tuple[Rule, ...]:
    """Raises RuleInvalid."""
    return own_rules([body.model_dump(by_alias=True, exclude_none=True) for body in bodies])


def wide_rules_of(bodies: Sequence[WideRuleBody]) -> tuple[Rule, ...]:
    """Raises RuleInvalid."""
    return wide_rules([body.model_dump(by_alias=True, exclude_none=True) for body in bodies])
