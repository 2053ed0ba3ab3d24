"""Keys of trust metadata: ids, signatures of every kind, and whose root a certificate says a key is."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from lading.proof.signing_keys import KeyInvalid, KeyKind
from lading.proof.tuf_certificates import is_current, names, repository_of, root_signer
from lading.proof.tuf_json import Signature
from lading.proof.tuf_keys import SigningKey, TrustKey
from tests.fakes.trust_repository import GUN, NOW, private, rooted, signer

MESSAGE = b'{"_type":"Targets"}'
ECDSA = signer("one")
ED25519 = signer("one", KeyKind.ED25519)
ROOTED = rooted("one")
RSA = rsa.generate_private_key(65537, 2048)


def der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, spki)


def rsa_signature(key: rsa.RSAPrivateKey, salt: int = 32) -> Signature:
    made = key.sign(MESSAGE, padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())
    return Signature("", "rsapss", made)


@pytest.mark.parametrize("each", [ECDSA, ED25519, ROOTED], ids=lambda each: each.key.kind)
def test_what_a_signer_signs_its_key_verifies(each: SigningKey) -> None:
    signature = each.sign(MESSAGE)

    assert signature.key == each.key.id
    assert len(signature.bytes) == 64
    assert each.key.verifies(signature, MESSAGE)
    assert not each.key.verifies(signature, MESSAGE + b" ")
    assert each.sign(MESSAGE) == signature


def test_a_wrapped_key_has_a_second_id_that_is_the_bare_keys() -> None:
    assert ROOTED.key.bare == ECDSA.key
    assert ROOTED.key.id != ECDSA.key.id
    assert ECDSA.key.bare == ECDSA.key


def test_rsa_is_read() -> None:
    key = TrustKey("rsa", der(RSA))

    assert key.verifies(rsa_signature(RSA), MESSAGE)
    assert not key.verifies(rsa_signature(RSA), b"")
    assert not key.verifies(rsa_signature(RSA, salt=20), MESSAGE)


def test_a_short_rsa_key_verifies_nothing() -> None:
    short = rsa.generate_private_key(65537, 1024)

    assert not TrustKey("rsa", der(short)).verifies(rsa_signature(short), MESSAGE)


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        (ECDSA.key, Signature("", "eddsa", ECDSA.sign(MESSAGE).bytes)),
        (ECDSA.key, Signature("", "ecdsa", ECDSA.sign(MESSAGE).bytes[:-1])),
        (ECDSA.key, Signature("", "ecdsa", b"\0" + ECDSA.sign(MESSAGE).bytes)),
        (ECDSA.key, Signature("", "ecdsa", bytes(64))),
        (ECDSA.key, Signature("", "ecdsa", b"\xff" * 64)),
        (ECDSA.key, Signature("", "ecdsa", private("one").sign(MESSAGE))),  # as DER
        (TrustKey("rsa", ECDSA.key.public), ECDSA.sign(MESSAGE)),
        (TrustKey("ecdsa-x509", ECDSA.key.public), ECDSA.sign(MESSAGE)),
        (TrustKey("gpg", ECDSA.key.public), ECDSA.sign(MESSAGE)),
        (TrustKey("ecdsa", b"no key"), ECDSA.sign(MESSAGE)),
        (TrustKey("ed25519", b"short"), ED25519.sign(MESSAGE)),
        (TrustKey("ecdsa", der(RSA)), rsa_signature(RSA)),
        (ED25519.key, Signature("", "ecdsa", ED25519.sign(MESSAGE).bytes)),
    ],
)
def test_a_signature_that_does_not_fit_is_wrong_and_nothing_worse(key: TrustKey, signature: Signature) -> None:
    assert not key.verifies(signature, MESSAGE)


def certificate(name: str, *, authority: bool = False) -> bytes:
    key = ec.derive_private_key(7, ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, start, start)
    builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("pem", "named"),
    [
        (certificate(GUN), GUN),
        (certificate(GUN) + certificate("authority", authority=True), GUN),
        (certificate("authority", authority=True), None),
        (certificate("authority", authority=True) + certificate(GUN), None),
        (certificate(GUN) + certificate("registry.example/other"), None),
        (b"", None),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None),
    ],
)
def test_the_repository_is_what_the_keys_own_certificate_names(pem: bytes, named: str | None) -> None:
    assert repository_of(TrustKey("ecdsa-x509", pem)) == named


@pytest.mark.parametrize(
    ("name", "gun", "expected"),
    [
        (GUN, GUN, True),
        (GUN, GUN + "2", False),
        ("registry.example/team/*", GUN, True),
        ("registry.example/other/*", GUN, False),
        ("registry.example/team", GUN, False),
    ],
)
def test_a_certificate_is_for_one_repository_or_for_all_of_a_beginning(name: str, gun: str, expected: bool) -> None:
    assert names(TrustKey("ecdsa-x509", certificate(name)), gun) is expected


def test_a_root_certificate_holds_ten_years_and_may_name_a_long_repository() -> None:
    long = "registry.example/" + "/".join(["department"] * 12)
    key = rooted("one", long).key

    assert repository_of(key) == long
    assert [is_current(key, NOW + years * 365 * 86_400) for years in (-1, 0, 9, 11)] == [False, True, True, False]


def test_a_root_key_is_ecdsa() -> None:
    with pytest.raises(KeyInvalid):
        root_signer(private("one", KeyKind.ED25519), GUN, NOW, bytes(16))
