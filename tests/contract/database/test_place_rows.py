"""Registries, environments and settings, on every database."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRow
from lading.services.findings.scanner import ScannerName
from lading.services.named_rows import NameTaken
from lading.services.registries.providers import Provider
from lading.services.registries.records import RegistryRow, RelayChoice
from lading.services.secrets import AUTHORITY_SETTING, OF_AUTHORITY
from lading.wire.endpoint import Tls

FULL = RegistryRow(
    0,
    "hub",
    "https://r.example/team",
    "r.example",
    "team",
    "ada",
    "sealed",
    True,
    Tls.SKIP,
    "-----BEGIN",
    RelayChoice.ALWAYS,
)
BARE = RegistryRow(0, "bare", "r.example:5000", "r.example:5000")
DIRECT = EnvironmentRow(
    0,
    "host",
    ConnectionType.DIRECT,
    None,
    "d.example",
    2376,
    "https",
    "ca",
    "cert",
    "key",
    True,
    False,
    scanner=ScannerName.OSV,
)
STANDARD = EnvironmentRow(
    0,
    "proxy",
    ConnectionType.HAWSER_STANDARD,
    host="p.example",
    port=2376,
    protocol="http",
    hawser_token_sealed="token",
)
OWN = EnvironmentRow(0, "local", ConnectionType.EMBEDDED, is_default=True)


def test_a_registry_comes_back_as_it_was(database: ServiceDatabase) -> None:
    full = database.registries.add_registry(lambda key: replace(FULL, id=key))
    bare = database.registries.add_registry(lambda key: replace(BARE, id=key))

    assert list(database.registries.registries()) == [full, bare]
    assert database.registries.registry(full.id) == replace(FULL, id=full.id)
    assert database.registries.registry(10**30) is None


def test_a_registrys_provider_comes_back_with_its_fields(database: ServiceDatabase) -> None:
    amazon = replace(BARE, provider=Provider.AMAZON, provider_fields={"region": "eu"}, provider_sealed="sealed")
    kept = database.registries.add_registry(lambda key: replace(amazon, id=key))
    other = replace(kept, provider=Provider.GENERIC, provider_fields={}, provider_sealed=None)

    assert database.registries.registry(kept.id) == kept
    assert database.registries.change_registry(kept, other)
    assert database.registries.registry(kept.id) == other


def test_the_end_of_a_minted_login_is_its_registrys(database: ServiceDatabase) -> None:
    one = database.registries.add_registry(lambda key: replace(BARE, id=key))
    two = database.registries.add_registry(lambda key: replace(BARE, id=key, name="another"))
    for registry, expires in ((one.id, 5.0), (two.id, 7.5), (one.id, 6.0), (99, 1.0)):
        database.minted_logins.minted(registry, expires)

    assert database.minted_logins.validities() == {one.id: 6.0, two.id: 7.5}
    database.registries.remove_registry(two.id)
    assert database.minted_logins.validities() == {one.id: 6.0}
    database.minted_logins.forgotten(one.id)
    database.minted_logins.forgotten(99)
    assert database.minted_logins.validities() == {}


def test_an_environment_comes_back_as_it_was(database: ServiceDatabase) -> None:
    rows = [
        database.environments.add_environment(lambda key, row=row: replace(row, id=key))  # type: ignore[misc]
        for row in (DIRECT, STANDARD, OWN)
    ]

    assert list(database.environments.environments()) == rows
    assert database.environments.environment(rows[0].id) == replace(DIRECT, id=rows[0].id)


def test_the_number_that_seals_a_secret_is_the_rows_and_never_another_ones(database: ServiceDatabase) -> None:
    made = database.registries.add_registry(lambda key: replace(FULL, id=key, sealed=f"for {key}"))
    assert made.sealed == f"for {made.id}"
    assert database.registries.registry(made.id) == made

    assert database.registries.remove_registry(made.id)
    assert not database.registries.remove_registry(made.id)

    assert database.registries.add_registry(lambda key: replace(FULL, id=key)).id > made.id


def test_a_name_is_one_rows(database: ServiceDatabase) -> None:
    records = database.registries
    records.add_registry(lambda key: replace(FULL, id=key))
    bare = records.add_registry(lambda key: replace(BARE, id=key))

    with pytest.raises(NameTaken) as refusal:
        records.add_registry(lambda key: replace(BARE, id=key, name="hub"))
    assert (refusal.value.noun, refusal.value.name) == ("registry", "hub")
    with pytest.raises(NameTaken):
        records.change_registry(bare, replace(bare, name="hub"))

    assert records.change_registry(bare, bare)
    assert len(records.registries()) == 2


def test_a_change_replaces_the_row(database: ServiceDatabase) -> None:
    full = database.registries.add_registry(lambda key: replace(FULL, id=key))
    changed = replace(BARE, id=full.id, name="renamed")

    assert database.registries.change_registry(full, changed)
    assert database.registries.registry(full.id) == changed
    other = replace(changed, id=full.id + 1, name="none")
    assert not database.registries.change_registry(other, other)


def test_a_row_that_was_changed_meanwhile_stays(database: ServiceDatabase) -> None:
    read = database.registries.add_registry(lambda key: replace(FULL, id=key))
    first = replace(read, name="first")

    assert database.registries.change_registry(read, first)
    assert not database.registries.change_registry(read, replace(read, name="second"))
    assert database.registries.registry(read.id) == first


def test_an_environment_that_was_changed_meanwhile_is_not_removed(database: ServiceDatabase) -> None:
    """It has become the default of everybody, and who removes it may not decide that."""
    records = database.environments
    read = records.add_environment(lambda key: replace(DIRECT, id=key))
    records.make_default_environment(read.id)

    assert not records.remove_environment(read)
    now = records.environment(read.id)
    assert now is not None
    assert records.remove_environment(now)
    assert not records.remove_environment(now)


def test_one_environment_at_most_is_the_default(database: ServiceDatabase) -> None:
    records = database.environments
    own = records.add_environment(lambda key: replace(OWN, id=key))
    direct = records.add_environment(lambda key: replace(DIRECT, id=key, is_default=True))
    assert defaults(database) == [direct.id]

    assert records.make_default_environment(own.id)
    assert defaults(database) == [own.id]
    assert not records.make_default_environment(direct.id + 1)
    assert defaults(database) == [own.id]
    now = replace(direct, is_default=False)
    assert records.change_environment(now, replace(now, is_default=True))
    assert defaults(database) == [direct.id]


def test_many_who_choose_a_default_leave_one(database: ServiceDatabase) -> None:
    records = database.environments
    rows = [
        records.add_environment(lambda key, number=number: replace(DIRECT, id=key, name=f"h{number}"))  # type: ignore[misc]
        for number in range(6)
    ]
    threads = [threading.Thread(target=records.make_default_environment, args=(row.id,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(defaults(database)) == 1


def defaults(database: ServiceDatabase) -> list[int]:
    return [row.id for row in database.environments.environments() if row.is_default]


def test_every_secret_is_sealed_anew_or_none(database: ServiceDatabase) -> None:
    full = database.registries.add_registry(lambda key: replace(FULL, id=key))
    database.registries.add_registry(lambda key: replace(BARE, id=key))
    direct = database.environments.add_environment(lambda key: replace(DIRECT, id=key))
    standard = database.environments.add_environment(lambda key: replace(STANDARD, id=key))

    def only_keys(place: str, sealed: str) -> str:
        if place.endswith("password"):
            raise LookupError(place)
        return sealed + "!"

    with pytest.raises(LookupError):
        database.seals.reseal(only_keys)
    assert database.environments.environment(direct.id) == direct

    assert database.seals.reseal(lambda place, sealed: f"{sealed} again for {place}") == 3

    registry, environment = database.registries.registry(full.id), database.environments.environment(direct.id)
    assert registry is not None
    assert environment is not None
    assert registry.sealed == f"sealed again for registry/{full.id}/password"
    assert environment.tls_key_sealed == f"key again for environment/{direct.id}/tls_key"
    proxy = database.environments.environment(standard.id)
    assert proxy is not None
    assert proxy.hawser_token_sealed == f"token again for environment/{standard.id}/hawser_token"


def test_the_key_of_our_authority_is_sealed_anew(database: ServiceDatabase) -> None:
    database.settings.put_setting(AUTHORITY_SETTING, {"certificate": "public", "key": "sealed"})

    assert database.seals.reseal(lambda place, sealed: f"{sealed} again for {place}") == 1

    held = {"certificate": "public", "key": f"sealed again for {OF_AUTHORITY}"}
    assert database.settings.setting(AUTHORITY_SETTING) == held


def test_a_setting_is_a_json_value(database: ServiceDatabase) -> None:
    values: dict[str, object] = {"days": 30, "none": None, "deep": {"a": [1, "ü", False]}, "text": "x"}
    for key, value in values.items():
        database.settings.put_setting(key, value)

    assert database.settings.settings() == values
    assert database.settings.setting("deep") == values["deep"]
    assert database.settings.setting("other") is None

    database.settings.put_setting("days", 7)

    assert database.settings.setting("days") == 7
    assert database.settings.remove_setting("days")
    assert not database.settings.remove_setting("days")


def test_one_of_many_decides_a_setting_for_all(place: Path | str, database: ServiceDatabase) -> None:
    other = open_service_database(place, lambda: 0.0)
    held: list[object] = []
    threads = [
        threading.Thread(target=lambda n=n, d=d: held.append(d.settings.add_setting("key", n)))
        for n, d in enumerate((database, other) * 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()

    assert len(held) == 8
    assert set(held) == {database.settings.setting("key")}
