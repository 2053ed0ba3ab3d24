"""Keys that sign images, and the files they live in; openssl is the other reader."""

from __future__ import annotations

import subprocess
from itertools import count

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lading.proof.key_files import PassphraseWrong, encrypted_pem, read_private
from lading.proof.signing_keys import KeyInvalid, KeyKind, PrivateKey, PublicKey


def drawn(size: int) -> bytes:
    """Bytes that are the same in every run."""
    return bytes(number % 251 for number in range(7, 7 + size))


@pytest.mark.parametrize("kind", KeyKind)
def test_what_a_key_signs_only_its_public_half_verifies(kind: KeyKind) -> None:
    key, other = PrivateKey.generate(kind, drawn), PrivateKey.generate(kind, lambda size: bytes([5]) * size)

    signature = key.sign(b"content")

    assert key.public.verifies(signature, b"content")
    assert not key.public.verifies(signature, b"Content")
    assert not other.public.verifies(signature, b"content")
    assert not key.public.verifies(b"", b"content")
    assert key.sign(b"content") == signature


def test_a_key_file_opens_with_its_passphrase_alone() -> None:
    key = PrivateKey.generate(KeyKind.ED25519, drawn)

    file = encrypted_pem(key, "correct horse", drawn)

    assert read_private(file, "correct horse") == key
    with pytest.raises(PassphraseWrong, match="does not open"):
        read_private(file, "correct horse ")
    with pytest.raises(PassphraseWrong, match="needs its passphrase"):
        read_private(file, None)


@pytest.mark.peer("openssl")
@pytest.mark.parametrize("kind", KeyKind)
def test_openssl_reads_our_key_file(kind: KeyKind) -> None:
    key = PrivateKey.generate(kind, drawn)
    file = encrypted_pem(key, "pässword", drawn)

    told = subprocess.run(
        ["openssl", "pkey", "-pubout", "-passin", "pass:pässword"], input=file, capture_output=True, check=True
    )

    assert told.stdout == key.public.pem


def test_the_library_reads_only_the_kinds_that_sign() -> None:
    large = rsa.generate_private_key(65537, 2048)
    other_curve = ec.generate_private_key(ec.SECP384R1())
    for key in (large, other_curve):
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with pytest.raises(KeyInvalid, match="neither ECDSA"):
            read_private(pem, None)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "no private key"),
        (b"x" * 70_000, "70000 bytes"),
    ],
)
def test_a_file_that_is_no_key_is_refused(file: bytes, reason: str) -> None:
    with pytest.raises(KeyInvalid, match=reason):
        read_private(file, None)


def test_a_public_key_is_read_from_its_own_file_and_keeps_its_name() -> None:
    public = PrivateKey.generate(KeyKind.ECDSA_P256, drawn).public

    again = PublicKey.parse(public.pem)

    assert again == public
    assert again.key_id == public.key_id
    assert len(again.key_id) == 64
    private = b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
    for wrong in (b"", b"nothing", b"x" * 70_000, private):
        with pytest.raises(KeyInvalid):
            PublicKey.parse(wrong)


def test_a_private_key_does_not_show_itself() -> None:
    key = PrivateKey.generate(KeyKind.ED25519, drawn)

    assert drawn(32).hex() not in repr(key)
    assert "Private" not in repr(key).replace("PrivateKey(", "")


def test_every_drawn_number_gives_a_key() -> None:
    numbers = count()
    keys = {PrivateKey.generate(KeyKind.ECDSA_P256, lambda size: next(numbers).to_bytes(size, "big")) for _ in range(5)}
    highest = PrivateKey.generate(KeyKind.ECDSA_P256, lambda size: b"\xff" * size)

    assert len(keys | {highest}) == 6
