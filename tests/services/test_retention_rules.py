"""Rules of retention as they are written down: what is one, and what is none."""

from __future__ import annotations

import pytest

from lading.services.repositories.retention_rules import own_retention, retention_json, wide_retention
from lading.services.repositories.rules import RuleInvalid
from tests.fakes.registry_world import RETENTION
from tests.fakes.retained import WIDE_RETENTION


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"tags": ["*"]},
        {"tags": ["*"], "keepNewest": -1},
        {"tags": ["*"], "keepNewest": True},
        {"tags": ["*"], "keepNewest": 1.5},
        {"tags": ["*"], "keepPushedDays": 0},
        {"tags": ["*"], "keepPushedDays": float("nan")},
        {"tags": ["*"], "keepPulledDays": "3"},
        {"tags": ["a b"], "keepNewest": 1},
        {"tags": ["*"], "keepNewest": 1, "more": 1},
        {"keepNewest": 1, "untaggedAfterDays": 1},
        {"tags": ["*"], "keepNewest": 1, "repositories": ["*"]},
        "*",
    ],
)
def test_what_is_no_rule_is_refused(wrong: object) -> None:
    with pytest.raises(RuleInvalid):
        own_retention([wrong])


def test_rules_are_read_back_as_they_were_written() -> None:
    assert own_retention([retention_json(rule) for rule in RETENTION]) == RETENTION
    assert wide_retention([retention_json(rule) for rule in WIDE_RETENTION]) == WIDE_RETENTION
    with pytest.raises(RuleInvalid):
        wide_retention([retention_json(RETENTION[0])])
