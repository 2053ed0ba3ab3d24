"""Accepted public keys, on every database."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from lading.backends.database.service_database import ServiceDatabase
from lading.services.named_rows import NameTaken
from lading.services.repositories import decisions
from lading.services.repositories.edits import SetTrust
from lading.services.repositories.trust import RepositoryTrust, TrustRuleInvalid
from lading.services.trust.key_records import TrustKeyInUse, TrustKeyRow
from lading.services.trust_modes import Mode


def add(database: ServiceDatabase, name: str, key_id: str = "ab" * 32) -> TrustKeyRow:
    return database.trust_keys.add_key(lambda id: TrustKeyRow(id, name, "PEM", key_id, 1.5, "ada"))  # noqa: A006


def test_a_key_comes_back_as_it_was_and_no_number_comes_twice(database: ServiceDatabase) -> None:
    rows = database.trust_keys
    first, second = add(database, "first"), add(database, "second")

    assert rows.all_keys() == [first, second]
    assert rows.key(second.id) == second
    assert rows.remove_key(second.id)
    assert not rows.remove_key(second.id)
    assert rows.key(second.id) is None
    assert add(database, "second").id > second.id


def test_a_name_is_one_keys(database: ServiceDatabase) -> None:
    add(database, "first")

    with pytest.raises(NameTaken, match="there is a trust key 'first' already"):
        add(database, "first")


def test_one_key_under_two_names_is_one_signer(database: ServiceDatabase) -> None:
    """Whoever has it signs once: a rule that wants two signatures could never be met."""
    for name, key_id in {"ann": "a" * 64, "ann again": "a" * 64, "bob": "b" * 64}.items():
        add(database, name, key_id)
    records, both = database.repositories, ("ann", "ann again")

    with pytest.raises(TrustRuleInvalid, match="must be 2 or more, and 'ann' and 'ann again' are the same key"):
        records.change("r", decisions.set_trust(RepositoryTrust(Mode.ENFORCE, both, threshold=2)), 0.0)

    assert not records.knows("r")
    for rule in (
        RepositoryTrust(Mode.ENFORCE, both),
        RepositoryTrust(Mode.ENFORCE, (*both, "bob"), threshold=2),
        RepositoryTrust(Mode.ENFORCE, both, notary=True, threshold=2),
    ):
        assert records.change("r", decisions.set_trust(rule), 0.0) == [SetTrust(rule)]


def test_a_key_that_rules_name_stays(database: ServiceDatabase) -> None:
    key, other = add(database, "key"), add(database, "other")
    records = database.repositories
    for name, mode in {"b/app": Mode.OFF, "a/app": Mode.ENFORCE}.items():
        records.change(name, decisions.set_trust(RepositoryTrust(mode, ("key",))), 0.0)

    with pytest.raises(TrustKeyInUse) as refused:
        database.trust_keys.remove_key(key.id)

    assert refused.value.repositories == ("a/app", "b/app")
    assert database.trust_keys.remove_key(other.id)
    records.change("a/app", decisions.delete_repository("a/app", 0.0), 0.0)
    records.change("b/app", decisions.set_trust(None), 0.0)
    assert database.trust_keys.remove_key(key.id)


def test_no_rule_names_a_key_that_goes_at_the_same_moment(database: ServiceDatabase) -> None:
    for number in range(10):
        key = add(database, f"key{number}")
        repository, rule = f"r{number}", RepositoryTrust(Mode.ENFORCE, (key.name,))

        def name_it(repository: str = repository, rule: RepositoryTrust = rule) -> None:
            with suppress(TrustRuleInvalid):
                database.repositories.change(repository, decisions.set_trust(rule), 0.0)

        naming = threading.Thread(target=name_it)
        naming.start()
        with suppress(TrustKeyInUse):
            database.trust_keys.remove_key(key.id)
        naming.join()

        named = database.repositories.view(repository).own_trust() is not None
        assert named == (database.trust_keys.key(key.id) is not None)
