"""Our own registry with images that people signed, accepted keys, trust rules, and everybody who asks about them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.engine.stores import Outcome, Track, untold
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_EMPTY, OCI_LAYER_GZIP, is_document
from lading.oci.reference import Repository
from lading.proof.claims import Claim
from lading.proof.signing_keys import PrivateKey
from lading.services.access import Actor, Grant
from lading.services.promotion.promotion import Promotions
from lading.services.promotion.signatures import signed_promotion
from lading.services.repositories import decisions
from lading.services.repositories.lookups import Unsteady
from lading.services.repositories.own_repository import OwnRepository
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.trust import RepositoryTrust
from lading.services.trust.gates import TrustGate
from lading.services.trust.key_records import TrustKeyRow
from lading.services.trust.own_signatures import OwnSignatures
from lading.services.trust.signature_finding import NotaryTags
from lading.services.trust.signature_putting import put_bundle, put_simple
from lading.services.trust.trust import SignatureForm
from lading.services.trust_modes import Mode
from lading.wire.message import BytesContent, Cancel, Content
from tests.fakes.clock import WaitingClock
from tests.fakes.environment_records import KeptTrail
from tests.fakes.records import MemoryLeases
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.signing_house import ANN, BOB, CANCEL, NOW

PEOPLE = {"ann": ANN, "bob": BOB}
HERE = "registry.test"
PULLER = Actor("eve", (Grant(frozenset({"*"})),), user=7)
SCANNER = Actor("scan", (Grant(frozenset({"repositories:pull", "trust:exempt"})),), user=8)
BY_ANN = RepositoryTrust(Mode.ENFORCE, ("ann",))


class MemoryKeys:
    """Fulfils TrustKeyRecords, as far as rules need it."""

    def all_keys(self) -> Sequence[TrustKeyRow]:
        return [
            TrustKeyRow(number, name, key.public.pem.decode(), key.public.key_id, 0.0, "ada")
            for number, (name, key) in enumerate(PEOPLE.items(), 1)
        ]

    def key(self, id: int) -> TrustKeyRow | None:  # noqa: A002  the protocol's word
        return next((row for row in self.all_keys() if row.id == id), None)

    def add_key(self, make: Callable[[int], TrustKeyRow]) -> TrustKeyRow:
        raise NotImplementedError(make)

    def remove_key(self, id: int) -> bool:  # noqa: A002  the protocol's word
        raise NotImplementedError(id)


class Filled(OwnRepository):
    """Takes bytes as well, as an upload does."""

    def __init__(self, repositories: Repositories, content: ContentFolder, path: str) -> None:
        super().__init__(repositories, path)
        self._bytes = content

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        if not is_document(descriptor.media_type):
            self._bytes.push(descriptor, content, track, cancel)
        return super().push(descriptor, content, track, cancel)


class OwnHouse:
    """The clock stands unless a test moves it; nothing is remembered between two questions."""

    def __init__(self, folder: Path, notary: NotaryTags | None = None) -> None:
        self.now, self.content = float(NOW), ContentFolder(folder / "content", MemoryLeases())
        accepted = {name: key.public.key_id for name, key in PEOPLE.items()}
        self.records, self.trail, self.clock = MemoryRecords(accepted), KeptTrail(), WaitingClock()
        self.repositories = Repositories(self.records, self.content, clock=lambda: self.now)
        keys = MemoryKeys()
        self.signatures = OwnSignatures(self.repositories, self.records, keys, notary, lambda: self.now, registry=HERE)
        self.gate = TrustGate(
            self.signatures, self.repositories, self.records, Unsteady(), self.trail, clock=self.clock
        )
        signed = signed_promotion(self.signatures, self.trail)
        self.promotions = Promotions(self.repositories, self.records, self.trail, signed=signed)

    def close(self) -> None:
        self.content.close()

    def store(self, path: str = "team/app") -> Filled:
        return Filled(self.repositories, self.content, path)

    def rule(self, trust: RepositoryTrust | None, path: str = "team/app") -> None:
        self.repositories.change(path, decisions.set_trust(trust))

    # ── images

    def image(
        self,
        name: str,
        *tags: str,
        path: str = "team/app",
        subject: Descriptor | None = None,
        config_type: str = OCI_CONFIG,
        layer_type: str = OCI_LAYER_GZIP,
        layer: bytes = b"",
    ) -> Descriptor:
        said = b"{}" if config_type == OCI_EMPTY else f'{{"os": "{name}"}}'.encode()
        config = self._blob(path, said, config_type)
        files = self._blob(path, layer or f"layer of {name}".encode(), layer_type)
        return self._manifest(path, Manifest.build(config, [files], subject=subject), tags)

    def index(
        self,
        *children: Descriptor,
        tags: Collection[str] = (),
        path: str = "team/app",
        subject: Descriptor | None = None,
    ) -> Descriptor:
        return self._manifest(path, Index.build(list(children), subject=subject), tags)

    def sign(
        self,
        root: Descriptor,
        key: PrivateKey = ANN,
        *,
        tag: str | None = "1",
        form: SignatureForm = SignatureForm.BUNDLE,
        signed_as: str = "127.0.0.1:5000/team/app",
        path: str = "team/app",
    ) -> Digest:
        registry, _, rest = signed_as.partition("/")
        claim = Claim(root.digest, Repository(registry, rest), tag, int(self.now), int(self.now))
        put = put_bundle if form is SignatureForm.BUNDLE else put_simple
        return put(self.store(path), root, claim, key, CANCEL)

    def _blob(self, path: str, raw: bytes, media_type: str) -> Descriptor:
        descriptor = Descriptor(media_type, Digest.of(raw), len(raw))
        self.store(path).push(descriptor, BytesContent(raw), untold, CANCEL)
        return descriptor

    def _manifest(self, path: str, document: Manifest | Index, tags: Collection[str]) -> Descriptor:
        root = replace(document.descriptor(), annotations={}, artifact_type=None)
        self.repositories.put_manifest(path, root.digest, document.raw, root.media_type, cancel=CANCEL, tags=tags)
        return root

    # ── asking

    def ask(self, reference: str | Digest, actor: Actor = PULLER, path: str = "team/app") -> None:
        """As the registry does before it gives something away."""
        found = self.repositories.manifest(path, reference)
        if self.gate.asks(path):
            self.gate.check(actor, path, reference, found)


def own_house(folder: Path) -> Iterator[OwnHouse]:
    """For a fixture."""
    house = OwnHouse(folder)
    yield house
    house.close()
