"""Content trust: what is pulled was signed by who is accepted, and what is pushed is signed before its tag moves.

Which rule decides about a name:

    the policy names it ────────────────> that rule; `off` and `report` too, which somebody wrote on purpose
    else, the switch is on ─────────────> the built-in rule: enforce, the tag bound
    else ───────────────────────────────> nothing is asked

The built-in rule accepts the key that pushes sign with, where the setting `trust-key` names one; and Notary's metadata
of the repository, its root known by first use, where none is named or a trust server is. A name that is a digest alone
passes it: whoever wrote it down has said already what comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lading.errors import InputInvalid, NotFound
from lading.oci.descriptor import Descriptor
from lading.oci.reference import Reference, Repository
from lading.proof.signing_keys import PrivateKey, PublicKey
from lading.proof.tuf_walk import Pin
from lading.services.content.stores import FullStore
from lading.services.environments.orders import SignTags
from lading.services.notary.views import TagSigned
from lading.services.trust.policy import KeySigner, NotarySigner, Signer, TrustPolicy, TrustRule
from lading.services.trust.signatures import ImageSignatures
from lading.services.trust.trust import NotTrusted, SignatureForm, Verdict
from lading.services.trust_modes import Mode
from lading.wire.message import Cancel
from lading.wire.progress import Noted, Report


class SigningKeyMissing(InputInvalid):
    """A push has to be signed, and there is no key to sign it with."""

    code = "signing_key_missing"
    hint = "Name a private key in the setting trust-key, or have the trust policy accept what Notary says."
    command = "Name a private key in the setting trust-key: lading trust key generate NAME makes one"

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self.repository = repository

    def __str__(self) -> str:
        return f"what is pushed to {self.repository} must be signed, and no key is set"


class NotarySigning(Protocol):
    """Signs tags in the trust metadata of their repositories (Notary v1); services.notary.notary fulfils it."""

    def prepare(self, reference: Reference, cancel: Cancel) -> None:
        """Raises what would keep the tag of `reference` from being signed now: no key that may, a wrong passphrase."""

    def sign(self, reference: Reference, manifest: Descriptor, cancel: Cancel) -> TagSigned:
        """The tag of `reference` stands for `manifest` from now on. Raises what keeps it from that."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """The key pair of the setting `trust-key`, each half read when it is asked for: `private` may need a passphrase.
    `forms` are how its signatures are written; `name` is what people are told of who signed with it."""

    public: Callable[[], PublicKey]
    private: Callable[[], PrivateKey]
    forms: tuple[SignatureForm, ...] = (SignatureForm.BUNDLE,)
    name: str = "trust-key"

    @property
    def signer(self) -> KeySigner:
        """Whoever holds it."""
        return KeySigner(self.name, self.public())


class ContentTrust:
    """Fulfils services.trust.transfer_trust.TransferTrust. `switched` of one call adds to the switch, takes nothing
    away."""

    def __init__(
        self,
        signatures: ImageSignatures,
        notary: Callable[[], NotarySigning],
        *,
        policy: TrustPolicy | None = None,
        switched: bool = False,
        own_key: OwnKey | None = None,
        trust_server: bool = False,
    ) -> None:
        """`trust_server`: somebody named one, so the built-in rule asks it though there is a key as well."""
        self._signatures, self._notary, self._own_key = signatures, notary, own_key
        self._policy, self._switched = policy or TrustPolicy(()), switched
        self._by_notary = own_key is None or trust_server

    @property
    def switched(self) -> bool:
        """Whether the switch is on."""
        return self._switched

    def rule_for(self, repository: Repository) -> TrustRule | None:
        """What the policy says of images there; None: nothing."""
        return self._policy.rule_for(repository)

    # ── what is read

    def asks(self, reference: Reference, switched: bool = False) -> bool:
        """Whether signatures are looked at before this is pulled; answers from memory."""
        rule = self._policy.rule_for(reference.repository)
        if rule is not None:
            return rule.mode is not Mode.OFF
        return (self._switched or switched) and _has_tag(reference)

    def verify(self, reference: Reference, cancel: Cancel, switched: bool = False) -> Verdict:
        """The name resolved once, and held against its rule: the verdict's digest is what to pull, and its `enforce`
        says no. Raises what keeps a registry or a trust server from answering."""
        policy = self._policy
        if policy.rule_for(reference.repository) is None and self.asks(reference, switched):
            policy = TrustPolicy((self._built_in(),))
        return self._signatures.verify(str(reference), policy, cancel)

    def verified(self, reference: Reference, report: Report, cancel: Cancel) -> Reference:
        if not self.asks(reference):
            return reference
        verdict = self.verify(reference, cancel)
        verdict.enforce()
        report(Noted(str(reference), _told(verdict), warning=not verdict.trusted))
        return replace(reference, digest=verdict.digest)

    def _built_in(self) -> TrustRule:
        signers: list[Signer] = []
        if self._own_key is not None:
            signers.append(self._own_key.signer)
        if self._by_notary:
            signers.append(NotarySigner(Pin(first_use=True)))
        return TrustRule(("*",), Mode.ENFORCE, tuple(signers), bind_tag=True)

    # ── what arrives

    def signs(self, repository: Repository, switched: bool = False) -> bool:
        """Whether what is pushed there is signed; answers from memory."""
        rule = self._policy.rule_for(repository)
        return (self._switched or switched) and (rule is None or rule.mode is not Mode.OFF)

    def signing(self, repository: Repository, report: Report, cancel: Cancel) -> SignTags | None:
        if not self.signs(repository):
            return None
        self.check_key(repository)
        if self._own_key is not None:
            self._own_key.private()  # before anything moves: somebody may have to be asked, and the answer be wrong

        def sign(references: Sequence[Reference], root: Descriptor, store: FullStore) -> None:
            for told in self.sign(references, root, store, cancel):
                report(Noted(str(repository), told))

        return sign

    def prepare(self, references: Sequence[Reference], cancel: Cancel) -> None:
        """Asks the trust server whose keys may sign, and opens them. Raises SigningKeyMissing, SignerMissing, what
        opening keys raises, and what keeps the trust server from answering."""
        self.check_key(references[0].repository)
        if self._signs_by_notary(references[0].repository):
            notary = self._notary()
            for reference in references:
                if reference.tag is not None:
                    notary.prepare(reference, cancel)

    def check_key(self, repository: Repository) -> None:
        """Raises SigningKeyMissing where nothing could sign for it."""
        if self._own_key is None and not self._signs_by_notary(repository):
            raise SigningKeyMissing(repository)

    def sign(
        self, references: Sequence[Reference], root: Descriptor, store: FullStore, cancel: Cancel
    ) -> Sequence[str]:
        """Sign `root`, whose content is in `store` by its digest, for tags of one repository; answers what was done,
        for people. A tag that stands and is signed is left alone. Raises SigningKeyMissing, what opening the key raises
        and what the registry and the trust server do."""
        repository = references[0].repository
        self.check_key(repository)
        done: list[str] = []
        if self._own_key is not None:
            unsigned = [each for each in references if not self._stands(each, root, store, cancel)]
            if unsigned:
                key = self._own_key.private()
                for reference in unsigned:
                    self._signatures.sign_at(store, reference, root, key, forms=self._own_key.forms, cancel=cancel)
                done.append(f"signed with key {key.public.key_id[:12]}")
        if self._signs_by_notary(repository):
            notary = self._notary()
            tags = [notary.sign(each, root, cancel) for each in references if each.tag is not None]
            done.extend(["signed at the trust server"] if tags else [])
            if any(each.initialised for each in tags):
                done.append("nobody signed there before: keep a copy of the root key, which nothing brings back")
        return done

    def _signs_by_notary(self, repository: Repository) -> bool:
        rule = self._policy.rule_for(repository)
        if rule is None:
            return self._by_notary
        return any(isinstance(signer, NotarySigner) for signer in rule.signers)

    def _stands(self, reference: Reference, root: Descriptor, store: FullStore, cancel: Cancel) -> bool:
        """Whether the tag is this image already, with our signature: whoever pushes the same again and again would heap
        up signatures. A tag that comes back from elsewhere is signed anew, for its counter must be the highest."""
        if reference.tag is None or self._own_key is None:
            return False
        rule = TrustRule(("*",), Mode.ENFORCE, (self._own_key.signer,), bind_tag=True)
        by_tag = replace(reference, digest=None)
        try:
            verdict = self._signatures.verify_at(store, by_tag, TrustPolicy((rule,)), cancel)
        except NotFound:
            return False
        counting = {judged.form for judged in verdict.signatures if judged.refusal is None}
        return verdict.digest == root.digest and counting.issuperset(self._own_key.forms)


def _told(verdict: Verdict) -> str:
    if verdict.trusted:
        return f"signed by {', '.join(signer.name for signer in verdict.signers)}"
    refused = NotTrusted(verdict)
    return f"not trusted: {refused}: {refused.why}"


def _has_tag(reference: Reference) -> bool:
    """A name without anything stands for `latest`."""
    return reference.tag is not None or reference.digest is None
