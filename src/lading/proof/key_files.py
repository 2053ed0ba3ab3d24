"""Key files: private keys as encrypted PKCS #8 in PEM, which openssl reads too.

EncryptedPrivateKeyInfo (RFC 5958)
├── PBES2 (RFC 8018)
│   ├── scrypt (RFC 7914): salt, N, r, p, key length
│   └── AES-256-CBC: initialisation vector
└── the private key in PKCS #8, encrypted
"""

from __future__ import annotations

import base64
import textwrap

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from lading.errors import InputInvalid
from lading.proof.cosign_keys import is_cosign_key, opened
from lading.proof.signing_keys import KEY_FILE_LIMIT, KeyInvalid, PrivateKey, Random

_COST, _BLOCK, _PARALLEL = 2**14, 8, 5
"""scrypt's N, r and p: 16 MiB, five times. openssl refuses what takes 32 MiB, so the work is in p."""

_KEY_SIZE, _VECTOR_SIZE, _SALT_SIZE = 32, 16, 16
_BEGIN, _END = "-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END ENCRYPTED PRIVATE KEY-----"

_PBES2 = bytes.fromhex("2a864886f70d01050d")
_SCRYPT = bytes.fromhex("2b06010401da47040b")
_AES_256_CBC = bytes.fromhex("60864801650304012a")
"""Object identifiers 1.2.840.113549.1.5.13, 1.3.6.1.4.1.11591.4.11 and 2.16.840.1.101.3.4.1.42, in DER."""

_INTEGER, _OCTETS, _OBJECT, _SEQUENCE = 0x02, 0x04, 0x06, 0x30


class PassphraseWrong(InputInvalid):
    """The passphrase does not open the key file, or the file needs one and none was given."""

    code = "passphrase_wrong"
    hint = "Give the passphrase that the key file was written with."
    command = (
        "It comes from LADING_TRUST_PASSPHRASE[_FILE]; for Notary's keys DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE and "
        "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE come first"
    )

    def __init__(self, given: bool) -> None:
        super().__init__(given)
        self.given = given

    def __str__(self) -> str:
        return "the passphrase does not open the key file" if self.given else "the key file needs its passphrase"


def encrypted_pem(key: PrivateKey, passphrase: str, random: Random) -> bytes:
    """The key as a file that `passphrase`, which is not empty, opens. Draws 32 bytes of `random`."""
    assert passphrase  # who writes key files asks for one
    salt, vector = random(_SALT_SIZE), random(_VECTOR_SIZE)
    secret = Scrypt(salt=salt, length=_KEY_SIZE, n=_COST, r=_BLOCK, p=_PARALLEL).derive(passphrase.encode())
    kdf = _sequence(_element(_OBJECT, _SCRYPT), _sequence(_element(_OCTETS, salt), *_numbers()))
    cipher = _sequence(_element(_OBJECT, _AES_256_CBC), _element(_OCTETS, vector))
    scheme = _sequence(_element(_OBJECT, _PBES2), _sequence(kdf, cipher))
    body = base64.b64encode(_sequence(scheme, _element(_OCTETS, _encrypted(key.der, secret, vector)))).decode("ascii")
    return "\n".join([_BEGIN, *textwrap.wrap(body, 64), _END, ""]).encode()


def is_encrypted(pem: bytes) -> bool:
    """Whether a key file needs a passphrase."""
    return b"ENCRYPTED" in pem


def read_private(pem: bytes, passphrase: str | None) -> PrivateKey:
    """A private key of a PEM file: PKCS #8, encrypted or not, the older forms of openssl, or cosign's.

    Raises KeyInvalid, PassphraseWrong.
    """
    if len(pem) > KEY_FILE_LIMIT:
        raise KeyInvalid(f"the file has {len(pem)} bytes; {KEY_FILE_LIMIT} are allowed")
    encrypted = is_encrypted(pem)
    if encrypted and not passphrase:
        raise PassphraseWrong(given=False)
    if is_cosign_key(pem):
        return _of_cosign(pem, passphrase or "")
    try:
        loaded = serialization.load_pem_private_key(pem, passphrase.encode() if encrypted and passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if encrypted:
            raise PassphraseWrong(given=True) from None
        if b"PUBLIC KEY-----" in pem:
            raise KeyInvalid("it is a public key, which verifies; the private half signs (NAME.key)") from None
        raise KeyInvalid("the file is no private key in PEM") from None
    return PrivateKey.of(loaded)


def _of_cosign(pem: bytes, passphrase: str) -> PrivateKey:
    der = opened(pem, passphrase)
    if der is None:
        raise PassphraseWrong(given=True)
    try:
        return PrivateKey.of(serialization.load_der_private_key(der, None))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyInvalid("what cosign encrypted is no private key") from None


def _encrypted(plain: bytes, secret: bytes, vector: bytes) -> bytes:
    padder = padding.PKCS7(_VECTOR_SIZE * 8).padder()
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(vector)).encryptor()
    return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()


def _numbers() -> list[bytes]:
    return [_element(_INTEGER, _integer(number)) for number in (_COST, _BLOCK, _PARALLEL, _KEY_SIZE)]


def _integer(number: int) -> bytes:
    """A positive one: a zero byte goes before what would else read as negative (X.690, 8.3)."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _sequence(*elements: bytes) -> bytes:
    return _element(_SEQUENCE, b"".join(elements))


def _element(tag: int, content: bytes) -> bytes:
    """Tag, length, content (X.690, 8.1.3); nothing here is longer than 64 KiB."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    counted = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(counted)]) + counted + content
