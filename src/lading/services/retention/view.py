"""What becomes of tags as JSON: what the REST door answers and the command line prints."""

from __future__ import annotations

from lading.services.json_values import Json
from lading.services.repositories.retention_rules import RetentionRule, retention_json
from lading.services.repositories.rules import Rule, rule_json
from lading.services.retention.retention import Verdict


def verdict_json(verdict: Verdict) -> Json:
    """A tag, whether it stays, by which rule (null: by none) and why."""
    tag, rule = verdict.tag, verdict.rule
    return {
        "tag": tag.name,
        "digest": str(tag.digest),
        "kept": verdict.kept,
        "rule": None if rule is None else _rule_json(rule),
        "why": verdict.why,
    }


def _rule_json(rule: RetentionRule | Rule) -> Json:
    told = ("retention", retention_json(rule)) if isinstance(rule, RetentionRule) else ("protection", rule_json(rule))
    return {"kind": told[0], "scope": "repository" if rule.repositories is None else "registry", "rule": told[1]}
