"""What a signature says: this digest, in this repository, perhaps under this tag, at this time.

The formats bind a digest only; the rest travels in their signed annotations, which every reader of theirs passes over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lading.errors import ContentCorrupt
from lading.oci.digest import Digest
from lading.oci.document import DocumentInvalid
from lading.oci.reference import Reference, ReferenceInvalid, Repository

REPOSITORY = "lading.repository"
TAG = "lading.tag"
COUNTER = "lading.counter"
TIME = "lading.time"

_LAST_SECOND = 253_402_300_799
"""The end of the year 9999."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


class SignatureInvalid(DocumentInvalid):
    """Signed content, or the envelope around it, that breaks its specification; names the field and the rule."""

    code = "signature_invalid"
    what = "the signature"


class SignatureForged(ContentCorrupt):
    """No key that was asked about made this signature."""

    code = "signature_forged"

    def __str__(self) -> str:
        return "no key that is accepted made the signature"


@dataclass(frozen=True, slots=True)
class Claim:
    """What was signed. `counter` rises with every signature that moves a tag; `signed_at` is in seconds since 1970.
    None where the signer did not say."""

    digest: Digest
    repository: Repository | None = None
    tag: str | None = None
    counter: int | None = None
    signed_at: int | None = None

    @property
    def annotations(self) -> dict[str, str]:
        """All but the digest, as signed annotations."""
        said = {
            REPOSITORY: self.repository,
            TAG: self.tag,
            COUNTER: self.counter,
            TIME: self.signed_at,
        }
        return {name: str(value) for name, value in said.items() if value is not None}

    @classmethod
    def read(cls, digest: Digest, annotations: Mapping[str, str]) -> Claim:
        """From what was signed. Annotations of others mean nothing here. Raises SignatureInvalid."""
        return cls(
            digest,
            _repository(annotations),
            _tag(annotations),
            _number(annotations, COUNTER),
            _second(annotations),
        )


def _repository(annotations: Mapping[str, str]) -> Repository | None:
    text = annotations.get(REPOSITORY)
    return None if text is None else repository_of(text, REPOSITORY).repository


def _tag(annotations: Mapping[str, str]) -> str | None:
    text = annotations.get(TAG)
    if text is None:
        return None
    return repository_of(f"registry.invalid/r:{text}", TAG).tag


def repository_of(text: str, field: str) -> Reference:
    """A reference inside what was signed, spelled in full. Raises SignatureInvalid."""
    try:
        reference = Reference.parse(text)
    except ReferenceInvalid as error:
        raise SignatureInvalid(field, "is no name of an image") from error
    if str(reference) != text:
        raise SignatureInvalid(field, "is not spelled in full")
    return reference


def _second(annotations: Mapping[str, str]) -> int | None:
    second = _number(annotations, TIME)
    if second is not None and second > _LAST_SECOND:
        raise SignatureInvalid(TIME, "is no time")
    return second


def _number(annotations: Mapping[str, str], name: str) -> int | None:
    text = annotations.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise SignatureInvalid(name, "must be a whole number")
    return int(text)
