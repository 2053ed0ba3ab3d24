"""People with certificates for signing images (notation), and who certified them; always the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lading.proof.certificate_chains import Certificate
from lading.proof.signing_keys import PrivateKey
from tests.fakes.certificates import key_usage

NOW = 1_790_000_000
_BEGIN = datetime.fromtimestamp(NOW, UTC)
_KINDS = {"C": NameOID.COUNTRY_NAME, "O": NameOID.ORGANIZATION_NAME, "CN": NameOID.COMMON_NAME}


@dataclass(frozen=True)
class Holder:
    """A certificate and its key; `chain` goes up to the authority that signed itself."""

    chain: tuple[Certificate, ...]
    pem: bytes
    key: ec.EllipticCurvePrivateKey

    @property
    def private(self) -> PrivateKey:
        return PrivateKey.of(self.key)


def authority(name: str) -> Holder:
    return _issued({"CN": name}, None, days=(-1, 3650))


def holder(by: Holder, *, days: tuple[int, int] = (-1, 365), **subject: str) -> Holder:
    """Of this subject (C, O, CN), certified for so many days from now."""
    return _issued(subject, by, days=days)


def revocations(
    by: Holder, *taken_back: Holder, days: tuple[int, int] = (-1, 7), partial: bool = False, key: Holder | None = None
) -> bytes:
    """The authority's list of what it took back, in PEM; `partial` lists of a part, `key` is somebody else's."""
    builder = x509.CertificateRevocationListBuilder(x509.load_pem_x509_certificate(by.pem).subject)
    builder = builder.last_update(_BEGIN + timedelta(days=days[0])).next_update(_BEGIN + timedelta(days=days[1]))
    for each in taken_back:
        gone = x509.RevokedCertificateBuilder(each.chain[0].serial, _BEGIN - timedelta(hours=1)).build()
        builder = builder.add_revoked_certificate(gone)
    if partial:
        part = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
        builder = builder.add_extension(part, critical=True)
    signed = builder.sign((key or by).key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def _issued(subject: Mapping[str, str], by: Holder | None, days: tuple[int, int]) -> Holder:
    name = x509.Name([x509.NameAttribute(_KINDS[kind], value) for kind, value in subject.items()])
    seed = hashlib.sha256(repr((subject, by and by.pem)).encode()).digest()
    key = ec.derive_private_key(int.from_bytes(seed[:31], "big") + 1, ec.SECP256R1())
    issuer = x509.load_pem_x509_certificate(by.pem).subject if by else name
    builder = (
        x509.CertificateBuilder(issuer, name, key.public_key(), int.from_bytes(seed[:8], "big") + 1)
        .not_valid_before(_BEGIN + timedelta(days=days[0]))
        .not_valid_after(_BEGIN + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(key_usage(ca=by is None), critical=True)
    )
    if by is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    made = builder.sign(by.key if by else key, hashes.SHA256(), ecdsa_deterministic=True)
    der = Certificate.read(made.public_bytes(serialization.Encoding.DER))
    return Holder((der, *(by.chain if by else ())), made.public_bytes(serialization.Encoding.PEM), key)
