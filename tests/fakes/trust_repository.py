"""A repository with trust metadata for tests: keys that are the same in every run, and a server that keeps files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.proof.signing_keys import KeyKind, PrivateKey
from lading.proof.tuf_build import Collection, changed, initialise
from lading.proof.tuf_certificates import root_signer
from lading.proof.tuf_json import Signed
from lading.proof.tuf_keys import SigningKey
from lading.proof.tuf_metadata import Root
from lading.proof.tuf_publish import ServerKeys, accept
from lading.proof.tuf_roles import ROOT
from lading.proof.tuf_trusted import Trusted, TrustMemory
from lading.proof.tuf_walk import Pin, Wanted, drive, walk

GUN = "registry.example/team/app"
NOW = 1_795_320_000.0
"""2026-11-22 04:00 UTC, in seconds since 1970."""

FIRST_USE = Pin(first_use=True)


def private(name: str, kind: KeyKind = KeyKind.ECDSA_P256) -> PrivateKey:
    """The key of that name, the same every time."""
    return PrivateKey.generate(kind, lambda count: hashlib.shake_128(name.encode()).digest(count))


def signer(name: str, kind: KeyKind = KeyKind.ECDSA_P256) -> SigningKey:
    """Whoever signs with the key of that name."""
    return SigningKey(private(name, kind))


def rooted(name: str, gun: str = GUN, now: float = NOW) -> SigningKey:
    """A root key for the repository `gun`."""
    return root_signer(private(name), gun, now, hashlib.sha256(name.encode()).digest())


def manifest(text: str) -> Descriptor:
    """Some manifest; another for every text."""
    raw = text.encode()
    digest = Digest(Algorithm.SHA256, hashlib.sha256(raw).hexdigest())
    return Descriptor("application/vnd.oci.image.manifest.v1+json", digest, len(raw))


SERVER = ServerKeys((signer("timestamp", KeyKind.ED25519),), (signer("snapshot"),))


def new_collection(threshold: int = 1, gun: str = GUN, now: float = NOW) -> Collection:
    """A new repository with two root keys, and the owner's targets key."""
    roots = [rooted("root", gun, now), rooted("root two", gun, now)]
    if threshold == 1:
        roots = roots[:1]
    timestamp, snapshot = SERVER.timestamp[0].key, SERVER.snapshot[0].key
    owner = [signer("owner")]
    return initialise(gun, roots, owner, now, snapshot=snapshot, timestamp=timestamp, threshold=threshold)


@dataclass
class TrustServer:
    """Keeps what was published, as a trust server does: the newest of every role, and every root."""

    gun: str = GUN
    keys: ServerKeys = SERVER
    files: dict[str, bytes] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)

    def publish(self, update: dict[str, bytes], now: float = NOW) -> None:
        """Take an update, or raise why not."""
        self.files |= accept(self.gun, self.files, update, self.keys, now)
        root = Root.read(Signed.read(self.files[ROOT], ROOT))
        self.roots[root.version] = self.files[ROOT]

    def publish_all(self, collection: Collection, now: float = NOW) -> Collection:
        """Publish what changed, and give the collection as it is then."""
        self.publish(changed(Collection(self.gun, self.files), collection), now)
        return Collection(self.gun, dict(self.files))

    def fetch(self, wanted: Wanted) -> bytes | None:
        """The file of that name."""
        if wanted.version is not None:
            return self.roots.get(wanted.version)
        return self.files.get(wanted.role)

    def walk(self, memory: TrustMemory | None = None, pin: Pin | None = FIRST_USE, now: float = NOW) -> Trusted:
        """What a client sees."""
        return drive(walk(self.gun, now, memory, pin), self.fetch)


def published(threshold: int = 1) -> tuple[TrustServer, Collection]:
    """A server with a new repository, and its publisher's view."""
    server = TrustServer()
    return server, server.publish_all(new_collection(threshold))
