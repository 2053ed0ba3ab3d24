"""Signatures of images: made at a registry, and held against a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.engine.reach import read_checked
from lading.errors import ContentCorrupt, Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import MANIFEST_LIMIT
from lading.oci.reference import Reference
from lading.proof.claims import Claim, SignatureInvalid
from lading.proof.signing_keys import PrivateKey, PublicKey
from lading.services.content.stores import FullStore, RegistryStores
from lading.services.places import Named
from lading.services.trust.policy import TrustPolicy, TrustRule
from lading.services.trust.signature_finding import Finding, NotaryTags
from lading.services.trust.signature_putting import put_bundle, put_simple
from lading.services.trust.signature_reading import IdentityProofs
from lading.services.trust.trust import Found, Question, SignatureForm, State, Stated, Verdict, judge
from lading.services.trust_modes import Mode
from lading.wire.message import Cancel


class TagElsewhere(Refused):
    """A name with tag and digest that do not go together: the tag must not be signed for another image."""

    hint = "Leave out the digest, or the tag."

    def __init__(self, reference: Reference, holds: Digest) -> None:
        super().__init__(reference, holds)
        self.reference, self.holds = reference, holds

    def __str__(self) -> str:
        return f"the tag {self.reference.tag} of {self.reference.repository} is {self.holds}"


@dataclass(frozen=True, slots=True)
class Signed:
    """What `sign` did; `signatures` are the digests of what now lies beside the image."""

    reference: Reference
    digest: Digest
    key: PublicKey
    signatures: tuple[tuple[SignatureForm, Digest], ...]


class Counters(Protocol):
    """The highest counters seen of tags that had to be signed, so that none is moved back unnoticed."""

    def highest(self, reference: Reference) -> Mapping[str, int]:
        """Of this tag, by the ids of signers. Raises StorageFailed."""

    def remember(self, reference: Reference, counters: Mapping[str, int]) -> None:
        """None ever becomes lower. Raises StorageFailed."""


class ImageSignatures:
    """`now` gives seconds since 1970; `notary` and `identities` prove what they are named for, and without them such
    signatures count for nothing."""

    def __init__(
        self,
        stores: RegistryStores,
        counters: Counters,
        now: Callable[[], float],
        notary: NotaryTags | None = None,
        identities: IdentityProofs | None = None,
    ) -> None:
        self._stores, self._counters, self._now = stores, counters, now
        self._notary, self._identities = notary, identities

    def sign(self, text: str, key: PrivateKey, forms: Sequence[SignatureForm], cancel: Cancel) -> Signed:
        """Sign what a registry has under a name, with the tag where it has one.

        The digest is computed from the bytes that are there. Raises TagUnknown, TagElsewhere, ReferenceInvalid.
        """
        reference = Named(text).reference
        store = self._stores.registry(reference.repository, cancel, writes=True)
        return self.sign_at(store, reference, _root(store, reference), key, forms=forms, cancel=cancel)

    def sign_at(
        self,
        store: FullStore,
        reference: Reference,
        root: Descriptor,
        key: PrivateKey,
        *,
        forms: Sequence[SignatureForm],
        cancel: Cancel,
    ) -> Signed:
        """Sign what the store has under its digest as what the reference is to stand for: its tag need not be there."""
        seconds = int(self._now())
        counter = seconds if reference.tag else None
        claim = Claim(root.digest, reference.repository, reference.tag, counter, seconds)
        put = {SignatureForm.BUNDLE: put_bundle, SignatureForm.SIMPLE: put_simple}
        signatures = tuple((form, put[form](store, root, claim, key, cancel)) for form in forms)
        return Signed(reference, root.digest, key.public, signatures)

    def held(self, text: str, cancel: Cancel) -> tuple[Reference, Descriptor]:
        """What a registry has under a name, as `sign` takes it. Raises TagUnknown, TagElsewhere, ReferenceInvalid."""
        reference = Named(text).reference
        return reference, _root(self._stores.registry(reference.repository, cancel), reference)

    def stated(self, text: str, cancel: Cancel) -> Iterator[tuple[Found, Stated | ContentCorrupt]]:
        """All signatures that lie beside what a registry has under a name, with what each says of itself, or why it
        cannot be read: none is held against anything. Raises as `held`, and what the registry does."""
        reference = Named(text).reference
        store = self._stores.registry(reference.repository, cancel)
        root = _root(store, reference)
        for found in Finding(store, reference, root, self._now(), None, None, cancel).signatures(_LISTED):
            if found.state is not None:
                yield found, _stated(found.state, root)

    def verify(self, text: str, policy: TrustPolicy, cancel: Cancel) -> Verdict:
        """Resolve a name once, and hold the signatures of what it stands for against the policy.

        The verdict says what was found; `Verdict.enforce` raises. Where the tag must be signed, what was accepted is
        remembered. A registry that cannot be asked raises here: an answer that is missing says nothing of the image.
        """
        reference = Named(text).reference
        return self.verify_at(self._stores.registry(reference.repository, cancel), reference, policy, cancel)

    def verify_at(self, store: FullStore, reference: Reference, policy: TrustPolicy, cancel: Cancel) -> Verdict:
        """The same, in a repository that is open already."""
        root, rule = _root(store, reference), policy.rule_for(reference.repository)
        bound = rule is not None and rule.bind_tag and reference.tag is not None
        asked = Question(reference, root.digest, self._now(), self._counters.highest(reference) if bound else {})
        finding = Finding(store, reference, root, asked.now, self._notary, self._identities, cancel)
        verdict = judge(asked, rule, finding.signatures(rule) if rule else ())
        if bound and verdict.trusted and (counters := verdict.counters):
            self._counters.remember(reference, counters)
        return verdict


def _stated(state: State, root: Descriptor) -> Stated | ContentCorrupt:
    try:
        said = state()
    except ContentCorrupt as error:
        return error
    if said.claim.digest != root.digest:
        return SignatureInvalid("the digest", f"is of another image, {said.claim.digest}")
    return said


_LISTED = TrustRule(("*",), Mode.REPORT)
"""Every signature is found, as nobody is named whose would count."""


def _root(store: FullStore, reference: Reference) -> Descriptor:
    """What the name stands for, its bytes read and held against the digest."""
    root = store.resolve(reference.tag or reference.digest or "")
    if reference.digest is not None and root.digest != reference.digest:
        raise TagElsewhere(reference, root.digest)
    if root.size > MANIFEST_LIMIT:
        raise SignatureInvalid("the content", f"has {root.size} bytes; {MANIFEST_LIMIT} are allowed")
    read_checked(root, store.open(root))
    return Descriptor(root.media_type, root.digest, root.size)
