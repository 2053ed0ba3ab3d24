"""The trust rule of a repository of ours: what is understood, and with which words everything else is refused."""

from __future__ import annotations

import pytest

from lading.services.repositories.trust import RepositoryTrust, TrustRuleInvalid, read_trust, trust_json
from lading.services.trust_modes import Mode

ID = "ab" * 32
WHOLE = RepositoryTrust(Mode.ENFORCE, ("a", "b"), True, (ID,), 3, True, 90, ("dev/*", "registry.test/x"))


@pytest.mark.parametrize("trust", [WHOLE, RepositoryTrust(Mode.REPORT, ("a",)), RepositoryTrust(Mode.OFF, ("a",))])
def test_what_is_written_is_read_again(trust: RepositoryTrust) -> None:
    assert read_trust(trust_json(trust)) == trust


@pytest.mark.parametrize("document", [None, {"mode": "off"}, trust_json(RepositoryTrust(Mode.OFF))])
def test_no_rule_is_none(document: object) -> None:
    assert read_trust(document) is None


def test_a_key_that_is_named_twice_is_one_signer() -> None:
    with pytest.raises(TrustRuleInvalid, match="keys of a trust rule must be 2 or more"):
        read_trust({"mode": "enforce", "keys": ["a", "a"], "threshold": 2})


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], "the whole"),
        ({}, "mode"),
        ({"mode": "strict"}, "mode"),
        ({"mode": "enforce"}, "keys"),
        ({"mode": "report", "keys": []}, "keys"),
        ({"mode": "enforce", "keys": "a"}, "keys"),
        ({"mode": "enforce", "keys": [1]}, "keys"),
        ({"mode": "enforce", "keys": [" a"]}, "keys"),
        ({"mode": "enforce", "keys": [str(number) for number in range(65)]}, "keys"),
        ({"mode": "enforce", "keys": ["a"], "threshold": 2}, "keys"),
        ({"mode": "enforce", "keys": ["a"], "threshold": 0}, "threshold"),
        ({"mode": "enforce", "keys": ["a"], "threshold": True}, "threshold"),
        ({"mode": "enforce", "keys": ["a"], "rootKeys": [ID]}, "rootKeys"),
        ({"mode": "enforce", "notary": True, "rootKeys": ["AB" * 32]}, "rootKeys"),
        ({"mode": "enforce", "notary": "yes"}, "notary"),
        ({"mode": "enforce", "keys": ["a"], "bindTag": 1}, "bindTag"),
        ({"mode": "enforce", "keys": ["a"], "maxAgeDays": 1.5}, "maxAgeDays"),
        ({"mode": "enforce", "keys": ["a"], "signedAs": ["a b"]}, "signedAs"),
        ({"mode": "enforce", "keys": ["a"], "treshold": 1}, "treshold"),
    ],
)
def test_what_cannot_be_understood_is_refused(document: object, field: str) -> None:
    with pytest.raises(TrustRuleInvalid) as refused:
        read_trust(document)
    assert refused.value.field == field
