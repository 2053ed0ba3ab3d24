"""Keys as Notary v1 metadata names them: their kinds, ids and signatures.

A key's id is the SHA-256 of its canonical JSON. A root key comes wrapped in a certificate (`ecdsa-x509`), so it has two
ids: the one of the wrapping, which metadata uses, and the one of the bare key, which people are shown.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from lading.oci.document import Fields
from lading.proof.base64_text import base64_of, in_base64
from lading.proof.signing_keys import KeyKind, PrivateKey
from lading.proof.tuf_json import Signature, write_canonical

RSA_BITS = 2048
"""The shortest RSA key believed."""

_HASH_BYTES = 32

BareKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class TrustKey:
    """A public key: `public` is DER (SubjectPublicKeyInfo) for `ecdsa` and `rsa`, PEM certificates, the key's own
    first, for `ecdsa-x509` and `rsa-x509`, and 32 plain bytes for `ed25519`. Of other kinds nothing verifies."""

    kind: str
    public: bytes = field(repr=False)

    @classmethod
    def read(cls, fields: Fields) -> TrustKey:
        """As metadata spells it, and a trust server's answer. Raises TrustInvalid."""
        value = fields.inner("keyval")
        if value is None:
            fields.refuse("keyval", "is missing")
        if value.get("private") is not None:
            value.refuse("private", "holds a private key")
        return cls(fields.required_text("keytype"), base64_of(value, "public"))

    @property
    def document(self) -> dict[str, object]:
        """As metadata spells it."""
        return {"keytype": self.kind, "keyval": {"private": None, "public": in_base64(self.public)}}

    @property
    def id(self) -> str:
        """The name that metadata uses: 64 hex digits."""
        return _id(self)

    @property
    def bare(self) -> TrustKey:
        """The key without its certificate; itself where it has none, or one that cannot be read."""
        key = self._key() if self.is_wrapped else None
        return self if key is None else TrustKey(self.kind.removesuffix("-x509"), _der(key))

    @property
    def is_wrapped(self) -> bool:
        """Whether a certificate carries the key."""
        return self.kind.endswith("-x509")

    @property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """The certificates it is wrapped in; none where they cannot be read."""
        if not self.is_wrapped:
            return ()
        try:
            return tuple(x509.load_pem_x509_certificates(self.public))
        except ValueError:
            return ()

    def verifies(self, signature: Signature, message: bytes) -> bool:
        """Whether this key made the signature of `message`: ECDSA as r‖s and RSA-PSS (32 bytes of salt), both over
        SHA-256, or Ed25519. False for whatever cannot be checked."""
        try:
            match self._key(), signature.method:
                case ec.EllipticCurvePublicKey() as key, "ecdsa":
                    key.verify(_to_der(signature.bytes, key.key_size), message, ec.ECDSA(hashes.SHA256()))
                case rsa.RSAPublicKey() as key, "rsapss" if key.key_size >= RSA_BITS:
                    pss = padding.PSS(padding.MGF1(hashes.SHA256()), _HASH_BYTES)
                    key.verify(signature.bytes, message, pss, hashes.SHA256())
                case ed25519.Ed25519PublicKey() as key, "eddsa":
                    key.verify(signature.bytes, message)
                case _:
                    return False
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            return False
        return True

    def _key(self) -> BareKey | None:
        """The library's key; None where the bytes are no key of the kind they are said to be."""
        try:
            match self.kind:
                case "ed25519":
                    return ed25519.Ed25519PublicKey.from_public_bytes(self.public)
                case "ecdsa" | "rsa":
                    key = serialization.load_der_public_key(self.public)
                case "ecdsa-x509" | "rsa-x509" if self.certificates:
                    key = self.certificates[0].public_key()
                case _:
                    return None
        except (ValueError, UnsupportedAlgorithm):
            return None
        expected = ec.EllipticCurvePublicKey if self.kind.startswith("ecdsa") else rsa.RSAPublicKey
        return key if isinstance(key, expected) else None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Signs with a key in memory, deterministically. A root key comes with its certificate in PEM."""

    private: PrivateKey
    certificate: bytes | None = field(default=None, repr=False)

    @property
    def key(self) -> TrustKey:
        """The public key, wrapped where it has a certificate."""
        if self.certificate is not None:
            return TrustKey("ecdsa-x509", self.certificate)
        if self.private.public.kind is KeyKind.ED25519:
            return TrustKey("ed25519", self.private.public.der[-_HASH_BYTES:])  # RFC 8410: the bytes end the DER
        return TrustKey("ecdsa", self.private.public.der)

    def sign(self, message: bytes) -> Signature:
        """A signature of `message` in Notary's form."""
        made = self.private.sign(message)
        if self.private.public.kind is KeyKind.ED25519:
            return Signature(self.key.id, "eddsa", made)
        r, s = decode_dss_signature(made)
        return Signature(self.key.id, "ecdsa", r.to_bytes(_HASH_BYTES, "big") + s.to_bytes(_HASH_BYTES, "big"))


@lru_cache(maxsize=4096)
def _id(key: TrustKey) -> str:
    """Asked for many times in every walk."""
    return hashlib.sha256(write_canonical(key.document)).hexdigest()


def _to_der(raw: bytes, bits: int) -> bytes:
    """An ECDSA signature for the library. Raises ValueError unless it is twice the curve's width."""
    width = (bits + 7) // 8
    if len(raw) != 2 * width:
        raise ValueError
    return encode_dss_signature(int.from_bytes(raw[:width], "big"), int.from_bytes(raw[width:], "big"))


def _der(key: BareKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
