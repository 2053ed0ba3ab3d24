"""What a transfer asks of content trust: which digest of a source may be read, and who signs what arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lading.oci.digest import Digest
from lading.oci.reference import Reference, Repository
from lading.services.environments.orders import SignTags
from lading.wire.message import Cancel
from lading.wire.progress import Report


class TransferTrust(Protocol):
    """Asked by pull and copy of their source in a registry, by push and copy of each repository they arrive at.

    What travels beside an image, its signatures and SBOMs, is not asked about: it is what answers.
    """

    def verified(self, reference: Reference, report: Report, cancel: Cancel) -> Reference:
        """The reference with the digest that is to be read; as it came where nothing is asked. Raises NotTrusted where
        a rule forbids it, and whatever kept anybody from answering."""

    def signing(self, repository: Repository, report: Report, cancel: Cancel) -> SignTags | None:
        """What signs for tags of this repository before any of them moves; None: nobody does. Raises SigningKeyMissing
        where somebody should and cannot."""

    def prepare(self, references: Sequence[Reference], cancel: Cancel) -> None:
        """Before anything is sent to these tags of one repository, which are to be signed: raises what would keep them
        from it, as far as that can be known."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Trust that was decided before the transfer began; fulfils TransferTrust."""

    digest: Digest | None = None
    sign: SignTags | None = None

    def verified(self, reference: Reference, report: Report, cancel: Cancel) -> Reference:  # noqa: ARG002  it is settled
        return reference if self.digest is None else replace(reference, digest=self.digest)

    def signing(self, repository: Repository, report: Report, cancel: Cancel) -> SignTags | None:  # noqa: ARG002
        return self.sign

    def prepare(self, references: Sequence[Reference], cancel: Cancel) -> None:
        """Whoever settled it has asked."""
