"""Verdicts on signatures as JSON: what the REST door answers, jobs tell, and verdict rows keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.errors import LadingError
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.blotting import without_secrets
from lading.services.json_values import Json, iso
from lading.services.trust_modes import Mode

if TYPE_CHECKING:  # rows are read without what verifies signatures
    from lading.services.trust.trust import Found, Judged, Stated, Verdict


def verdict_json(verdict: Verdict, at: float) -> Json:
    """What was found of one image; `at` is when, in seconds since 1970."""
    return {
        "reference": str(verdict.reference),
        "digest": str(verdict.digest),
        "mode": (verdict.rule.mode if verdict.rule else Mode.OFF).value,
        "trusted": verdict.trusted if verdict.checked else None,
        "signers": [signer.name for signer in verdict.signers],
        "signatures": [signature_json(judged) for judged in verdict.signatures],
        "checkedAt": iso(at),
    }


def unanswered_json(reference: Reference, digest: Digest | None, at: float, error: LadingError | None = None) -> Json:
    """The same of an image that no rule is about; or, with the error, that nobody could be asked about."""
    told: Json = {
        "reference": str(reference),
        "digest": str(digest) if digest else None,
        "mode": Mode.OFF.value,
        "trusted": None,
        "signers": [],
        "signatures": [],
        "checkedAt": iso(at),
    }
    return told if error is None else told | {"error": without_secrets(error.afar)}


def stated_json(found: Found, said: Stated | LadingError) -> Json:
    """One signature in the same form, of which nothing is proven: what it says of itself, or why nobody can read it."""
    claim = said.claim if not isinstance(said, LadingError) else None
    return {
        "form": found.form.value,
        "digest": str(found.digest) if found.digest else None,
        "signer": None if isinstance(said, LadingError) else said.who,
        "keyId": None if isinstance(said, LadingError) else said.key_id,
        "repository": str(claim.repository) if claim and claim.repository else None,
        "tag": claim.tag if claim else None,
        "signedAt": iso(claim.signed_at) if claim else None,
        "accepted": False,
        "reason": str(said) if isinstance(said, LadingError) else "it was not held against any key",
    }


def signature_json(judged: Judged) -> Json:
    """One signature. What it says of itself is told only where somebody who is accepted said it."""
    claim, signer = judged.claim, judged.signer
    return {
        "form": judged.form.value,
        "digest": str(judged.digest) if judged.digest else None,
        "signer": signer.name if signer else None,
        "keyId": judged.key_id,
        "repository": str(claim.repository) if claim and claim.repository else None,
        "tag": claim.tag if claim else None,
        "signedAt": iso(claim.signed_at) if claim else None,
        "accepted": judged.refusal is None,
        "reason": judged.refusal,
    }
