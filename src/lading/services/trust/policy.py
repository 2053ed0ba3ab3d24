"""Trust policies: whose signature an image needs. Values; the file that people write is read in policy_file.

A rule counts its signers: each entry is one, however many people or certificates it stands for, so `threshold` asks for
so many different entries, of whatever kinds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.proof.certificate_chains import Certificate
from lading.proof.certificate_names import SubjectPattern
from lading.proof.revocations import RevocationList
from lading.proof.signing_keys import PublicKey
from lading.proof.tuf_walk import Pin
from lading.services.trust.patterns import spellings
from lading.services.trust_modes import Mode

DAY = 86_400


@dataclass(frozen=True, slots=True)
class KeySigner:
    """Whoever holds a key pair. `name` is what people call it."""

    name: str
    key: PublicKey

    @property
    def id(self) -> str:
        """The same in every rule and every run: what is remembered of a signer stands under it."""
        return self.key.key_id


@dataclass(frozen=True, slots=True)
class IdentitySigner:
    """Whoever an OpenID provider knew by this name when sigstore's authority certified it. `subject` is an address or a
    URI, where `*` stands for anything; `root` is sigstore's trusted root as a file, which says whose word that is."""

    issuer: str
    subject: str
    root: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.subject} ({self.issuer})"

    @property
    def id(self) -> str:
        """As KeySigner.id."""
        return f"identity:{self.issuer} {self.subject}"

    def accepts(self, issuer: str, subject: str) -> bool:
        """Whether this provider's word for this name counts."""
        pattern = ".*".join(re.escape(part) for part in self.subject.split("*"))
        return issuer == self.issuer and re.fullmatch(pattern, subject, re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class CertificateSigner:
    """Whoever has a certificate that leads to one of `roots` (a trust store of notation's); with `subject` only those
    of that name, and with `revocations` only what these do not take back."""

    name: str
    roots: tuple[Certificate, ...] = field(repr=False)
    subject: SubjectPattern | None = None
    revocations: tuple[RevocationList, ...] = field(default=(), repr=False)

    @property
    def id(self) -> str:
        """As KeySigner.id."""
        roots = ",".join(sorted(str(Digest.of(root.der)) for root in self.roots))
        return f"certificate:{roots} {self.subject.text if self.subject else ''}"


@dataclass(frozen=True, slots=True)
class NotarySigner:
    """Whoever may sign the tag by the repository's trust metadata (Notary v1); `pin` is how its root is known."""

    pin: Pin

    @property
    def name(self) -> str:
        """For people."""
        return "notary"

    @property
    def id(self) -> str:
        """As KeySigner.id."""
        return "notary"


Signer = KeySigner | IdentitySigner | CertificateSigner | NotarySigner


@dataclass(frozen=True, slots=True)
class TrustRule:
    """What images of these names need. `max_age` is in seconds; `signed_as` empty: the image's own name."""

    images: tuple[str, ...]
    mode: Mode
    signers: tuple[Signer, ...] = ()
    threshold: int = 1
    bind_tag: bool = False
    max_age: int | None = None
    signed_as: tuple[str, ...] = ()

    def names(self, repository: Repository) -> bool:
        """Whether it is about images of this repository, also where its registry's port is spelled out."""
        return any(fnmatchcase(name, pattern) for name in spellings(repository) for pattern in self.images)

    def accepts_name(self, signed: Repository, asked: Repository) -> bool:
        """Whether a signature made for `signed` counts for `asked`."""
        return signed == asked or any(fnmatchcase(str(signed), pattern) for pattern in self.signed_as)


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Rules in their order."""

    rules: tuple[TrustRule, ...]

    def rule_for(self, repository: Repository) -> TrustRule | None:
        """The one that decides; None: it is not checked."""
        return next((rule for rule in self.rules if rule.names(repository)), None)


def demanding(signers: Sequence[Signer]) -> TrustPolicy:
    """Every image needs a signature of one of these."""
    return TrustPolicy((TrustRule(("*",), Mode.ENFORCE, tuple(signers)),))
