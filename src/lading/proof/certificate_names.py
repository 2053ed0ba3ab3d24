"""Names in certificates, as notation's trust policies write them (trust-store-trust-policy.md, Trusted Identities).

C=DE, O=Corp, CN=release      whoever's subject has all of these, and whatever else
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from lading.errors import InputInvalid
from lading.proof.certificate_chains import Attribute, Certificate, attributes_of

_PREFIX = "x509.subject:"
"""What notation's own files put before a name."""

_AFTER_COMMA = re.compile(r"(?<!\\),\s+")


class SubjectInvalid(InputInvalid):
    """What was given as a certificate's name is none; `reason` completes the sentence."""

    code = "certificate_invalid"
    hint = "Write it as in C=DE, O=Corp, CN=release"

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text, reason)
        self.text, self.reason = text, reason

    def __str__(self) -> str:
        return f"the certificate name {self.text[:160]!r} {self.reason}"


@dataclass(frozen=True, slots=True)
class SubjectPattern:
    """Part of a certificate's subject; `text` as it was written."""

    text: str
    attributes: frozenset[Attribute]

    @classmethod
    def parse(cls, text: str) -> SubjectPattern:
        """Raises SubjectInvalid."""
        try:
            name = x509.Name.from_rfc4514_string(_without_spaces(text.removeprefix(_PREFIX)))
        except ValueError:
            raise SubjectInvalid(text, "cannot be read") from None
        attributes = attributes_of(name)
        if not attributes:
            raise SubjectInvalid(text, "is empty")
        if not _says_once(attributes):
            raise SubjectInvalid(text, "says something twice")
        return cls(text, frozenset(attributes))

    def names(self, certificate: Certificate) -> bool:
        """Whether the certificate's subject has all of these. One that says something twice could mean either, and is
        nobody's (notation-go, trustpolicy: multiple RDNs of the same type are refused)."""
        said = certificate.attributes
        return _says_once(said) and self.attributes <= set(said)


def _says_once(attributes: Sequence[Attribute]) -> bool:
    return len({kind for kind, _ in attributes}) == len(attributes)


def _without_spaces(text: str) -> str:
    """Spaces after commas, which people and notation's documentation write, RFC 4514 does not know."""
    return _AFTER_COMMA.sub(",", text.strip())
