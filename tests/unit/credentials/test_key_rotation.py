"""A new key for everything that is sealed, in one go; and keys that are wrong or missing."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.backends.credentials.box import GivenKeys, KeyFile
from lading.backends.credentials.failures import SecretKeyInvalid, SecretKeyMissing
from lading.backends.credentials.own import OwnCredentials
from lading.backends.credentials.sealing import read_or_make_keys
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.oci.reference import Reference
from lading.services.registries.providers import OF_PROVIDER
from lading.services.registries.records import RegistryRow
from lading.services.secrets import SealBroken, SecretKeyWrong, check_keys, key_in_use
from lading.services.server.secret_rotation import rotate
from tests.fakes.people import SetClock

OLD = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NEW = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ServiceDatabase]:
    found = open_service_database(tmp_path / "lading.db", SetClock())
    yield found
    found.close()


def kept(database: ServiceDatabase, keys: KeyFile | GivenKeys, name: str = "one") -> RegistryRow:
    """A registry whose password is sealed."""
    box = keys.box(making=True)
    row = RegistryRow(0, name, "r.example", "r.example", username="ann")
    return database.registries.add_registry(
        lambda id: replace(row, id=id, sealed=box.seal(f"registry/{id}/password", f"secret {name}"))  # noqa: A006
    )


def opened(database: ServiceDatabase, keys: KeyFile | GivenKeys, id: int) -> str:  # noqa: A002
    row = database.registries.registry(id)
    assert row is not None
    assert row.sealed is not None
    return keys.box(making=False).open(f"registry/{id}/password", row.sealed)


def test_a_providers_secret_fields_get_the_new_key(tmp_path: Path, database: ServiceDatabase) -> None:
    keys, logins = KeyFile(tmp_path / "secret.key"), OwnCredentials(tmp_path / "logins.json", tmp_path / "secret.key")
    box, row = keys.box(making=True), RegistryRow(0, "quay", "quay.io", "quay.io")
    place = OF_PROVIDER.format(1)
    database.registries.add_registry(lambda id: replace(row, id=id, provider_sealed=box.seal(place, "{}")))  # noqa: A006

    assert rotate(keys, database.seals, logins, database.settings) == 1

    (after,) = database.registries.registries()
    assert after.provider_sealed is not None
    assert keys.box(making=False).open(place, after.provider_sealed) == "{}"
    with pytest.raises(SealBroken):
        box.open(place, after.provider_sealed)


def test_rotation_seals_everything_with_a_new_key(tmp_path: Path, database: ServiceDatabase) -> None:
    path = tmp_path / "secret.key"
    keys, logins = KeyFile(path), OwnCredentials(tmp_path / "logins.json", path)
    rows = [kept(database, keys, name) for name in ("one", "two")]
    logins.set("r.example", "ann", "hunter2")
    check_keys(database.settings, keys.ids())
    before, old = keys.ids(), keys.box(making=False)

    count = rotate(keys, database.seals, logins, database.settings)

    assert count == 3
    assert len(keys.ids()) == 1
    assert keys.ids() != before
    assert key_in_use(database.settings) == keys.ids()[0]
    assert [opened(database, keys, row.id) for row in rows] == ["secret one", "secret two"]
    found = logins.find(Reference.parse("r.example/app").repository)
    assert found is not None
    assert found.credential is not None
    assert found.credential.secret == "hunter2"
    sealed = database.registries.registries()[0].sealed
    assert sealed is not None
    with pytest.raises(SealBroken):
        old.open("registry/1/password", sealed)
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_interrupted_rotation_is_done_again(tmp_path: Path, database: ServiceDatabase) -> None:
    class Interrupted(Exception):
        pass

    class BrokenLogins:
        def reseal(self) -> int:
            raise Interrupted

    path = tmp_path / "secret.key"
    keys, logins = KeyFile(path), OwnCredentials(tmp_path / "logins.json", path)
    row = kept(database, keys)
    logins.set("r.example", "ann", "hunter2")
    check_keys(database.settings, keys.ids())

    with pytest.raises(Interrupted):
        rotate(keys, database.seals, BrokenLogins(), database.settings)

    assert len(keys.ids()) == 2
    check_keys(database.settings, keys.ids())
    assert opened(database, keys, row.id) == "secret one"
    assert len(logins.logins()) == 1
    rotate(keys, database.seals, logins, database.settings)
    assert len(keys.ids()) == 1
    assert opened(database, keys, row.id) == "secret one"


def test_one_seal_that_does_not_open_leaves_everything_as_it_was(tmp_path: Path, database: ServiceDatabase) -> None:
    keys = KeyFile(tmp_path / "secret.key")
    good, bad = kept(database, keys, "one"), kept(database, keys, "two")
    database.registries.change_registry(bad, replace(bad, sealed=good.sealed))
    logins = OwnCredentials(tmp_path / "logins.json", tmp_path / "secret.key")

    with pytest.raises(SealBroken):
        rotate(keys, database.seals, logins, database.settings)

    assert database.registries.registry(good.id) == good
    assert opened(database, keys, good.id) == "secret one"


def test_given_keys_are_changed_by_whoever_gives_them(tmp_path: Path, database: ServiceDatabase) -> None:
    row = kept(database, GivenKeys(OLD))
    check_keys(database.settings, GivenKeys(OLD).ids())
    both = GivenKeys(f"{NEW} {OLD}")
    check_keys(database.settings, both.ids())

    rotate(both, database.seals, OwnCredentials(tmp_path / "logins.json", tmp_path / "no.key"), database.settings)

    check_keys(database.settings, GivenKeys(NEW).ids())
    assert opened(database, GivenKeys(NEW), row.id) == "secret one"
    with pytest.raises(SecretKeyWrong):
        check_keys(database.settings, GivenKeys(OLD).ids())


def test_a_wrong_key_is_one_clear_error(database: ServiceDatabase) -> None:
    check_keys(database.settings, GivenKeys(OLD).ids())
    check_keys(database.settings, GivenKeys(OLD).ids())

    with pytest.raises(SecretKeyWrong) as told:
        check_keys(database.settings, GivenKeys(NEW).ids())
    with pytest.raises(SecretKeyWrong, match="and there is none"):
        check_keys(database.settings, ())

    old, new = GivenKeys(OLD).ids()[0], GivenKeys(NEW).ids()[0]
    assert str(told.value) == f"the secrets here were sealed with the key {old}, and ours is {new}"


def test_a_missing_key_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    with pytest.raises(SecretKeyMissing):
        KeyFile(tmp_path / "secret.key").box(making=False)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "   ", "abc", f"{OLD} abc", OLD[:-4]])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(SecretKeyInvalid):
        GivenKeys(text)


def test_a_login_and_a_secret_are_sealed_for_different_purposes(tmp_path: Path) -> None:
    """A seal of the command line's logins put into the database opens nothing there, though place and key are ours."""
    ring = read_or_make_keys(tmp_path / "secret.key")
    box = KeyFile(tmp_path / "secret.key").box(making=False)
    sealed = base64.b64encode(ring.first.seal("r.example", b"hunter2")).decode()
    with pytest.raises(SealBroken):
        box.open("r.example", f"{ring.first.id}:{sealed}")
