"""Policies, exceptions and verdicts, on every database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.backends.database.service_database import ServiceDatabase
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.gates.policy import Action, Handling, Limits, Mode, Scope
from lading.services.gates.records import ExceptionRow, PolicyRow, VerdictQuery, VerdictRow
from lading.services.gates.statements import Justification, Status
from lading.services.named_rows import NameTaken

SCOPE = Scope(frozenset({3, 1}), ("ghcr.io/acme/*", "team/*"), frozenset({2}))
LIMITS = Limits(
    None,
    {Severity.CRITICAL: 0, Severity.HIGH: 3},
    True,
    7.0,
    Digest.of(b"b"),
    True,
    Handling.WARN,
    Handling.BLOCK,
    24.0,
)
WHOLE = PolicyRow(0, "whole", Action.PULL, SCOPE, LIMITS, Mode.ENFORCE)
BARE = PolicyRow(0, "bare", Action.PROMOTE)
EXCEPTION = ExceptionRow(
    0,
    "CVE-2026-1",
    Status.NOT_AFFECTED,
    "not called",
    "ann",
    1000.5,
    "pkg:deb/*",
    "team/*",
    Justification.COMPONENT_NOT_PRESENT,
    2000.5,
    "https://example.test/vex",
)
VERDICT = VerdictRow(
    0,
    1000.5,
    7,
    "whole",
    Action.PULL,
    Mode.ENFORCE,
    1,
    "team/app:1",
    "sha256:abc",
    Digest.of(b"config"),
    "linux/amd64",
    "ann",
    False,
    ({"id": "CVE-2026-1", "severity": "high"},),
    120,
    2,
    ("it was not scanned",),
)


def added(database: ServiceDatabase, policy: PolicyRow) -> PolicyRow:
    return database.gates.add_policy(lambda id: replace(policy, id=id))  # noqa: A006  a row's own word


@pytest.mark.parametrize("policy", [WHOLE, BARE], ids=lambda policy: policy.name)
def test_a_policy_comes_back_as_it_was(database: ServiceDatabase, policy: PolicyRow) -> None:
    row = added(database, policy)

    assert row == replace(policy, id=row.id)
    assert database.gates.policy(row.id) == row
    assert database.gates.policy(10**30) is None
    assert row in database.gates.policies()


def test_a_policys_name_is_its_own(database: ServiceDatabase) -> None:
    first, second = added(database, WHOLE), added(database, BARE)

    with pytest.raises(NameTaken):
        added(database, WHOLE)
    with pytest.raises(NameTaken):
        database.gates.change_policy(second, replace(second, name="whole"))
    assert database.gates.change_policy(first, replace(first, mode=Mode.REPORT))


def test_nobodys_change_is_lost(database: ServiceDatabase) -> None:
    row = added(database, WHOLE)
    changed = replace(row, mode=Mode.REPORT)

    assert database.gates.change_policy(row, changed)
    assert not database.gates.change_policy(row, replace(row, name="late"))
    assert database.gates.policy(row.id) == changed


def test_no_number_is_given_twice(database: ServiceDatabase) -> None:
    policy = added(database, WHOLE)
    (exception,) = database.gates.add_exceptions([EXCEPTION])

    assert database.gates.remove_policy(policy.id)
    assert database.gates.remove_exception(exception.id)
    assert not database.gates.remove_policy(policy.id)
    assert not database.gates.remove_exception(exception.id)
    assert added(database, WHOLE).id > policy.id
    assert database.gates.add_exceptions([EXCEPTION])[0].id > exception.id


def test_an_exception_comes_back_as_it_was(database: ServiceDatabase) -> None:
    bare = ExceptionRow(0, "CVE-2026-2", Status.ACCEPTED, "known", "ann", 1000.0)
    rows = database.gates.add_exceptions([EXCEPTION, bare])

    assert [replace(row, id=0) for row in rows] == [EXCEPTION, bare]
    assert len({row.id for row in rows}) == 2
    assert database.gates.exceptions() == rows
    assert database.gates.exception(rows[0].id) == rows[0]
    assert database.gates.exception(10**30) is None
    changed = replace(rows[0], reason="after all")
    assert database.gates.change_exception(rows[0], changed)
    assert not database.gates.change_exception(rows[0], changed)
    assert database.gates.exception(rows[0].id) == changed


def test_what_a_document_brings_replaces_what_it_brought_before(database: ServiceDatabase) -> None:
    other = replace(EXCEPTION, origin="https://example.test/other")
    database.gates.add_exceptions([EXCEPTION, replace(EXCEPTION, vulnerability="CVE-2026-2")])
    database.gates.add_exceptions([other])

    newer = database.gates.add_exceptions([EXCEPTION], replacing=EXCEPTION.origin)

    kept = database.gates.exceptions()
    assert sorted(row.origin for row in kept) == sorted([EXCEPTION.origin, other.origin])
    assert newer[0] in kept


def test_verdicts_are_found_again_the_newest_first(database: ServiceDatabase) -> None:
    first = database.gates.add_verdict(VERDICT)
    promotion = replace(
        VERDICT, action=Action.PROMOTE, environment=None, config=None, allowed=True, at=3000.0, policy=8
    )
    second = database.gates.add_verdict(promotion)

    def found(query: VerdictQuery) -> list[VerdictRow]:
        rows = list(database.gates.verdicts(query, 0, 10))
        assert database.gates.count_verdicts(query) == len(rows)
        return rows

    assert found(VerdictQuery()) == [second, first]
    assert found(VerdictQuery(policy=7)) == [first]
    assert found(VerdictQuery(environments=frozenset({1}))) == [first]
    assert found(VerdictQuery(allowed=True)) == [second]
    assert found(VerdictQuery(text="TEAM/app")) == [second, first]
    assert found(VerdictQuery(text="other")) == []
    assert list(database.gates.verdicts(VerdictQuery(), 1, 1)) == [first]
    assert database.gates.forget_verdicts(2000.0) == 1
    assert found(VerdictQuery()) == [second]
