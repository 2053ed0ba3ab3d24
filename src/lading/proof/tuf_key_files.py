"""Private keys as Notary's and Docker's clients keep them, in `trust/private/<id>.key`: PEM with the role and the
repository in its headers. They are read, so that who signed with Docker signs on with Lading, and written, so that the
way back is open too.

    EncryptedPrivateKeyInfo (RFC 5958), always with these parameters (Notary, tuf/utils/pkcs8.go)
    ├── PBES2 (RFC 8018)
    │   ├── PBKDF2: salt of 8 bytes, iterations, HMAC-SHA1
    │   └── AES-256-CBC: initialisation vector
    └── the key in PKCS #8, encrypted; it says version 1, which promises a public half that is not there
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import textwrap
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from lading.proof.key_files import PassphraseWrong, read_private
from lading.proof.signing_keys import KEY_FILE_LIMIT, KeyInvalid, PrivateKey, Random

_PEM = re.compile(
    rb"-----BEGIN ENCRYPTED PRIVATE KEY-----\r?\n(?P<headers>(?:[a-z]+: [^\r\n]*\r?\n)+)\r?\n"
    rb"(?P<body>[A-Za-z0-9+/=\r\n]+)-----END ENCRYPTED PRIVATE KEY-----\s*"
)
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..)"
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_CIPHER = bytes.fromhex("301d060960864801650304012a0410")
"""Object identifiers 1.2.840.113549.1.5.13 and …12; AES-256-CBC, up to its vector: in DER, the same in every file."""

_ENCRYPTED = re.compile(
    rb"\x30" + _LENGTH + rb"\x30."
    + re.escape(_PBES2) + rb"\x30.\x30."
    + re.escape(_PBKDF2) + rb"\x30.\x04\x08(?P<salt>.{8})\x02(?:\x02(?P<few>..)|\x03(?P<many>...))"
    + re.escape(_CIPHER) + rb"(?P<vector>.{16})\x04"
    + _LENGTH + rb"(?P<key>.+)",
    re.DOTALL,
)  # fmt: skip
_VERSION_1 = re.compile(rb"\A(\x30" + _LENGTH + rb"\x02\x01)\x01", re.DOTALL)
_BLOCK_BITS = 128
_SALT_BYTES, _VECTOR_BYTES = 8, 16

ITERATIONS = 600_000
"""How often a passphrase is hashed in the files written here; Notary's own has 2048, and reads any number."""

_BEGIN, _END = "-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END ENCRYPTED PRIVATE KEY-----"
_LONG = 0x80


@dataclass(frozen=True, slots=True)
class NotaryKey:
    """A key that a client kept, with the role it signs for and the repository; None where its file does not say."""

    private: PrivateKey
    role: str | None
    gun: str | None

    @classmethod
    def parse(cls, pem: bytes, passphrase: str | None) -> NotaryKey:
        """One of Notary's, or any key file of Lading's. Raises KeyInvalid, PassphraseWrong."""
        found = _PEM.fullmatch(pem) if len(pem) <= KEY_FILE_LIMIT else None
        if found is None:
            return cls(read_private(pem, passphrase), None, None)
        headers = _headers(found)
        return cls(_opened(found["body"], passphrase), headers.get("role"), headers.get("gun"))

    def pem(self, passphrase: str, random: Random, iterations: int = ITERATIONS) -> bytes:
        """The file, which Notary's and Docker's clients read too, and which `passphrase`, not empty, opens. Draws 24
        bytes of `random`; `iterations` is from 128 to 8,388,607."""
        assert passphrase  # who writes key files asks for one
        salt, vector = random(_SALT_BYTES), random(_VECTOR_BYTES)
        padder = padding.PKCS7(_BLOCK_BITS).padder()
        encryptor = _cipher(passphrase, salt, iterations, vector).encryptor()
        key = encryptor.update(padder.update(self.private.der) + padder.finalize()) + encryptor.finalize()
        count = iterations.to_bytes(iterations.bit_length() // 8 + 1, "big")
        kdf = _der(0x30, _PBKDF2 + _der(0x30, _der(0x04, salt) + _der(0x02, count)))
        scheme = _der(0x30, _PBES2 + _der(0x30, kdf + _CIPHER + vector))
        body = base64.b64encode(_der(0x30, scheme + _der(0x04, key))).decode("ascii")
        headers = [f"{name}: {value}" for name, value in (("gun", self.gun), ("role", self.role)) if value]
        return "\n".join([_BEGIN, *headers, "", *textwrap.wrap(body, 64), _END, ""]).encode()


def role_and_gun(pem: bytes) -> tuple[str, str]:
    """What a key file says of its key without being opened; empty where it says nothing."""
    found = _PEM.fullmatch(pem) if len(pem) <= KEY_FILE_LIMIT else None
    headers = {} if found is None else _headers(found)
    return headers.get("role", ""), headers.get("gun", "")


def _headers(found: re.Match[bytes]) -> dict[str, str]:
    """Lines end as the pattern says: text knows of more ends, and a header may hold one."""
    lines = found["headers"].replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    return dict(line.decode("utf-8", "replace").split(": ", 1) for line in lines)


def _opened(body: bytes, passphrase: str | None) -> PrivateKey:
    try:
        found = _ENCRYPTED.fullmatch(base64.b64decode(b"".join(body.split()), validate=True))
    except binascii.Error:
        found = None
    if found is None:
        raise KeyInvalid("it is not encrypted as Notary encrypts keys")
    if not passphrase:
        raise PassphraseWrong(given=False)
    try:
        plain = _VERSION_1.sub(rb"\1" + b"\0", _decrypted(found, passphrase), count=1)
        return PrivateKey.of(serialization.load_der_private_key(plain, None))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PassphraseWrong(given=True) from None


def _decrypted(found: re.Match[bytes], passphrase: str) -> bytes:
    """Raises ValueError where the passphrase is wrong, most times."""
    iterations = int.from_bytes(found["few"] or found["many"], "big")
    decryptor = _cipher(passphrase, found["salt"], max(1, iterations), found["vector"]).decryptor()
    unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
    return unpadder.update(decryptor.update(found["key"]) + decryptor.finalize()) + unpadder.finalize()


def _cipher(passphrase: str, salt: bytes, iterations: int, vector: bytes) -> Cipher[modes.CBC]:
    secret = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), salt, iterations, 32)
    return Cipher(algorithms.AES(secret), modes.CBC(vector))


def _der(tag: int, content: bytes) -> bytes:
    """Tag, length, content (X.690, 8.1.3); nothing here is as long as 64 KiB."""
    size = len(content)
    if size < _LONG:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG | len(length)]) + length + content
