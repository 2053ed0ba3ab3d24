"""Certificates that their authority took back: revocation lists (RFC 5280, 5), given as files. Nobody is asked here.

Whoever gives lists wants to know of every certificate in a chain: one whose authority has no list, or none that is in
force, is refused as much as one that was taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lading.errors import InputInvalid
from lading.proof.certificate_chains import UNREADABLE, Certificate, ChainRefused


class RevocationListInvalid(InputInvalid):
    """What was given as a revocation list is none; `reason` completes the sentence."""

    code = "certificate_invalid"
    hint = "Give a whole revocation list of one authority, in PEM."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the revocation list cannot be used: {self.reason}"


@dataclass(frozen=True, slots=True)
class RevocationList:
    """The serial numbers that one authority took back; two are equal when their bytes are."""

    der: bytes = field(repr=False)
    _list: x509.CertificateRevocationList = field(repr=False, compare=False)

    @classmethod
    def parse(cls, pem: bytes) -> RevocationList:
        """A PEM file. Raises RevocationListInvalid: for lists of changes, or of a part, as well."""
        try:
            found = x509.load_pem_x509_crl(pem)
            strange = [each.oid for each in found.extensions if each.critical]
            known = found.next_update_utc is not None
        except UNREADABLE:
            raise RevocationListInvalid("it is none in PEM") from None
        if strange or not known:
            raise RevocationListInvalid("it lists a part, or does not say until when it holds")
        return cls(found.public_bytes(Encoding.DER), found)

    def is_of(self, issuer: Certificate) -> bool:
        """Whether this authority made it."""
        return issuer.made(self._list)

    def holds_at(self, moment: datetime) -> bool:
        """Whether it is in force then."""
        until = self._list.next_update_utc
        return until is not None and self._list.last_update_utc <= moment <= until

    def names(self, certificate: Certificate) -> bool:
        """Whether the certificate is taken back."""
        return self._list.get_revoked_certificate_by_serial_number(certificate.serial) is not None


def check_revocations(chain: Sequence[Certificate], lists: Collection[RevocationList], moment: datetime) -> None:
    """None of a chain that is known to be right was taken back. Without lists nothing is asked.

    Raises ChainRefused.
    """
    for issued, issuer in pairwise(chain) if lists else ():
        current = [each for each in lists if each.is_of(issuer) and each.holds_at(moment)]
        if not current:
            raise ChainRefused(f"no revocation list of {issuer.subject} is in force")
        if any(each.names(issued) for each in current):
            raise ChainRefused(f"{issuer.subject} took back {issued.subject}")
