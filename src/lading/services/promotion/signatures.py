"""Promotion by signature: what goes from one of our repositories to another is signed as their trust rules ask.

the target's rule    is held against the signatures that go along, and those that are there; nobody is exempt, as
                     nobody could pull it there
the source's rule    as for every reader
"""

from __future__ import annotations

from lading.oci.descriptor import Descriptor
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.promotion.promotion import Promotion, SignatureGate
from lading.services.trust.own_signatures import OwnSignatures
from lading.services.trust.wanted import SignatureWanted, why_not
from lading.services.trust_modes import Mode


def signed_promotion(signatures: OwnSignatures, trail: Trail) -> SignatureGate:
    """The gate over these signatures; what a rule only reports is put on the trail."""

    def check(actor: Actor, promotion: Promotion, root: Descriptor) -> None:
        if not actor.may(Permission.TRUST_EXEMPT, None, promotion.source):
            held(actor, promotion, root, promotion.source, promotion.tag)
        held(actor, promotion, root, promotion.target, promotion.target_tag, promotion.source)

    def held(actor: Actor, promotion: Promotion, root: Descriptor, repository: str, tag: str, *beside: str) -> None:
        trust = signatures.rule(repository)
        if trust is None:
            return
        verdict = signatures.verdict(trust, repository, tag, root, beside)
        if verdict.trusted:
            return
        why = why_not(verdict)
        if trust.mode is Mode.ENFORCE:
            raise SignatureWanted(promotion.source_name, repository, why)
        details = {"repository": repository, "mode": trust.mode.value, "unsigned": why}
        deed = Deed("judge", "image", str(root.digest), promotion.source_name, details=details)
        trail.record(actor, deed, Result.DONE)

    return check
