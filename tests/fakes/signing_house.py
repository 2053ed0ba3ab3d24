"""A registry with one image, people who sign it in every form, and whoever verifies that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from lading.backends.credentials.seen_counters import SeenCounters
from lading.backends.sigstore_identities.identities import SigstoreIdentities
from lading.engine.cancel import Cancellation
from lading.oci.descriptor import Descriptor
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_EMPTY
from lading.oci.reference import Reference, Repository
from lading.proof import notation, sigstore_bundle
from lading.proof.claims import Claim
from lading.proof.signing_keys import KeyKind, PrivateKey
from lading.proof.tuf_walk import Pin
from lading.services.notary.views import TrustedTag
from lading.services.trust.policy import (
    CertificateSigner,
    IdentitySigner,
    KeySigner,
    NotarySigner,
    TrustPolicy,
    TrustRule,
)
from lading.services.trust.signatures import ImageSignatures
from lading.services.trust.trust import NotTrusted, SignatureForm, Verdict
from lading.services.trust_modes import Mode
from lading.wire.message import Cancel
from tests.fakes.code_signers import Holder, authority, holder
from tests.fakes.images import put_image
from tests.fakes.memory import MemoryRepository
from tests.fakes.notary import Client, NotaryServer
from tests.fakes.places import MemoryPlaces
from tests.fakes.sigstore_instance import ANN as ANN_ADDRESS
from tests.fakes.sigstore_instance import ISSUER, Instance
from tests.fakes.trust_http import TrustService
from tests.fakes.trust_repository import TrustServer

CANCEL = Cancellation()
NOW = 1_790_000_000
TEAM = Repository("registry.test", "team/app")
APP = f"{TEAM}:1"
ANN = PrivateKey.generate(KeyKind.ECDSA_P256, lambda size: bytes(range(size)))
BOB = PrivateKey.generate(KeyKind.ED25519, lambda size: bytes(range(size)))
EVE = PrivateKey.generate(KeyKind.ECDSA_P256, lambda size: bytes(range(1, size + 1)))
BOTH = (SignatureForm.BUNDLE, SignatureForm.SIMPLE)
RULE = TrustRule(("*",), Mode.ENFORCE, (KeySigner("ann", ANN.public), KeySigner("bob", BOB.public)))

SIGSTORE = Instance()
IDENTITY = IdentitySigner(ISSUER, ANN_ADDRESS, SIGSTORE.root)
ROOT = authority("root")
CERTIFIED = CertificateSigner("root.pem", (ROOT.chain[0],))
NOTARY = NotarySigner(Pin(first_use=True))


def rule(*signers: KeySigner | IdentitySigner | CertificateSigner | NotarySigner, threshold: int = 1) -> TrustRule:
    return TrustRule(("*",), Mode.ENFORCE, signers, threshold)


def _notary() -> Client:
    service = TrustService(TrustServer(gun=str(TEAM)), float(NOW))
    return Client(NotaryServer(service), now=float(NOW), repository=TEAM)


@dataclass(frozen=True)
class NotaryOf:
    """Fulfils services.trust.signature_finding.NotaryTags with what a client sees at that moment; `asked` counts."""

    client: Callable[[], Client]
    asked: list[Reference] = field(default_factory=list)

    def resolve(self, reference: Reference, cancel: Cancel, pin: Pin | None = None) -> TrustedTag:
        self.asked.append(reference)
        return self.client().trust.resolve(reference, cancel, pin)


class House:
    """The clock stands. `notary` signs and verifies with the same trust server, each with memories of their own."""

    def __init__(self, folder: Path) -> None:
        self.places, self.now = MemoryPlaces(), float(NOW)
        self.notary = _notary()
        self.reader = Client(self.notary.server, now=float(NOW), repository=TEAM)
        self.asking = NotaryOf(lambda: self.reader)
        seen = SeenCounters(folder / "seen.json")
        make = partial(ImageSignatures, self.places, seen, lambda: self.now)
        self.signatures = make(self.asking, SigstoreIdentities())
        self.keys_alone = make()
        self.image = put_image(self.repository(), tag="1")

    def repository(self, path: str = "team/app") -> MemoryRepository:
        return self.places.registry(Repository("registry.test", path))

    def sign(self, key: PrivateKey = ANN, text: str = APP, forms: tuple[SignatureForm, ...] = BOTH) -> None:
        self.signatures.sign(text, key, forms, CANCEL)

    def sign_at_notary(self, tag: str = "1", image: Descriptor | None = None) -> None:
        self.notary.trust.sign(Reference(TEAM, tag), image or self.image, CANCEL)

    def claim(self, tag: str | None = "1") -> Claim:
        return Claim(self.image.digest, TEAM, tag, None, NOW)

    def certify(self, bundle: bytes) -> None:
        """A bundle of sigstore's put beside the image."""
        self.attach(bundle, sigstore_bundle.BUNDLE, sigstore_bundle.BUNDLE)

    def notarise(self, by: Holder, claim: Claim | None = None, target: Descriptor | None = None) -> None:
        """A signature of notation's put beside the image."""
        envelope = notation.sign(target or self.image, claim or self.claim(), by.private, by.chain)
        self.attach(envelope, notation.ENVELOPE, notation.ARTIFACT)

    def attach(
        self, content: bytes, layer_type: str, artifact_type: str, subject: Descriptor | None = None
    ) -> Descriptor:
        """An artifact that refers to the image."""
        store = self.repository()
        config, layer = store.put(b"{}", OCI_EMPTY), store.put(content, layer_type)
        manifest = Manifest.build(config, [layer], artifact_type=artifact_type, subject=subject or self.image)
        store.put(manifest.raw, manifest.media_type)
        described = manifest.descriptor()
        store.held[described.digest] = described
        return described

    def verify(self, rule: TrustRule = RULE, text: str = APP) -> Verdict:
        return self.signatures.verify(text, TrustPolicy((rule,)), CANCEL)

    def refusal(self, rule: TrustRule = RULE, text: str = APP) -> NotTrusted:
        with pytest.raises(NotTrusted) as refused:
            self.verify(rule, text).enforce()
        return refused.value

    def moved(self, path: str) -> None:
        """All content and names of the repository, in another."""
        other = self.repository(path)
        other.blobs |= self.repository().blobs
        other.held |= self.repository().held
        other.names |= self.repository().names


def certified(name: str = "ann", by: Holder = ROOT, days: tuple[int, int] = (-1, 365)) -> Holder:
    """A person with a certificate of the house's authority."""
    return holder(by, days=days, C="DE", O="Corp", CN=name)
