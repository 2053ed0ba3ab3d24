"""A house whose transfers are held to content trust, with a trust server that is played."""

from __future__ import annotations

from dataclasses import dataclass, field

from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.proof.signing_keys import KeyKind, PrivateKey
from lading.proof.tuf_refusals import DigestSwapped, TagUnsigned
from lading.proof.tuf_walk import Pin
from lading.services.notary.views import TagSigned, TrustedTag
from lading.services.transfers.transfers import Moved, Options
from lading.services.trust.content_trust import ContentTrust, OwnKey
from lading.services.trust.policy import KeySigner, NotarySigner, TrustPolicy, TrustRule
from lading.services.trust.signatures import ImageSignatures
from lading.services.trust.transfer_trust import Settled
from lading.services.trust.trust import SignatureForm
from lading.services.trust_modes import Mode
from lading.wire.message import Cancel
from lading.wire.progress import Noted
from tests.fakes.application import SeenInMemory
from tests.fakes.memory import MemoryRepository
from tests.services.transferring import REF, House

NOW = 1_790_000_000.0
OURS = PrivateKey.generate(KeyKind.ECDSA_P256, lambda size: bytes(range(size)))
EVE = PrivateKey.generate(KeyKind.ECDSA_P256, lambda size: bytes(range(1, size + 1)))
CANCEL = Cancellation()
BUNDLES = (SignatureForm.BUNDLE,)
OTHER = "other.test/web:1"
OURS_ALONE = (KeySigner("ours", OURS.public),)


def rule(mode: Mode, images: str = "*", *signers: KeySigner | NotarySigner) -> TrustPolicy:
    return TrustPolicy((TrustRule((images,), mode, signers or OURS_ALONE),))


@dataclass
class PlayedNotary:
    """A trust server and its keys: what it was told is signed. `lacking` is what keeps its keys from signing."""

    signed: dict[str, Descriptor] = field(default_factory=dict)
    broken: LadingError | None = None
    lacking: LadingError | None = None
    asked: list[Pin | None] = field(default_factory=list)

    def prepare(self, reference: Reference, cancel: Cancel) -> None:
        if self.lacking:
            raise self.lacking

    def sign(self, reference: Reference, manifest: Descriptor, cancel: Cancel) -> TagSigned:
        if self.broken:
            raise self.broken
        first = not self.signed
        self.signed[f"{reference.repository}:{reference.tag}"] = manifest
        return TagSigned(reference, manifest.digest, ("targets",), first)

    def resolve(self, reference: Reference, cancel: Cancel, pin: Pin | None = None) -> TrustedTag:
        self.asked.append(pin)
        if self.broken:
            raise self.broken
        gun, tag = str(reference.repository), reference.tag or ""
        found = self.signed.get(f"{gun}:{tag}")
        if found is None:
            raise TagUnsigned(gun, tag)
        if reference.digest is not None and reference.digest != found.digest:
            raise DigestSwapped(gun, "targets", tag, found.digest, reference.digest)
        return TrustedTag(reference.repository, tag, found.digest, found.size, "targets", frozenset(), ())


class Trusting(House):
    """A house with content trust; `order` is what its registry was told, as it happened."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.notary, self.opened = NOW, PlayedNotary(), 0
        self.signatures = ImageSignatures(self.places, SeenInMemory(), lambda: self.now, self.notary)

    def trust(
        self,
        *,
        switched: bool = True,
        policy: TrustPolicy | None = None,
        key: PrivateKey | None = OURS,
        trust_server: bool = False,
        forms: tuple[SignatureForm, ...] = BUNDLES,
    ) -> ContentTrust:
        own = None if key is None else OwnKey(lambda: key.public, lambda: self._open(key), forms)
        return ContentTrust(
            self.signatures,
            lambda: self.notary,
            policy=policy,
            switched=switched,
            own_key=own,
            trust_server=trust_server,
        )

    def _open(self, key: PrivateKey) -> PrivateKey:
        self.opened += 1
        return key

    def sign(self, text: str = REF, key: PrivateKey = OURS) -> None:
        self.signatures.sign(text, key, BUNDLES, CANCEL)

    def notes(self) -> list[str]:
        return [each.text for each in self.events if isinstance(each, Noted)]

    def signatures_of(self, root: Digest, place: MemoryRepository | None = None) -> int:
        """How many lie beside it."""
        return len(list((place or self.web).referrers(root)))


def pulled(house: Trusting, trust: ContentTrust | Settled, text: str = REF) -> Moved:
    return house.pull(text, Options(trust=trust))
