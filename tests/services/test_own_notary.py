"""A repository of ours whose trust collections (Notary v1) count as a signer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from lading.oci.descriptor import Descriptor
from lading.oci.reference import Reference
from lading.proof.tuf_walk import Wanted
from lading.services.repositories.trust import RepositoryTrust
from lading.services.trust.own_notary import OwnNotary
from lading.services.trust.records import Gun
from lading.services.trust.wanted import SignatureWanted
from lading.services.trust_modes import Mode
from tests.fakes.notary import Client, KeysInMemory, NotaryServer, counting_random
from tests.fakes.own_house import OwnHouse
from tests.fakes.signing_house import CANCEL, NOW
from tests.fakes.trust_http import TrustService
from tests.fakes.trust_repository import TrustServer

BY_NOTARY = RepositoryTrust(Mode.ENFORCE, notary=True)


@dataclass
class Collections:
    """Fulfils own_notary.Collections with trust servers of tests, one for each name that people sign under."""

    people: dict[str, Client] = field(default_factory=dict)
    keys: KeysInMemory = field(default_factory=KeysInMemory)

    def guns(self, repository: str) -> Sequence[Gun]:
        return [Gun(name, repository) for name in self.people if name.partition("/")[2] == repository]

    def fetch(self, gun: Gun, wanted: Wanted) -> bytes | None:
        return self.people[gun.name].server.service.file(wanted.name)

    def sign(self, name: str, root: Descriptor) -> None:
        """`name` with its tag."""
        reference = Reference.parse(name)
        gun = str(reference.repository)
        if gun not in self.people:
            service = TrustService(TrustServer(gun=gun), float(NOW))
            self.people[gun] = Client(NotaryServer(service), self.keys, now=float(NOW), repository=reference.repository)
        self.people[gun].trust.sign(reference, root, CANCEL)


@pytest.fixture
def collections() -> Collections:
    return Collections()


@pytest.fixture
def house(tmp_path: Path, collections: Collections) -> Iterator[OwnHouse]:
    house = OwnHouse(tmp_path, OwnNotary(lambda: collections, lambda: float(NOW)))
    yield house
    house.close()


def refusal(house: OwnHouse, reference: str) -> str:
    with pytest.raises(SignatureWanted) as refused:
        house.ask(reference)
    return refused.value.reason


def test_what_a_collection_signs_is_given(house: OwnHouse, collections: Collections) -> None:
    root = house.image("plain", "1")
    house.rule(BY_NOTARY)
    assert "nothing is signed in registry.test/team/app" in refusal(house, "1")

    collections.sign("127.0.0.1:5000/team/app:1", root)

    house.ask("1")
    house.ask(root.digest)


def test_a_tag_is_given_that_one_of_several_collections_signs(house: OwnHouse, collections: Collections) -> None:
    root, other = house.image("plain", "1"), house.image("other", "2")
    house.rule(BY_NOTARY)
    collections.sign("registry.example/team/app:1", root)
    collections.sign("127.0.0.1:5000/team/app:2", other)
    collections.sign("127.0.0.1:5000/team/another:3", other)

    house.ask("1")
    house.ask("2")


def test_who_may_push_does_not_sign_under_another_name_of_the_registry(
    house: OwnHouse, collections: Collections
) -> None:
    """Every loopback name is one of ours, and a collection's first root is anybody's who may push."""
    root, bad = house.image("plain", "1"), house.image("bad", "2")
    house.rule(BY_NOTARY)
    collections.sign("registry.example/team/app:1", root)
    collections.keys = KeysInMemory(counting_random("eve"))
    collections.sign("127.0.0.1:5000/team/app:2", bad)

    house.ask("1")
    assert "127.0.0.1:5000/team/app" in refusal(house, "2")
    with pytest.raises(SignatureWanted):
        house.ask(bad.digest)


def test_a_tag_that_moved_since_it_was_signed_is_refused(house: OwnHouse, collections: Collections) -> None:
    collections.sign("127.0.0.1:5000/team/app:1", house.image("plain", "1"))
    moved = house.image("moved", "1")
    house.rule(BY_NOTARY)

    assert str(moved.digest) in refusal(house, "1")


def test_a_rule_may_say_which_root_counts(house: OwnHouse, collections: Collections) -> None:
    root = house.image("plain", "1")
    collections.sign("127.0.0.1:5000/team/app:1", root)
    (client,) = collections.people.values()
    keys = client.trust.inspect(client.repository, CANCEL).root_keys

    house.rule(replace(BY_NOTARY, root_keys=keys))
    house.ask("1")
    house.rule(replace(BY_NOTARY, root_keys=("ab" * 32,)))
    refusal(house, "1")


def test_a_collection_is_one_signer_among_others(house: OwnHouse, collections: Collections) -> None:
    root = house.image("plain", "1")
    collections.sign("127.0.0.1:5000/team/app:1", root)
    house.rule(replace(BY_NOTARY, keys=("ann",), threshold=2))
    assert refusal(house, "1") == "it has 1 of the 2 signatures it needs"

    house.sign(root)
    house.ask("1")
