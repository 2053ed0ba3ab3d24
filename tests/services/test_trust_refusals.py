"""Every attack that content trust is there for, each refused in words of its own that a person can act on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lading.oci.digest import Digest
from lading.oci.document import write_json
from lading.proof import notation, sigstore_bundle
from lading.proof.tuf_json import Signed
from lading.proof.tuf_keys import SigningKey
from lading.proof.tuf_roles import ROOT as ROOT_ROLE
from lading.proof.tuf_roles import SNAPSHOT, TIMESTAMP
from lading.services.trust.policy import DAY, KeySigner, TrustRule
from lading.services.trust.trust import SignatureForm
from tests.fakes.code_signers import authority
from tests.fakes.images import put_image
from tests.fakes.notary import Client, KeysInMemory, counting_random
from tests.fakes.signing_house import (
    ANN,
    APP,
    BOB,
    CANCEL,
    CERTIFIED,
    EVE,
    IDENTITY,
    NOTARY,
    SIGSTORE,
    TEAM,
    House,
    certified,
    rule,
)
from tests.fakes.sigstore_instance import Instance, key
from tests.fakes.trust_repository import new_collection

KEY, OTHER = KeySigner("ann", ANN.public), KeySigner("bob", BOB.public)
BUNDLE = (SignatureForm.BUNDLE,)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def files(house: House) -> dict[str, bytes]:
    """What the trust server serves, to be tampered with."""
    return house.notary.server.service.server.files


# ── the trust server, or who stands between it and us


def swapped_digest(house: House) -> TrustRule:
    """The registry moves the tag to what nobody signed."""
    house.sign_at_notary()
    put_image(house.repository(), [b"evil"], tag="1")
    return rule(NOTARY)


def foreign_root(house: House) -> TrustRule:
    """Somebody sets the repository up anew, with keys of their own."""
    house.sign_at_notary()
    assert house.verify(rule(NOTARY)).trusted
    house.notary.server.service.server.files.clear()
    eve = Client(house.notary.server, KeysInMemory(counting_random("eve")), now=house.now, repository=TEAM)
    eve.trust.sign(eve.tag("1"), house.image, CANCEL)
    return rule(NOTARY)


def rolled_back_timestamp(house: House) -> TrustRule:
    """What was signed once, served again after something newer was seen."""
    house.sign_at_notary()
    old = dict(files(house))
    house.sign_at_notary("2")
    assert house.verify(rule(NOTARY)).trusted
    files(house).update(old)
    return rule(NOTARY)


def expired_timestamp(house: House) -> TrustRule:
    """Newer metadata is held back until the old is over."""
    house.sign_at_notary()
    house.now = house.reader.now = house.now + 15 * DAY
    return rule(NOTARY)


def mixed_snapshots(house: House) -> TrustRule:
    """Genuine parts of two moments."""
    house.sign_at_notary()
    before = files(house)[SNAPSHOT]
    house.sign_at_notary("2")
    kept = house.notary.server.service.kept
    kept |= {name: before for name, raw in kept.items() if raw == files(house)[SNAPSHOT]}
    return rule(NOTARY)


def withheld_metadata(house: House) -> TrustRule:
    house.sign_at_notary()
    del files(house)[TIMESTAMP]
    return rule(NOTARY)


def revoked_delegate(house: House) -> TrustRule:
    """Alice signed, and may not any longer."""
    house.sign_at_notary("0")
    alice = house.notary.another("alice")
    alice.now, alice.repository = house.now, TEAM
    for name, keys in (("alice", alice.keys), ("bob", KeysInMemory(counting_random("bob")))):
        house.notary.trust.add_signer(name, TEAM, [SigningKey(keys.make(name)).key], CANCEL)
    alice.trust.sign(alice.tag("1"), house.image, CANCEL)
    assert house.verify(rule(NOTARY)).trusted
    house.notary.trust.remove_signer("alice", TEAM, CANCEL, force=True)
    return rule(NOTARY)


def root_below_its_threshold(house: House) -> TrustRule:
    collection = new_collection(threshold=2, gun=str(TEAM), now=house.now)
    house.notary.server.publish(str(TEAM), dict(collection.files), CANCEL)
    signed = Signed.read(files(house)[ROOT_ROLE], ROOT_ROLE)
    files(house)[ROOT_ROLE] = Signed(signed.content, signed.signatures[:1]).raw
    return rule(NOTARY)


def nothing_signed(house: House) -> TrustRule:
    return rule(NOTARY)


def another_tag_signed(house: House) -> TrustRule:
    house.sign_at_notary("2")
    return rule(NOTARY)


# ── the registry, or whoever may push there


def unsigned(house: House) -> TrustRule:
    return rule(KEY)


def threshold_not_met(house: House) -> TrustRule:
    house.sign(ANN)
    return rule(KEY, OTHER, threshold=2)


def somebody_elses_key(house: House) -> TrustRule:
    house.sign(EVE)
    return rule(KEY)


def another_repositorys_signature(house: House) -> TrustRule:
    put_image(house.repository("team/other"), tag="1")
    house.sign(ANN, "registry.test/team/other:1", BUNDLE)
    house.repository().blobs |= house.repository("team/other").blobs
    house.repository().held |= house.repository("team/other").held
    return rule(KEY)


def another_images_signature(house: House) -> TrustRule:
    house.sign(ANN, forms=BUNDLE)
    signature = _signature_of(house)
    bad = put_image(house.repository(), [b"bad"], tag="1")
    house.attach(signature, sigstore_bundle.BUNDLE, sigstore_bundle.BUNDLE, bad)
    return rule(KEY)


def another_tags_signature(house: House) -> TrustRule:
    house.repository().names["2"] = house.image
    house.sign(ANN, "registry.test/team/app:2", BUNDLE)
    return replace(rule(KEY), bind_tag=True)


def tag_moved_back(house: House) -> TrustRule:
    bound = replace(rule(KEY), bind_tag=True)
    house.sign(ANN, forms=BUNDLE)
    put_image(house.repository(), [b"newer"], tag="1")
    house.now += 1
    house.sign(ANN, forms=BUNDLE)
    assert house.verify(bound).trusted
    house.repository().names["1"] = house.image
    return bound


def old_signature(house: House) -> TrustRule:
    house.sign(ANN, forms=BUNDLE)
    house.now += 31 * DAY
    return replace(rule(KEY), max_age=30 * DAY)


def referrers_fallback_tampered(house: House) -> TrustRule:
    """Where the registry keeps no list of referrers, an index under a tag does: anyone who may push writes it, and
    lists a genuine signature of another image beside this one."""
    house.sign(ANN, forms=BUNDLE)
    lists = house.repository().referrers
    genuine = tuple(lists(house.image.digest))
    put_image(house.repository(), [b"evil"], tag="1")

    def tampered(_subject: Digest) -> tuple[object, ...]:
        return genuine

    house.repository().referrers = tampered  # type: ignore[method-assign,assignment]  # a list that lies
    return rule(KEY)


def signature_tampered(house: House) -> TrustRule:
    """The statement changed to the image that it lies beside."""
    house.sign(ANN, forms=BUNDLE)
    document = json.loads(_signature_of(house))
    document["dsseEnvelope"]["payload"] = document["dsseEnvelope"]["payload"].replace("A", "B")
    bad = put_image(house.repository(), [b"bad"], tag="1")
    house.attach(write_json(document), sigstore_bundle.BUNDLE, sigstore_bundle.BUNDLE, bad)
    return rule(KEY)


# ── certificates and identities


def foreign_authority(house: House) -> TrustRule:
    house.notarise(certified(by=authority("eve's")))
    return rule(CERTIFIED)


def certificate_over(house: House) -> TrustRule:
    house.notarise(certified(days=(-9, -1)))
    return rule(CERTIFIED)


def notation_tampered(house: House) -> TrustRule:
    by = certified()
    envelope = json.loads(notation.sign(house.image, house.claim(), by.private, by.chain))
    other = json.loads(notation.sign(house.image, house.claim("2"), by.private, by.chain))
    house.attach(write_json(envelope | {"payload": other["payload"]}), notation.ENVELOPE, notation.ARTIFACT)
    return rule(CERTIFIED)


def strange_identity(house: House) -> TrustRule:
    house.certify(SIGSTORE.bundle(house.claim(), "eve@corp.example"))
    return rule(IDENTITY)


def strange_issuer(house: House) -> TrustRule:
    house.certify(SIGSTORE.bundle(house.claim(), issuer="https://accounts.evil"))
    return rule(IDENTITY)


def foreign_log(house: House) -> TrustRule:
    house.certify(Instance(log=key(9)).bundle(house.claim()))
    return rule(IDENTITY)


Attack = Callable[[House], TrustRule]

REFUSED: dict[Attack, str] = {
    swapped_digest: "registry.test/team/app:1 is signed as sha256:",
    foreign_root: "version 1 of the root of registry.test/team/app is not signed by the keys known for it",
    rolled_back_timestamp: "the timestamp metadata of registry.test/team/app has version 1; version 2 was seen before",
    expired_timestamp: "the timestamp metadata of registry.test/team/app expired at",
    mixed_snapshots: "the snapshot metadata of registry.test/team/app is not the one that its timestamp lists",
    withheld_metadata: "the trust server does not have timestamp of registry.test/team/app",
    revoked_delegate: "who may not sign it",
    root_below_its_threshold: "the root metadata of registry.test/team/app has 1 of 2 signatures",
    nothing_signed: "nothing is signed in registry.test/team/app",
    another_tag_signed: "registry.test/team/app:1 is not signed",
    unsigned: "Nobody signed it, as far as its registry tells.",
    threshold_not_met: "It is signed by ann alone.",
    somebody_elses_key: "no key that is accepted made the signature",
    another_repositorys_signature: "the signature was made for another repository, registry.test/team/other",
    another_images_signature: "the signature is of another image, sha256:",
    another_tags_signature: "the signature is of the tag 2",
    tag_moved_back: "the tag was moved back: the same signer signed it later for what was seen here before",
    old_signature: "the signature of 2026-09-21 is too old",
    referrers_fallback_tampered: "the signature is not valid: subject is not the image that lists it",
    foreign_authority: "the signer's certificate is not accepted: none of its authorities is trusted",
    certificate_over: "the signer's certificate is not accepted: CN=ann,O=Corp,C=DE is not valid at this time",
    strange_identity: "the signer is eve@corp.example (https://accounts.corp), who is not accepted",
    strange_issuer: "the signer is ann@corp.example (https://accounts.evil), who is not accepted",
    foreign_log: "the signature proves no identity: invalid log entry",
}
"""What the reason has to hold."""

FORGED: dict[Attack, str] = {
    signature_tampered: "no key that is accepted made the signature",
    notation_tampered: "no key that is accepted made the signature",
}
"""Whoever changes what was signed is one who cannot sign, however it was done: that is one reason."""


@pytest.mark.parametrize("attack", [*REFUSED, *FORGED], ids=lambda attack: attack.__name__)
def test_each_is_refused_with_its_reason(house: House, attack: Attack) -> None:
    refused = house.refusal(attack(house))

    assert {**REFUSED, **FORGED}[attack] in str(refused.why)
    assert str(refused).startswith(f"{APP}@sha256:")
    assert refused.hint


def test_no_two_have_the_same_reason() -> None:
    reasons = list(REFUSED.values())

    assert len(set(reasons)) == len(reasons)
    assert not [one for one in reasons for other in reasons if one != other and one in other]


@pytest.mark.parametrize("attack", [*REFUSED, *FORGED], ids=lambda attack: attack.__name__)
def test_nothing_is_believed_that_was_refused(house: House, attack: Attack) -> None:
    """Whoever asks again is refused again: a refusal leaves nothing behind that would let it through."""
    attacked = attack(house)
    house.refusal(attacked)

    assert not house.verify(attacked).trusted


@pytest.mark.parametrize(
    ("form", "holding"),
    [
        (SignatureForm.BUNDLE, b"dsseEnvelope"),
        (SignatureForm.SIMPLE, b"docker-manifest-digest"),
    ],
)
def test_a_byte_that_changes_at_the_registry_is_noticed(house: House, form: SignatureForm, holding: bytes) -> None:
    """Before anything is asked of the signature: what holds it is named by its digest."""
    house.sign(ANN, forms=(form,))
    store = house.repository()
    for digest in [each for each, content in store.blobs.items() if holding in content]:
        genuine = store.blobs[digest]
        for place in range(len(genuine)):
            store.blobs[digest] = genuine[:place] + bytes([genuine[place] ^ 1]) + genuine[place + 1 :]
            assert not house.verify(rule(KEY)).trusted
        store.blobs[digest] = genuine
    assert house.verify(rule(KEY)).trusted


def _signature_of(house: House) -> bytes:
    store = house.repository()
    held = next(each for each in store.held.values() if each.media_type == sigstore_bundle.BUNDLE)
    return store.blobs[held.digest]
