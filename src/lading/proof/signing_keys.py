"""Key pairs that sign images: ECDSA over P-256 with SHA-256, as cosign writes by default, and plain Ed25519.

A key is one value from birth: its curve is checked, and its name, the key id, is the SHA-256 of the public half in DER
(SubjectPublicKeyInfo, RFC 5280). Signing is deterministic (RFC 6979, RFC 8032), so it needs no randomness.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from lading.errors import InputInvalid

KEY_FILE_LIMIT = 64 * 1024
"""The longest key file read, in bytes."""

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256's base point (SEC 2, secp256r1)."""

_SURPLUS = 16
"""Bytes drawn beyond the order's 32, so that the remainder shows no bias (FIPS 186-5, A.2.1: 64 bits suffice)."""

Random = Callable[[int], bytes]
"""So many bytes that nobody can foresee."""


class KeyKind(StrEnum):
    """What kinds of keys sign."""

    ECDSA_P256 = "ecdsa-p256"
    ED25519 = "ed25519"


class KeyInvalid(InputInvalid):
    """What was given as a key is none that signs images; `reason` completes the sentence."""

    code = "key_invalid"
    hint = "Give the PEM file of an ECDSA P-256 or Ed25519 key."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the key cannot be used: {self.reason}"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The half that verifies; two are equal when their bytes are."""

    der: bytes = field(repr=False)
    kind: KeyKind
    _key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey = field(repr=False, compare=False)

    @classmethod
    def of(cls, key: object) -> PublicKey:
        """From the library's object. Raises KeyInvalid for kinds and curves that do not sign here."""
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(_der(key), KeyKind.ECDSA_P256, key)
        if isinstance(key, ed25519.Ed25519PublicKey):
            return cls(_der(key), KeyKind.ED25519, key)
        raise KeyInvalid("it is neither ECDSA over P-256 nor Ed25519")

    @classmethod
    def parse(cls, pem: bytes) -> PublicKey:
        """A PEM file with `PUBLIC KEY`, as `trust key generate` and cosign write beside the private one.

        Raises KeyInvalid.
        """
        if len(pem) > KEY_FILE_LIMIT:
            raise KeyInvalid(f"the file has {len(pem)} bytes; {KEY_FILE_LIMIT} are allowed")
        try:
            return cls.of(serialization.load_pem_public_key(pem))
        except (ValueError, UnsupportedAlgorithm):
            if b"PRIVATE KEY-----" in pem:
                raise KeyInvalid("it is a private key: keep it, and give the public half (NAME.pub)") from None
            raise KeyInvalid("the file is no public key in PEM") from None

    @property
    def key_id(self) -> str:
        """The name of the key: 64 hex digits."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def hint(self) -> str:
        """The key's name as sigstore bundles write it: the same hash in base64 (cosign's key pairs)."""
        return base64.b64encode(hashlib.sha256(self.der).digest()).decode("ascii")

    @property
    def pem(self) -> bytes:
        """As a file."""
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_bytes(serialization.Encoding.PEM, spki)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the private half signed `message`: ECDSA in DER (RFC 3279), Ed25519 raw."""
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, message)
            else:
                self._key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """The half that signs. Its repr shows the public half only."""

    public: PublicKey
    _key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def of(cls, key: object) -> PrivateKey:
        """From the library's object. Raises KeyInvalid."""
        if isinstance(key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            return cls(PublicKey.of(key.public_key()), key)
        raise KeyInvalid("it is neither ECDSA over P-256 nor Ed25519")

    @classmethod
    def generate(cls, kind: KeyKind, random: Random) -> PrivateKey:
        """A new one from 48 or 32 bytes of `random`."""
        if kind is KeyKind.ED25519:
            return cls.of(ed25519.Ed25519PrivateKey.from_private_bytes(random(32)))
        drawn = int.from_bytes(random(32 + _SURPLUS), "big") % (_ORDER - 1) + 1
        return cls.of(ec.derive_private_key(drawn, ec.SECP256R1()))

    @classmethod
    def of_der(cls, der: bytes) -> PrivateKey:
        """What `der` gave. Raises KeyInvalid."""
        try:
            return cls.of(serialization.load_der_private_key(der, None))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyInvalid("it is no private key in PKCS #8") from None

    @property
    def der(self) -> bytes:
        """PKCS #8, not encrypted: only for who encrypts it."""
        pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self._key.private_bytes(serialization.Encoding.DER, pkcs8, plain)

    def sign(self, message: bytes) -> bytes:
        """A signature that `PublicKey.verifies`."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        return self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def _der(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, spki)
