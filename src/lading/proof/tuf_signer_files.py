"""Files that name somebody who may sign: a public key in PEM, as `key generate` of ours and of Docker writes it, or the
certificate that carries one, as client bundles have it."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lading.proof.signing_keys import KEY_FILE_LIMIT, KeyInvalid
from lading.proof.tuf_keys import RSA_BITS, TrustKey


def signer_key(pem: bytes) -> TrustKey:
    """The key of a file as a delegation names it: wrapped where the file is a certificate, whose first one counts, as
    Notary has it. Raises KeyInvalid."""
    if len(pem) > KEY_FILE_LIMIT:
        raise KeyInvalid(f"the file has {len(pem)} bytes; {KEY_FILE_LIMIT} are allowed")
    try:
        if b"-----BEGIN CERTIFICATE-----" in pem:
            return _wrapped(x509.load_pem_x509_certificates(pem)[0])
        return _bare(serialization.load_pem_public_key(pem))
    except (ValueError, UnsupportedAlgorithm):
        raise KeyInvalid("the file is neither a public key nor a certificate in PEM") from None


def _wrapped(certificate: x509.Certificate) -> TrustKey:
    bare = _bare(certificate.public_key())
    if bare.kind == "ed25519":
        raise KeyInvalid("Notary knows no certificate of an Ed25519 key; give the public key alone")
    return TrustKey(f"{bare.kind}-x509", certificate.public_bytes(serialization.Encoding.PEM))


def _bare(key: object) -> TrustKey:
    der, spki = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    match key:
        case ec.EllipticCurvePublicKey():
            return TrustKey("ecdsa", key.public_bytes(der, spki))
        case rsa.RSAPublicKey() if key.key_size >= RSA_BITS:
            return TrustKey("rsa", key.public_bytes(der, spki))
        case ed25519.Ed25519PublicKey():
            return TrustKey("ed25519", key.public_bytes_raw())
        case _:
            raise KeyInvalid(f"it is neither ECDSA, Ed25519 nor RSA of {RSA_BITS} bits")
