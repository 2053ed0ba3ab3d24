"""Signatures read and held against who is accepted: each form tells whose it is in its own way, and what they said.

A form is only asked of signers whose kind it can prove: keys of bundles and of cosign's older form, identities of
bundles, certificates of notation's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from lading.errors import ContentCorrupt
from lading.oci.descriptor import Descriptor
from lading.proof import notation, sigstore_bundle, simple_signing
from lading.proof.base64_text import NotBase64, from_base64
from lading.proof.certificate_chains import ChainRefused
from lading.proof.claims import SignatureForged, SignatureInvalid
from lading.proof.revocations import check_revocations
from lading.proof.signing_keys import PublicKey
from lading.services.trust.policy import CertificateSigner, IdentitySigner, KeySigner, Signer
from lading.services.trust.trust import Attested, Stated


@dataclass(frozen=True, slots=True)
class Identified:
    """What a bundle proved: `payload` was signed by whom `issuer` knew as `subject`, no earlier than `signed_at`, in
    seconds since 1970."""

    issuer: str
    subject: str
    payload: bytes
    signed_at: int


class IdentityProofs(Protocol):
    """Sigstore's way from a bundle to a name: certificates for minutes, logs of signatures, times others vouch for."""

    def identified(self, bundle: bytes, root: bytes) -> Identified:
        """Held against a trusted root that is given, asking nobody. Raises IdentityRefused, TrustedRootInvalid, and
        IdentitiesUnavailable where what it takes is not installed."""


class IdentityRefused(ContentCorrupt):
    """A bundle proves nobody's identity; `reason` completes the sentence."""

    code = "signature_forged"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the signature proves no identity: {self.reason}"


class SignerStrange(ContentCorrupt):
    """A signature proves its signer, and nobody accepts them."""

    code = "signature_forged"

    def __init__(self, who: str) -> None:
        super().__init__(who)
        self.who = who

    def __str__(self) -> str:
        shown = "".join(each if each.isprintable() else "\ufffd" for each in self.who[:160])  # anybody chose that name
        return f"the signer is {shown}, who is not accepted"


def read_bundle(raw: bytes, signers: Sequence[Signer], proofs: IdentityProofs | None) -> Attested:
    """A sigstore bundle: by one of the keys, or by who is certified in it.

    Raises SignatureInvalid, SignatureForged, IdentityRefused, SignerStrange, and what `proofs` raises.
    """
    identities = [signer for signer in signers if isinstance(signer, IdentitySigner)]
    if not (identities and sigstore_bundle.is_certified(raw)):
        claim, key = sigstore_bundle.verify(raw, _keys(signers))
        return Attested(claim, _by_key(signers, key))
    if proofs is None:
        raise IdentityRefused("identities are not looked at here")
    return _by_identity(raw, identities, proofs)


def _by_identity(raw: bytes, signers: Sequence[IdentitySigner], proofs: IdentityProofs) -> Attested:
    """Under each trusted root that is named; a rule has one."""
    strange: ContentCorrupt | None = None
    for root in dict.fromkeys(signer.root for signer in signers):
        proven = proofs.identified(raw, root)
        who = f"{proven.subject} ({proven.issuer})"
        for signer in signers:
            if signer.root == root and signer.accepts(proven.issuer, proven.subject):
                claim = sigstore_bundle.claim_of(proven.payload)
                dated = claim if claim.signed_at is not None else replace(claim, signed_at=proven.signed_at)
                return Attested(dated, signer, who)
        strange = SignerStrange(who)
    raise strange or SignatureForged


def read_simple(payload: bytes, signature: str, signers: Sequence[Signer]) -> Attested:
    """cosign's older form, which only keys make here. Raises SignatureInvalid, SignatureForged."""
    claim, key = simple_signing.verify(payload, signature, _keys(signers))
    return Attested(claim, _by_key(signers, key))


def read_notation(raw: bytes, signers: Sequence[Signer], root: Descriptor, now: float) -> Attested:
    """notation's form: whose certificate leads to an authority that is accepted. It signs the image's size and media
    type as well. Raises SignatureInvalid, SignatureForged, ChainRefused, SignerStrange."""
    refused: ContentCorrupt | None = None
    for signer in (each for each in signers if isinstance(each, CertificateSigner)):
        try:
            signed = notation.verify(raw, signer.roots, now)
            check_revocations(signed.chain, signer.revocations, datetime.fromtimestamp(now, UTC))
        except ChainRefused as error:
            refused = refused or error
            continue
        who = signed.signer.subject
        if signer.subject is not None and not signer.subject.names(signed.signer):
            refused = SignerStrange(who)
        elif signed.claim.digest == root.digest and (signed.media_type, signed.size) != (root.media_type, root.size):
            raise SignatureInvalid("targetArtifact", "says another size or media type than the image has")
        else:
            return Attested(signed.claim, signer, who)
    raise refused or SignatureForged


def stated_bundle(raw: bytes) -> Stated:
    """Raises SignatureInvalid."""
    hint, claim = sigstore_bundle.stated(raw)
    return Stated(claim, _key_id(hint))


def stated_notation(raw: bytes) -> Stated:
    """Raises SignatureInvalid, ChainRefused."""
    signed = notation.stated(raw)
    return Stated(signed.claim, who=signed.signer.subject)


def _key_id(hint: str | None) -> str | None:
    """Of a hint that is a key's hash, as cosign and we write it; others may be any word."""
    try:
        digest = from_base64(hint or "")
    except NotBase64:
        return None
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else None


def _keys(signers: Iterable[Signer]) -> list[PublicKey]:
    return [signer.key for signer in signers if isinstance(signer, KeySigner)]


def _by_key(signers: Iterable[Signer], key: PublicKey) -> KeySigner:
    return next(signer for signer in signers if isinstance(signer, KeySigner) and signer.key == key)
