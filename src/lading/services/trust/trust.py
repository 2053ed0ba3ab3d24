"""Whether an image's signatures satisfy a rule: decided here, from what was found and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from lading.errors import ContentCorrupt, LadingError, Refused, Side
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.proof.claims import Claim
from lading.services.trust.policy import KeySigner, Signer, TrustRule
from lading.services.trust_modes import Mode

CLOCKS_APART = 300
"""Seconds that the signer's clock may be ahead of ours."""


class SignatureForm(StrEnum):
    """How a signature is kept beside its image."""

    BUNDLE = "sigstore-bundle"
    SIMPLE = "cosign-sig"
    NOTATION = "notation"
    NOTARY = "notary"


@dataclass(frozen=True, slots=True)
class Attested:
    """What a signature says, and which of the signers that are accepted made it; `who` they are by their certificate,
    or by Notary's role, None where the signer is one key."""

    claim: Claim
    signer: Signer
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """What a signature says of itself, which nobody has proven: by which key it is, or whose certificate, and what it
    claims."""

    claim: Claim
    key_id: str | None = None
    who: str | None = None


State = Callable[[], Stated]

Verify = Callable[[Sequence[Signer]], Attested]


@dataclass(frozen=True, slots=True)
class Found:
    """A signature as it was found, by the digest of what holds it beside the image, None where it lies elsewhere.
    `verify` says which of these signers made it, and raises SignatureRefused or ContentCorrupt where none did, or where
    it was tampered with. `state` is what it says to who believes nothing, and raises ContentCorrupt; None where it is
    somebody else who would say it."""

    form: SignatureForm
    digest: Digest | None
    verify: Verify
    state: State | None = None


class SignatureRefused(Refused):
    """A signature that counts for nothing; `reason` is the sentence that says why."""

    side = Side.SOURCE
    code = "signature_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class SignerSilent(SignatureRefused):
    """Whoever knows of a signature did not answer, `error` says why: nobody can say whether there is one."""

    def __init__(self, reason: str, error: LadingError) -> None:
        super().__init__(reason)
        self.error = error


@dataclass(frozen=True, slots=True)
class Judged:
    """What a signature counts for: `refusal` None where it counts. Signer and claim are None where nobody who is
    accepted made it: what it says is then nobody's word. `silence` is what kept anybody from saying so."""

    form: SignatureForm
    digest: Digest | None
    signer: Signer | None
    claim: Claim | None
    refusal: str | None
    who: str | None = None
    silence: LadingError | None = None

    @property
    def key_id(self) -> str | None:
        """Of the key that made it, where one key is who is accepted."""
        return self.signer.key.key_id if isinstance(self.signer, KeySigner) else None


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
    def refusals(self) -> tuple[str, ...]:
        """Why signatures do not count, each reason once, in the order in which they were found."""
        return tuple(dict.fromkeys(judged.refusal for judged in self.signatures if judged.refusal))

    @property
    def counters(self) -> Mapping[str, int]:
        """The highest counter that each signer, by its id, signed among what counts."""
        highest: dict[str, int] = {}
        for judged in self.signatures:
            if judged.refusal is None and judged.signer and judged.claim and judged.claim.counter is not None:
                signer = judged.signer.id
                highest[signer] = max(highest.get(signer, 0), judged.claim.counter)
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
        """Raises NotTrusted where its rule forbids it; or why nobody can say, where that might have changed it."""
        if self.rule is not None and self.rule.mode is Mode.ENFORCE and not self.trusted:
            raise next((judged.silence for judged in self.signatures if judged.silence), NotTrusted(self))


class NotTrusted(Refused):
    """An image lacks the signatures that a trust policy asks for."""

    side = Side.SOURCE
    code = "not_trusted"
    hint = "Have it signed by who is accepted, or change the trust policy."

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict
        self.why = "; ".join(verdict.refusals) or _lack(verdict)

    def __str__(self) -> str:
        reference, rule = self.verdict.reference, self.verdict.rule
        name = f"{reference.repository}" + (f":{reference.tag}" if reference.tag else "") + f"@{self.verdict.digest}"
        if rule is not None and self.verdict.signers:
            return f"{name} has {len(self.verdict.signers)} of the {rule.threshold} signatures it needs"
        return f"{name} has no signature that is accepted"


@dataclass(frozen=True, slots=True)
class Question:
    """What signatures are held against: `digest` is what `reference` stands for, `now` is in seconds since 1970, and
    `seen` the highest counter of the tag that each signer, by its id, was seen to sign before."""

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
        said = found.verify(rule.signers)
    except (ContentCorrupt, SignatureRefused) as error:
        silence = error.error if isinstance(error, SignerSilent) else None
        return Judged(found.form, found.digest, None, None, str(error), silence=silence)
    refusal = next(_objections(asked, rule, said.claim, asked.seen.get(said.signer.id, 0)), None)
    return Judged(found.form, found.digest, said.signer, said.claim, refusal, said.who)


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
        yield "the tag was moved back: the same signer signed it later for what was seen here before"
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
