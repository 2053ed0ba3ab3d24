"""Files that name somebody who may sign."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lading.proof.signing_keys import KEY_FILE_LIMIT, KeyInvalid, KeyKind
from lading.proof.tuf_signer_files import signer_key
from tests.fakes.trust_repository import private, rooted, signer

DOCKERS = b"""-----BEGIN PUBLIC KEY-----
role: alice

MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvOHLEDoCzlg7tZJ7o1ZpZbkdyYFe
HHQuRhAa6de+pAcEDb2BCcQQOwOT3p0v9Xv151FFknREKaRQvDO8pa48NQ==
-----END PUBLIC KEY-----
"""
"""Made for this test by `docker trust key generate alice`; the private half was called ID."""
ID = "1ffd174cf4642866a81f695c8dee2c2332a729db18be700ec8e3948d60f0583c"


def rsa_file(bits: int) -> bytes:
    public = rsa.generate_private_key(65537, bits).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_dockers_public_key_has_dockers_name() -> None:
    assert signer_key(DOCKERS).id == ID


@pytest.mark.parametrize("kind", KeyKind)
def test_a_public_key_of_ours_is_the_one_that_signs(kind: KeyKind) -> None:
    assert signer_key(private("alice", kind).public.pem) == signer("alice", kind).key


def test_a_certificate_stays_around_its_key() -> None:
    alice = rooted("alice")
    authority = rooted("authority").certificate or b""

    assert signer_key(alice.certificate or b"") == alice.key
    assert signer_key((alice.certificate or b"") + authority) == alice.key
    assert signer_key(alice.certificate or b"").bare == signer("alice").key


def test_rsa_of_some_strength_may_sign() -> None:
    assert signer_key(rsa_file(2048)).kind == "rsa"
    with pytest.raises(KeyInvalid, match="nor RSA of 2048 bits"):
        signer_key(rsa_file(1024))


@pytest.mark.parametrize(
    "pem", [b"", b"alice", DOCKERS[:90], b"-----BEGIN CERTIFICATE-----\n", b" " * KEY_FILE_LIMIT * 2]
)
def test_what_names_nobody_is_refused(pem: bytes) -> None:
    with pytest.raises(KeyInvalid):
        signer_key(pem)


def test_a_private_key_is_no_signers_file() -> None:
    plain = private("alice").der
    pem = serialization.load_der_private_key(plain, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(KeyInvalid, match="neither a public key nor a certificate"):
        signer_key(pem)
