"""The walk through trust metadata: whose signatures count, how many it takes, and what delegates may sign."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.proof.tuf_build import (
    DAY,
    countersign,
    delegate,
    remove_tag,
    resign,
    revoke,
    sign_tag,
)
from lading.proof.tuf_json import Signed
from lading.proof.tuf_refusals import (
    MetadataExpired,
    MetadataMissing,
    SignatureWrong,
    SignerRevoked,
    TagUnsigned,
    ThresholdNotMet,
)
from lading.proof.tuf_roles import RELEASES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Delegation, RoleKeys
from lading.proof.tuf_trusted import TrustMemory
from tests.fakes.trust_repository import (
    NOW,
    manifest,
    published,
)
from tests.unit.proof.signed_server import (
    ALICE,
    BOB,
    OWNER,
    releases,
    resigned_snapshot,
    server_collection,
    signed_server,
)


def test_a_signature_of_a_stranger_on_a_timestamp_is_refused() -> None:
    server = signed_server()
    signed = Signed.read(server.files[TIMESTAMP], TIMESTAMP)
    server.files[TIMESTAMP] = replace(signed, signatures=(*signed.signatures, BOB.sign(signed.payload))).raw

    with pytest.raises(SignerRevoked):
        server.walk()


def test_a_wrong_signature_beside_a_right_one_is_refused() -> None:
    server, _ = published(threshold=2)
    signed = Signed.read(server.files[ROOT], ROOT)
    first, second = signed.signatures
    server.files[ROOT] = replace(signed, signatures=(first, replace(second, bytes=first.bytes))).raw

    with pytest.raises(SignatureWrong):
        server.walk()


def test_the_same_signature_twice_is_no_second_one() -> None:
    server, _ = published(threshold=2)
    signed = Signed.read(server.files[ROOT], ROOT)
    server.files[ROOT] = replace(signed, signatures=(signed.signatures[0],) * 2).raw

    with pytest.raises(SignatureWrong):
        server.walk()


def test_a_threshold_that_is_not_met_is_refused() -> None:
    server, _ = published(threshold=2)
    signed = Signed.read(server.files[ROOT], ROOT)
    server.files[ROOT] = replace(signed, signatures=signed.signatures[:1]).raw

    with pytest.raises(ThresholdNotMet) as caught:
        server.walk()
    assert (caught.value.signed, caught.value.needed) == (1, 2)


def test_two_people_sign_one_after_the_other() -> None:
    server, collection = published()
    collection = server.publish_all(delegate(collection, releases(threshold=2), [OWNER], NOW))
    half = sign_tag(collection, "v1", manifest("one"), [ALICE], NOW, role=RELEASES)

    with pytest.raises(ThresholdNotMet):
        server.publish_all(half)
    server.publish_all(countersign(half, RELEASES, [BOB]))
    assert server.walk().find("v1").signers == {ALICE.key.id, BOB.key.id}


def test_what_a_revoked_delegate_signed_is_refused_until_another_signs() -> None:
    server = signed_server()
    memory = server.walk().memory
    collection = revoke(server_collection(server), RELEASES, [OWNER], NOW, [ALICE.key.id])
    collection = server.publish_all(collection)
    trusted = server.walk(memory)

    with pytest.raises(SignerRevoked) as caught:
        trusted.find("v2")
    assert caught.value.keys == (ALICE.key.id,)
    assert trusted.find("v1").role == TARGETS  # the owner's own word stands

    server.publish_all(resign(collection, RELEASES, [BOB], NOW))
    assert server.walk(trusted.memory).find("v2").signers == {BOB.key.id}


def test_a_delegation_without_keys_is_one_that_nobody_signs_for() -> None:
    """As `docker trust signer remove` leaves targets/releases when the last signer goes."""
    server = signed_server()
    nobody = Delegation(RELEASES, RoleKeys.of([]), ("",))
    server.publish_all(delegate(server_collection(server), nobody, [OWNER], NOW))

    with pytest.raises(SignerRevoked):
        server.walk().find("v2")


def test_a_delegation_that_was_taken_back_signs_nothing() -> None:
    server = signed_server()
    server.publish_all(revoke(server_collection(server), RELEASES, [OWNER], NOW))

    with pytest.raises(TagUnsigned):
        server.walk().find("v2")


def test_an_expired_delegation_gives_no_way_to_older_targets() -> None:
    server = signed_server()
    later = NOW + 1000 * DAY
    collection = sign_tag(server_collection(server), "v2", manifest("old"), [OWNER], later)
    collection = server.publish_all(collection, later)
    after = later + 100 * DAY
    server.publish_all(resign(collection, TARGETS, [OWNER], after), after)

    with pytest.raises(MetadataExpired):
        server.walk(now=after).find("v2")


def test_a_delegation_that_was_there_cannot_be_left_out() -> None:
    server = signed_server()
    memory = server.walk().memory
    del server.files[RELEASES]
    resigned_snapshot(server, 9)

    with pytest.raises(MetadataMissing):
        server.walk(memory).find("v1")


def test_a_delegate_signs_only_its_own_tags_and_hands_on_no_more() -> None:
    server, collection = published()
    team = Delegation("targets/team", RoleKeys.of([ALICE.key]), ("app-",))
    member = Delegation("targets/team/bob", RoleKeys.of([BOB.key]), ("app-b", "other-"))
    collection = server.publish_all(delegate(collection, team, [OWNER], NOW))
    collection = server.publish_all(delegate(collection, member, [ALICE], NOW))
    for tag in ("app-b1", "other-1"):
        collection = sign_tag(collection, tag, manifest(tag), [BOB], NOW, role=member.name)
    server.publish_all(collection)
    trusted = server.walk()

    assert trusted.find("app-b1", [member.name]).signers == {BOB.key.id}
    with pytest.raises(TagUnsigned):
        trusted.find("other-1", [member.name])


def test_a_tag_that_was_removed_is_unsigned() -> None:
    server = signed_server()
    server.publish_all(remove_tag(server_collection(server), "v1", [OWNER], NOW))

    with pytest.raises(TagUnsigned):
        server.walk().find("v1")


def test_a_memory_is_kept_as_it_was_given() -> None:
    server = signed_server()
    first = server.walk()

    assert server.walk(first.memory).memory == first.memory
    assert first.memory == TrustMemory(server.files[ROOT], {TIMESTAMP: 3, SNAPSHOT: 3, TARGETS: 3, RELEASES: 1})
