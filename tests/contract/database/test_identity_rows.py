"""Who users are at providers of single sign-on, on every database."""

from __future__ import annotations

import pytest

from lading.backends.database.service_database import ServiceDatabase
from lading.services.identity.identity_records import SignedOn, Subject
from lading.services.identity.user_records import UserRow
from lading.services.named_rows import NameTaken

NOW = 1_800_000_000.0
ADA = Subject("https://sign-on.corp", "s-1")


def add(database: ServiceDatabase, name: str, subject: Subject) -> UserRow | None:
    return database.identities.add_identified(lambda id: UserRow(id, name, created=NOW), subject)  # noqa: A006


def test_a_user_is_found_by_issuer_and_subject(database: ServiceDatabase) -> None:
    made = add(database, "ada", ADA)

    assert made == UserRow(made.id if made else 0, "ada", created=NOW)
    assert made is not None
    assert database.identities.user_of(ADA) == made.id
    assert database.identities.signed_on(made.id) == {made.id: SignedOn(ADA.issuer, None)}
    assert database.identities.user_of(Subject(ADA.issuer, "S-1")) is None
    assert database.identities.user_of(Subject(f"{ADA.issuer}/", "s-1")) is None
    assert database.identities.signed_on(made.id + 1) == {}


def test_when_somebody_came_is_written_down(database: ServiceDatabase) -> None:
    made, other = add(database, "ada", ADA), add(database, "eve", Subject(ADA.issuer, "s-2"))
    assert made is not None
    assert other is not None
    database.identities.came(ADA, NOW + 1)
    database.identities.came(Subject(ADA.issuer, "nobody"), NOW + 2)

    assert database.identities.signed_on() == {
        made.id: SignedOn(ADA.issuer, NOW + 1),
        other.id: SignedOn(ADA.issuer, None),
    }


def test_a_subject_is_one_users(database: ServiceDatabase) -> None:
    add(database, "ada", ADA)

    assert add(database, "eve", ADA) is None
    assert [user.name for user in database.users.users()] == ["ada"]


def test_a_name_that_is_taken_leaves_nothing(database: ServiceDatabase) -> None:
    add(database, "ada", ADA)
    other = Subject(ADA.issuer, "s-2")

    with pytest.raises(NameTaken):
        add(database, "ada", other)
    assert database.identities.user_of(other) is None


def test_it_goes_with_its_user(database: ServiceDatabase) -> None:
    made = add(database, "ada", ADA)
    assert made is not None
    database.users.remove_user(made.id)

    assert database.identities.user_of(ADA) is None
    again = add(database, "ada", ADA)
    assert again is not None
    assert again.id != made.id
