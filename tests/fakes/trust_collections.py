"""Our trust server's collections over people's database, and a publisher with keys of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from lading.backends.credentials.box import GivenKeys
from lading.proof.tuf_build import Collection, changed, initialise, sign_tag
from lading.proof.tuf_roles import SNAPSHOT, TARGETS, TIMESTAMP
from lading.proof.tuf_trusted import Trusted, TrustMemory
from lading.proof.tuf_walk import drive, walk
from lading.services.access import LADING, Actor
from lading.services.trust.collections import TrustCollections
from lading.services.trust.records import Gun
from lading.services.trust.server_keys import TrustServerKeys
from tests.fakes.people import KEY, People
from tests.fakes.trust_repository import FIRST_USE, manifest, rooted, signer

GUN = Gun("registry.corp/team/app", "team/app")
OWNER = signer("owner")


def collections_of(people: People) -> TrustCollections:
    """As main wires them."""
    records = people.database.trust
    keys = TrustServerKeys(records, GivenKeys(KEY).box(making=False), people.random, people.clock)
    return TrustCollections(records, keys, people.trail, people.clock)


@dataclass
class Publisher:
    """Who owns the keys of one collection, and publishes through the service."""

    people: People
    gun: Gun = GUN
    actor: Actor = LADING
    collections: TrustCollections = field(init=False)

    def __post_init__(self) -> None:
        self.collections = collections_of(self.people)

    @property
    def now(self) -> float:
        return self.people.clock.now

    def begun(self, root: str = "root") -> Collection:
        """A first root, which names the server's keys, and targets without a tag: not published yet."""
        timestamp = self.collections.public_key(self.gun, TIMESTAMP)
        snapshot = self.collections.public_key(self.gun, SNAPSHOT)
        roots = [rooted(root, self.gun.name, self.now)]
        return initialise(self.gun.name, roots, [OWNER], self.now, snapshot=snapshot, timestamp=timestamp)

    def held(self) -> Collection:
        """What is published."""
        newest = self.people.database.trust.newest(self.gun.name)
        return Collection(self.gun.name, {role: file.content for role, file in newest.items()})

    def publish(self, collection: Collection) -> None:
        """What is new in it."""
        held = self.held()
        self.collections.publish(self.actor, self.gun, changed(held if held.files else None, collection))

    def signed(self, tag: str, text: str = "one") -> Collection:
        """The published collection with the tag, or a new one; not published yet."""
        held = self.held()
        return sign_tag(held if held.files else self.begun(), tag, manifest(text), [OWNER], self.now, role=TARGETS)

    def sign(self, tag: str, text: str = "one") -> None:
        self.publish(self.signed(tag, text))

    def walk(self, memory: TrustMemory | None = None) -> Trusted:
        """What a client sees."""
        return drive(
            walk(self.gun.name, self.now, memory, FIRST_USE), lambda wanted: self.collections.fetch(self.gun, wanted)
        )
