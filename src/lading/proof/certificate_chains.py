"""Certificates that sign images for notation: a chain from the signer's up to one that is trusted by name of its bytes.

The rules are those of notation's specification (signature-specification.md, Certificate Requirements), as far as they
decide: who issued whom, validity at one time, what the keys are for. What was taken back is in revocations.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from lading.errors import ContentCorrupt, InputInvalid

_Extension = TypeVar("_Extension", x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage)

CHAIN_LIMIT = 8
"""The most certificates in a chain: real ones have three."""

_RSA_BITS = 2048

UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What reading X.509 raises for what it cannot make sense of."""

Attribute = tuple[str, str]
"""Part of a name: what it is, as a dotted object identifier, and the value."""


class CertificateInvalid(InputInvalid):
    """What was given as a certificate is none."""

    code = "certificate_invalid"
    hint = "Give X.509 certificates in PEM."

    def __str__(self) -> str:
        return "the file holds no X.509 certificate in PEM"


class ChainRefused(ContentCorrupt):
    """A signer's certificates do not lead to one that is trusted; `reason` completes the sentence."""

    code = "signature_forged"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the signer's certificate is not accepted: {self.reason}"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate; two are equal when their bytes are."""

    der: bytes = field(repr=False)
    _certificate: x509.Certificate = field(repr=False, compare=False)

    @classmethod
    def read(cls, der: bytes) -> Certificate:
        """Raises ChainRefused."""
        try:
            return cls(der, _whole(x509.load_der_x509_certificate(der)))
        except UNREADABLE:
            raise ChainRefused("it cannot be read") from None

    @classmethod
    def parse(cls, pem: bytes) -> tuple[Certificate, ...]:
        """All of a PEM file, in its order. Raises CertificateInvalid."""
        try:
            found = [_whole(each) for each in x509.load_pem_x509_certificates(pem)]
        except UNREADABLE:
            raise CertificateInvalid from None
        return tuple(cls(each.public_bytes(Encoding.DER), each) for each in found)

    @property
    def subject(self) -> str:
        """Whose it is, as RFC 4514 writes names."""
        return self._certificate.subject.rfc4514_string()

    @property
    def serial(self) -> int:
        """Its number among those of its authority."""
        return self._certificate.serial_number

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The parts of the subject."""
        return attributes_of(self._certificate.subject)

    @property
    def key(self) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
        """The key that it vouches for. Raises ChainRefused for kinds that sign no images."""
        key = self._certificate.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey):
            return key
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS:
            return key
        raise ChainRefused("its key is of a kind or size that does not count")

    def holds_at(self, moment: datetime) -> bool:
        """Whether it is valid then."""
        return self._certificate.not_valid_before_utc <= moment <= self._certificate.not_valid_after_utc

    def issued(self, other: Certificate) -> bool:
        """Whether this one's key signed the other, by its name."""
        try:
            other._certificate.verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return False
        return True

    def made(self, revocations: x509.CertificateRevocationList) -> bool:
        """Whether this one's key signed the list, in its name."""
        named = revocations.issuer == self._certificate.subject
        return named and revocations.is_signature_valid(self.key)

    @property
    def is_authority(self) -> bool:
        """Whether it may issue others (RFC 5280, 4.2.1.9 and 4.2.1.3)."""
        constraints, usage = self._extension(x509.BasicConstraints), self._extension(x509.KeyUsage)
        return constraints is not None and constraints.ca and (usage is None or usage.key_cert_sign)

    @property
    def length_below(self) -> int | None:
        """How many authorities may stand below this one; None: any number."""
        constraints = self._extension(x509.BasicConstraints)
        return None if constraints is None else constraints.path_length

    @property
    def signs_code(self) -> bool:
        """Whether its key may sign images: digital signatures, and code signing where uses are listed."""
        usage, uses = self._extension(x509.KeyUsage), self._extension(x509.ExtendedKeyUsage)
        if self.is_authority or usage is None or not usage.digital_signature or usage.key_cert_sign:
            return False
        return uses is None or ExtendedKeyUsageOID.CODE_SIGNING in list(uses)

    def _extension(self, kind: type[_Extension]) -> _Extension | None:
        try:
            return self._certificate.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None


def _whole(certificate: x509.Certificate) -> x509.Certificate:
    """The library reads parts as they are asked for: asked here, what is broken is found before anything is believed.
    Raises `UNREADABLE`."""
    certificate.public_key()
    certificate.subject.rfc4514_string()
    certificate.issuer.rfc4514_string()
    list(certificate.extensions)
    if not certificate.public_bytes(Encoding.DER).endswith(b"\0" + certificate.signature):
        raise ValueError  # a signature that leaves bits unused is a second spelling of the same certificate
    return certificate


def attributes_of(name: x509.Name) -> tuple[Attribute, ...]:
    """The parts of a name, in its order."""
    return tuple((each.oid.dotted_string, str(each.value)) for each in name)


def check_chain(chain: Sequence[Certificate], trusted: Collection[Certificate], moment: datetime) -> None:
    """The signer's certificate first, its authorities after it in order; the last, or one before it, is trusted.

    Raises ChainRefused, with the first thing that is wrong.
    """
    if not 0 < len(chain) <= CHAIN_LIMIT:
        raise ChainRefused(f"1 to {CHAIN_LIMIT} are needed")
    if not any(each in trusted for each in chain):
        raise ChainRefused("none of its authorities is trusted")
    if not chain[0].signs_code:
        raise ChainRefused("it is not for signing")
    for each in chain:
        if not each.holds_at(moment):
            raise ChainRefused(f"{each.subject} is not valid at this time")
    for below, (issued, issuer) in enumerate(pairwise(chain)):
        _check_issuer(issued, issuer, below)
    top = chain[-1]
    if not top.issued(top):
        raise ChainRefused("the chain does not end with a root")


def _check_issuer(issued: Certificate, issuer: Certificate, below: int) -> None:
    """`below` is the number of authorities that stand below the issuer."""
    if not issuer.is_authority or (issuer.length_below is not None and issuer.length_below < below):
        raise ChainRefused(f"{issuer.subject} may not have issued it")
    if not issuer.issued(issued):
        raise ChainRefused(f"{issuer.subject} did not issue {issued.subject}")
