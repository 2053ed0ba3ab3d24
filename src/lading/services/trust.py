"""Whether an image's signatures satisfy a rule: decided here, from what was found and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from lading.errors import ContentCorrupt, Refused, Side
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.proof.claims import Claim
from lading.proof.signing_keys import PublicKey
from lading.services.trust_policy import Mode, Signer, TrustRule

CLOCKS_APART = 300
"""Seconds that the signer's clock may be ahead of ours."""


class SignatureForm(StrEnum):
    """How a signature is kept beside its image."""

    BUNDLE = "sigstore-bundle"
    SIMPLE = "cosign-sig"


@dataclass(frozen=True, slots=True)
class Found:
    """A signature as it was found, by the digest of what holds it; `verify` reads it with keys, and raises
    ContentCorrupt where it is nobody's of them or was tampered with."""

    form: SignatureForm
    digest: Digest
    verify: Callable[[Sequence[PublicKey]], tuple[Claim, PublicKey]]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a signature counts for: `refusal` None where it counts. Signer and claim are None where no key that is
    accepted made it: what it says is then nobody's word."""

    form: SignatureForm
    digest: Digest
    signer: Signer | None
    claim: Claim | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one image. `rule` None: no rule is about it, and nothing was looked at."""

    reference: Reference
    digest: Digest
    rule: TrustRule | None
    signatures: tuple[Judged, ...]

    @property
    def signers(self) -> tuple[Signer, ...]:
        """Whose signatures count, each once, in the rule's order."""
        counting = {judged.signer for judged in self.signatures if judged.refusal is None}
        return tuple(signer for signer in (self.rule.signers if self.rule else ()) if signer in counting)

    @property
    def counters(self) -> Mapping[str, int]:
        """The highest counter that each key, by its id, signed among what counts."""
        highest: dict[str, int] = {}
        for judged in self.signatures:
            if judged.refusal is None and judged.signer and judged.claim and judged.claim.counter is not None:
                key = judged.signer.key.key_id
                highest[key] = max(highest.get(key, 0), judged.claim.counter)
        return highest

    @property
    def checked(self) -> bool:
        """Whether anything was looked at."""
        return self.rule is not None and self.rule.mode is not Mode.OFF

    @property
    def trusted(self) -> bool:
        """Whether it is what its rule asks for."""
        return self.rule is not None and self.checked and len(self.signers) >= self.rule.threshold

    def enforce(self) -> None:
        """Raises NotTrusted where its rule forbids it."""
        if self.rule is not None and self.rule.mode is Mode.ENFORCE and not self.trusted:
            raise NotTrusted(self)


class NotTrusted(Refused):
    """An image lacks the signatures that a trust policy asks for."""

    side = Side.SOURCE
    code = "not_trusted"
    hint = "Have it signed by who is accepted, or change the trust policy."

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict
        self.why = "; ".join(dict.fromkeys(_refusals(verdict))) or _lack(verdict)

    def __str__(self) -> str:
        reference, rule = self.verdict.reference, self.verdict.rule
        name = f"{reference.repository}" + (f":{reference.tag}" if reference.tag else "") + f"@{self.verdict.digest}"
        if rule is not None and self.verdict.signers:
            return f"{name} has {len(self.verdict.signers)} of the {rule.threshold} signatures it needs"
        return f"{name} has no signature that is accepted"


@dataclass(frozen=True, slots=True)
class Question:
    """What signatures are held against: `digest` is what `reference` stands for, `now` is in seconds since 1970, and
    `seen` the highest counter of the tag that each key, by its id, was seen to sign before."""

    reference: Reference
    digest: Digest
    now: float
    seen: Mapping[str, int]


def judge(asked: Question, rule: TrustRule | None, found: Iterable[Found]) -> Verdict:
    """The signatures are looked at where the rule asks for it."""
    wanted = () if rule is None or rule.mode is Mode.OFF else found
    judged = tuple(_judged(asked, rule, each) for each in wanted if rule is not None)
    return Verdict(asked.reference, asked.digest, rule, judged)


def _judged(asked: Question, rule: TrustRule, found: Found) -> Judged:
    try:
        claim, key = found.verify([signer.key for signer in rule.signers])
    except ContentCorrupt as error:
        return Judged(found.form, found.digest, None, None, str(error))
    signer = next(each for each in rule.signers if each.key == key)
    refusal = next(_objections(asked, rule, claim, asked.seen.get(key.key_id, 0)), None)
    return Judged(found.form, found.digest, signer, claim, refusal)


def _objections(asked: Question, rule: TrustRule, claim: Claim, seen: int) -> Iterator[str]:
    reference, now = asked.reference, asked.now
    if claim.digest != asked.digest:
        yield f"the signature is of another image, {claim.digest}"
    if claim.repository is not None and not rule.accepts_name(claim.repository, reference.repository):
        yield f"the signature was made for another repository, {claim.repository}"
    if rule.bind_tag and claim.repository is None:
        yield "the signature does not say for which repository it was made"
    if rule.bind_tag and (reference.tag is None or claim.tag != reference.tag):
        yield _other_tag(reference.tag, claim.tag)
    if rule.bind_tag and (claim.counter or 0) < seen:
        yield "the tag was moved back: the same key signed it later for what was seen here before"
    if claim.signed_at is not None and claim.signed_at > now + CLOCKS_APART:
        yield f"the signature is dated {_day(claim.signed_at)}, which is to come"
    if rule.max_age is not None:
        if claim.signed_at is None:
            yield "the signature does not say when it was made"
        elif now - claim.signed_at > rule.max_age:
            yield f"the signature of {_day(claim.signed_at)} is too old"


def _other_tag(asked: str | None, signed: str | None) -> str:
    if asked is None:
        return "the tag must be signed, and the image was asked for without one"
    return f"the signature is of the tag {signed}" if signed else "the signature does not bind the tag"


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _lack(verdict: Verdict) -> str:
    """Where nothing is wrong with what is there."""
    if not verdict.signatures:
        return "Nobody signed it, as far as its registry tells."
    return f"It is signed by {', '.join(signer.name for signer in verdict.signers)} alone."


def _refusals(verdict: Verdict) -> Iterable[str]:
    return (judged.refusal for judged in verdict.signatures if judged.refusal)
