"""Keys, memories and a trust server of content trust by Notary v1, in memory."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lading.engine.cancel import Cancellation
from lading.oci.document import read_object
from lading.oci.reference import Reference, Repository
from lading.proof.signing_keys import KeyKind, PrivateKey
from lading.proof.tuf_keys import SigningKey, TrustKey
from lading.proof.tuf_refusals import TrustInvalid
from lading.proof.tuf_roles import ROOT
from lading.proof.tuf_trusted import TrustMemory
from lading.proof.tuf_walk import Wanted
from lading.services.notary.keys import KeptKey, TrustKeyKept, TrustKeys, TrustKeyUnknown
from lading.services.notary.notary import NotaryTrust
from lading.wire.message import Cancel
from tests.fakes.trust_http import TrustService
from tests.fakes.trust_repository import GUN, NOW, TrustServer, manifest

REPOSITORY = Reference.parse(GUN).repository
NEVER = Cancellation()

ONE, TWO = manifest("one"), manifest("two")

Random = Callable[[int], bytes]


def counting_random(seed: str = "") -> Random:
    """Bytes that differ at every call, and are the same in every run."""
    count = itertools.count()
    return lambda size: hashlib.shake_128(f"{seed} {next(count)}".encode()).digest(size)


class KeysInMemory:
    """Fulfils services.notary.keys.TrustKeys."""

    def __init__(self, random: Random | None = None) -> None:
        self._random = random or counting_random()
        self._kept: dict[KeptKey, PrivateKey] = {}

    def all(self) -> Sequence[KeptKey]:
        return sorted(self._kept)

    def open(self, key_id: str) -> PrivateKey:
        for kept, private in self._kept.items():
            if kept.id == key_id:
                return private
        raise TrustKeyUnknown(key_id)

    def root(self) -> PrivateKey:
        kept = [private for each, private in self._kept.items() if each.role == ROOT]
        return kept[-1] if kept else self.make(ROOT)

    def root_in_force(self) -> str | None:
        kept = [each.id for each in self._kept if each.role == ROOT]
        return kept[-1] if kept else None

    def make(self, role: str, gun: str = "") -> PrivateKey:
        made = PrivateKey.generate(KeyKind.ECDSA_P256, self._random)
        self.keep(made, role, gun)
        return made

    def keep(self, private: PrivateKey, role: str, gun: str = "") -> KeptKey:
        key = KeptKey(SigningKey(private).key.id, role, gun)
        if any(each.id == key.id for each in self._kept):
            raise TrustKeyKept(key)
        self._kept[key] = private
        return key

    def file(self, key_id: str) -> bytes:
        raise TrustKeyUnknown(key_id)


class MemoriesInMemory:
    """Fulfils services.notary.servers.TrustMemories."""

    def __init__(self) -> None:
        self.kept: dict[str, TrustMemory] = {}

    def of(self, gun: str) -> TrustMemory | None:
        return self.kept.get(gun)

    def keep(self, gun: str, memory: TrustMemory, began: TrustMemory | None) -> bool:
        after = memory.after(began, self.kept.get(gun))
        if after is not None:
            self.kept[gun] = after
        return after is not None

    def forget(self, gun: str) -> None:
        self.kept.pop(gun, None)


@dataclass
class NotaryServer:
    """Fulfils services.notary.servers.TrustServer over a `TrustService`. `before_publish` and `before_fetch` are called
    first: what others do meanwhile."""

    service: TrustService = field(default_factory=lambda: TrustService(TrustServer(), NOW))
    before_publish: list[Callable[[], object]] = field(default_factory=list)
    before_fetch: dict[str, Callable[[], object]] = field(default_factory=dict)
    published: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self, gun: str, wanted: Wanted, _cancel: Cancel) -> bytes | None:
        assert gun == self.service.server.gun
        if (meanwhile := self.before_fetch.pop(wanted.role, None)) is not None:
            meanwhile()
        with self.lock:
            return self.service.file(wanted.name)

    def publish(self, gun: str, files: Mapping[str, bytes], _cancel: Cancel) -> None:
        assert gun == self.service.server.gun
        if self.before_publish:
            self.before_publish.pop()()
        with self.lock:
            self.service.server.publish(dict(files), self.service.now)
            self.service.kept |= {hashlib.sha256(raw).hexdigest(): raw for raw in self.service.server.files.values()}
            self.published += 1

    def public_key(self, _gun: str, role: str, _cancel: Cancel) -> TrustKey:
        return TrustKey.read(read_object(self.service.key(role), TrustInvalid))

    def rotate(self, _gun: str, role: str, _cancel: Cancel) -> TrustKey:
        return TrustKey.read(read_object(self.service.key(role, another=True), TrustInvalid))


@dataclass
class Client:
    """One person with keys and memories of their own, at a server that others may share."""

    server: NotaryServer = field(default_factory=NotaryServer)
    keys: TrustKeys = field(default_factory=KeysInMemory)
    memories: MemoriesInMemory = field(default_factory=MemoriesInMemory)
    now: float = NOW
    repository: Repository = REPOSITORY

    @property
    def trust(self) -> NotaryTrust:
        """As this person uses it."""
        return NotaryTrust(
            lambda _repository: self.server, self.keys, self.memories, lambda: self.now, counting_random()
        )

    def another(self, name: str) -> Client:
        """Somebody else at the same server."""
        return Client(self.server, KeysInMemory(counting_random(name)))

    def tag(self, tag: str) -> Reference:
        """A tag of the repository."""
        return Reference(self.repository, tag)

    def digests(self) -> dict[str, str]:
        """What every tag is signed as, for comparison."""
        return {each.tag: each.digest.encoded for each in self.trust.inspect(self.repository, NEVER).tags}


def owner() -> Client:
    """A repository with one signed tag, and who set it up."""
    client = Client()
    client.trust.sign(client.tag("v1"), ONE, NEVER)
    return client


def joined(by: Client, name: str) -> tuple[Client, TrustKey]:
    """A signer whom the owner added, and the key."""
    person = by.another(name)
    key = SigningKey(person.keys.make(name)).key
    by.trust.add_signer(name, REPOSITORY, [key], NEVER)
    return person, key
