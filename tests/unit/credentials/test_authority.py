"""Our own certificate authority: made once, kept sealed, and what it signs."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from lading.backends.credentials.authority import CertificateAuthority
from lading.backends.credentials.box import KeyFile
from lading.backends.credentials.own import OwnCredentials
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.services.secrets import AUTHORITY_SETTING, SealBroken
from lading.services.server.secret_rotation import rotate
from tests.fakes.people import NOW, SetClock


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ServiceDatabase]:
    found = open_service_database(tmp_path / "lading.db", SetClock())
    yield found
    found.close()


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    found = KeyFile(tmp_path / "secret.key")
    found.box(making=True)
    return found


@pytest.fixture
def authority(database: ServiceDatabase, keys: KeyFile) -> CertificateAuthority:
    return CertificateAuthority.kept(database.settings, keys.box(making=False), SetClock())


def read(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def test_it_is_made_once_for_all_who_begin_at_the_same_moment(database: ServiceDatabase, keys: KeyFile) -> None:
    box, made = keys.box(making=False), list[str]()
    together = threading.Barrier(4)

    def begin() -> None:
        together.wait()
        made.append(CertificateAuthority.kept(database.settings, box, SetClock()).certificate)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 4
    assert len(set(made)) == 1


def test_its_key_is_kept_sealed(database: ServiceDatabase, authority: CertificateAuthority) -> None:
    held = database.settings.setting(AUTHORITY_SETTING)

    assert isinstance(held, dict)
    assert held["certificate"] == authority.certificate
    assert "PRIVATE" not in str(held)


def test_its_key_goes_with_a_new_secret_key(
    tmp_path: Path, database: ServiceDatabase, keys: KeyFile, authority: CertificateAuthority
) -> None:
    before = str(database.settings.setting(AUTHORITY_SETTING))
    logins = OwnCredentials(tmp_path / "logins.json", tmp_path / "secret.key")

    assert rotate(keys, database.seals, logins, database.settings) == 1

    again = CertificateAuthority.kept(database.settings, keys.box(making=False), SetClock())
    assert str(database.settings.setting(AUTHORITY_SETTING)) != before
    assert again.certificate == authority.certificate
    read(again.client("ann", NOW + 60).certificate).verify_directly_issued_by(read(authority.certificate))


def test_a_key_that_does_not_open_is_told(
    tmp_path: Path, database: ServiceDatabase, authority: CertificateAuthority
) -> None:
    other = KeyFile(tmp_path / "other.key").box(making=True)

    with pytest.raises(SealBroken):
        CertificateAuthority.kept(database.settings, other, SetClock())


@pytest.mark.parametrize("value", [None, "text", {}, {"certificate": "no", "key": "x:y"}])
def test_what_is_no_authority_is_told(database: ServiceDatabase, keys: KeyFile, value: object) -> None:
    database.settings.put_setting(AUTHORITY_SETTING, value if value is not None else [])

    with pytest.raises(SealBroken):
        CertificateAuthority.kept(database.settings, keys.box(making=False), SetClock())


def test_a_clients_certificate_names_it_and_ends_when_it_was_said(authority: CertificateAuthority) -> None:
    issued = authority.client("ann", NOW + 60)
    found = read(issued.certificate)

    found.verify_directly_issued_by(read(authority.certificate))
    assert found.subject.rfc4514_string() == "CN=ann,O=Lading"
    assert found.not_valid_after_utc == datetime.fromtimestamp(NOW + 60, UTC)
    assert _purposes(found) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert "PRIVATE" in issued.key
    assert "PRIVATE" not in repr(issued)


def test_nothing_outlives_the_authority(authority: CertificateAuthority) -> None:
    found = read(authority.client("ann", NOW + 100 * 365 * 24 * 60 * 60).certificate)

    assert found.not_valid_after_utc == read(authority.certificate).not_valid_after_utc


def test_a_servers_certificate_has_its_names_and_addresses(authority: CertificateAuthority) -> None:
    found = read(authority.server(["lading.corp", "127.0.0.1", "::1", "lading.corp"]).certificate)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["lading.corp"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    ]
    assert _purposes(found) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_it_signs_no_further_authorities(authority: CertificateAuthority) -> None:
    found = read(authority.certificate).extensions.get_extension_for_class(x509.BasicConstraints).value

    assert (found.ca, found.path_length) == (True, 0)


def _purposes(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
