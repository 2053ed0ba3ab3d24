"""Private keys as Notary's and Docker's clients keep them, in `trust/private/<id>.key`: PEM with the role and the
repository in its headers. They are read, so that who signed with Docker signs on with Lading.

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
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from lading.proof.key_files import PassphraseWrong, read_private
from lading.proof.signing_keys import KEY_FILE_LIMIT, KeyInvalid, PrivateKey

_PEM = re.compile(
    rb"-----BEGIN ENCRYPTED PRIVATE KEY-----\r?\n(?P<headers>(?:[a-z]+: [^\r\n]*\r?\n)+)\r?\n"
    rb"(?P<body>[A-Za-z0-9+/=\r\n]+)-----END ENCRYPTED PRIVATE KEY-----\s*"
)
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..)"
_SCHEME = bytes.fromhex("06092a864886f70d01050d303c301b06092a864886f70d01050c300e0408")
_CIPHER = bytes.fromhex("301d060960864801650304012a0410")
"""PBES2 by PBKDF2, up to the salt; AES-256-CBC, up to its vector: in DER, the same in every file."""

_ENCRYPTED = re.compile(
    rb"\x30"
    + _LENGTH
    + rb"\x30\x49"
    + re.escape(_SCHEME)
    + rb"(?P<salt>.{8})\x02\x02(?P<iterations>..)"
    + re.escape(_CIPHER)
    + rb"(?P<vector>.{16})\x04"
    + _LENGTH
    + rb"(?P<key>.+)",
    re.DOTALL,
)
_VERSION_1 = re.compile(rb"(\x30" + _LENGTH + rb"\x02\x01)\x01", re.DOTALL)
_BLOCK_BITS = 128


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
        lines = found["headers"].decode("utf-8", "replace").splitlines()
        headers = dict(line.split(": ", 1) for line in lines)
        return cls(_opened(found["body"], passphrase), headers.get("role"), headers.get("gun"))


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
    iterations = int.from_bytes(found["iterations"], "big")
    secret = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), found["salt"], max(1, iterations), 32)
    decryptor = Cipher(algorithms.AES(secret), modes.CBC(found["vector"])).decryptor()
    unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
    return unpadder.update(decryptor.update(found["key"]) + decryptor.finalize()) + unpadder.finalize()
