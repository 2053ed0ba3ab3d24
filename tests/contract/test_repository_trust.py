"""The contract of RepositoryRecords where it is about trust rules."""

from __future__ import annotations

import pytest

from lading.services.repositories import decisions
from lading.services.repositories.edits import SetTrust, SetVisibility
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.rows import Visibility
from lading.services.repositories.trust import RepositoryTrust, TrustRuleInvalid
from lading.services.trust_modes import Mode
from tests.contract.test_repository_records import records

__all__ = ["records"]

NOW = 1_700_000_000.5
WHOLE = RepositoryTrust(Mode.ENFORCE, ("a", "b"), True, ("0" * 64,), 2, True, 90, ("dev/*",))


def test_a_rule_is_kept_with_its_repository_alone(records: RepositoryRecords) -> None:
    records.change("r", lambda _view: [SetTrust(WHOLE)], NOW)
    records.change("s", lambda _view: [SetVisibility(Visibility.PUBLIC)], NOW)

    assert records.view("r").own_trust() == WHOLE
    assert records.view("s").own_trust() is None
    assert records.view("none").own_trust() is None
    assert [row.trust for row in records.rows(["r", "s"])] == [WHOLE, None]
    records.change("r", decisions.rename_repository("r", "t", NOW), NOW)
    assert records.view("t").own_trust() == WHOLE
    records.change("t", lambda _view: [SetTrust(None)], NOW)
    assert records.view("t").own_trust() is None


def test_a_rule_names_no_key_that_is_not_accepted(records: RepositoryRecords) -> None:
    assert records.view("r").accepted_keys() == {}

    with pytest.raises(TrustRuleInvalid, match="no accepted key is called so"):
        records.change("r", decisions.set_trust(WHOLE), NOW)
    assert not records.knows("r")


def test_the_same_rule_again_changes_nothing(records: RepositoryRecords) -> None:
    by_notary = RepositoryTrust(Mode.REPORT, notary=True)

    assert records.change("r", decisions.set_trust(by_notary), NOW) == [SetTrust(by_notary)]
    assert records.change("r", decisions.set_trust(by_notary), NOW) == []
    assert records.change("r", decisions.set_trust(None), NOW) == [SetTrust(None)]
    assert records.change("new", decisions.set_trust(None), NOW) == [SetTrust(None)]
    assert records.knows("new")
