"""What the trust server takes, and what it adds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lading.proof.tuf_build import (
    DAY,
    TARGETS_LIFE,
    Collection,
    changed,
    delegate,
    resign,
    revoke,
    rotate,
    sign_tag,
    signed_by,
)
from lading.proof.tuf_json import Signed
from lading.proof.tuf_metadata import Entry, Snapshot, Timestamp
from lading.proof.tuf_publish import TIMESTAMP_LIFE, ServerKeys, accept, renew
from lading.proof.tuf_refusals import (
    MetadataExpired,
    MetadataMissing,
    MetadataMixed,
    RootForeign,
    SignerMissing,
    SignerRevoked,
    TrustInvalid,
    UpdateOutdated,
)
from lading.proof.tuf_roles import RELEASES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, Delegation, RoleKeys
from tests.fakes.trust_repository import (
    GUN,
    NOW,
    SERVER,
    TrustServer,
    manifest,
    new_collection,
    published,
    rooted,
    signer,
)

OWNER, ALICE = signer("owner"), signer("alice")
ALICES = Delegation(RELEASES, RoleKeys.of([ALICE.key]), ("",))


def test_the_server_adds_snapshot_and_timestamp() -> None:
    made = accept(GUN, {}, changed(None, new_collection()), SERVER, NOW)

    assert set(made) == {ROOT, TARGETS, SNAPSHOT, TIMESTAMP}


def test_the_first_update_brings_root_and_targets() -> None:
    for missing in (ROOT, TARGETS):
        update = {role: raw for role, raw in new_collection().files.items() if role != missing}
        with pytest.raises(MetadataMissing) as caught:
            accept(GUN, {}, update, SERVER, NOW)
        assert caught.value.role == missing


def test_of_two_who_publish_at_once_the_second_is_told() -> None:
    server, collection = published()
    server.publish_all(sign_tag(collection, "v1", manifest("one"), [OWNER], NOW))

    with pytest.raises(UpdateOutdated):
        server.publish_all(sign_tag(collection, "v1", manifest("two"), [OWNER], NOW))


def test_a_root_follows_the_published_one() -> None:
    server, collection = published()
    again = rotate(collection, TARGETS, RoleKeys.of([OWNER.key]), [rooted("root")], NOW)
    twice = rotate(again, TARGETS, RoleKeys.of([OWNER.key]), [rooted("root")], NOW)

    with pytest.raises(UpdateOutdated):
        server.publish_all(twice)


def test_a_foreign_root_is_not_taken() -> None:
    server, collection = published()
    root, evil = collection.root, [rooted("evil")]
    keys = RoleKeys.of([evil[0].key])
    content = replace(root, version=2, roles={**root.roles, ROOT: keys}).content

    with pytest.raises(RootForeign):
        server.publish({ROOT: signed_by(GUN, ROOT, content, keys, evil)})


def test_what_the_new_root_does_not_let_sign_is_not_taken() -> None:
    server, collection = published()

    with pytest.raises(SignerRevoked):
        server.publish_all(rotate(collection, TARGETS, RoleKeys.of([ALICE.key]), [rooted("root")], NOW))


def test_a_delegate_publishes_alone_and_a_stranger_does_not() -> None:
    server, collection = published()
    with pytest.raises(TrustInvalid):
        server.publish({RELEASES: collection.files[TARGETS]})
    collection = server.publish_all(delegate(collection, ALICES, [OWNER], NOW))
    mine = sign_tag(collection, "v1", manifest("one"), [ALICE], NOW, role=RELEASES)
    bob = signer("bob")
    theirs = signed_by(GUN, RELEASES, mine.targets(RELEASES).content, RoleKeys.of([bob.key]), [bob])

    with pytest.raises(SignerRevoked):
        server.publish({RELEASES: theirs})
    server.publish_all(mine)
    assert server.walk().find("v1").role == RELEASES


def test_a_delegation_that_was_taken_back_may_be_given_anew() -> None:
    server, collection = published()
    collection = server.publish_all(delegate(collection, ALICES, [OWNER], NOW))
    for text in ("one", "two"):
        collection = server.publish_all(sign_tag(collection, "v1", manifest(text), [ALICE], NOW, role=RELEASES))
    collection = revoke(collection, RELEASES, [OWNER], NOW)
    server.publish_all(collection)
    memory = server.walk().memory
    collection = delegate(collection, ALICES, [OWNER], NOW)
    server.publish_all(sign_tag(collection, "v1", manifest("three"), [ALICE], NOW, role=RELEASES))

    assert server.walk(memory).find("v1").digest == manifest("three").digest


@pytest.mark.parametrize("role", ["other", TIMESTAMP, "targets/../x"])
def test_there_are_files_that_nobody_publishes(role: str) -> None:
    server, collection = published()

    with pytest.raises(TrustInvalid):
        server.publish({role: collection.files[TIMESTAMP]})


def test_expired_metadata_is_not_taken() -> None:
    collection = new_collection()

    with pytest.raises(MetadataExpired):
        accept(GUN, {}, changed(None, collection), SERVER, NOW + TARGETS_LIFE + DAY)


def test_publishers_may_hold_the_snapshot_key() -> None:
    mine = ServerKeys(SERVER.timestamp)
    collection = new_collection()
    with pytest.raises(SignerMissing):
        accept(GUN, {}, collection.files, mine, NOW)

    entries = {role: Entry.of(raw) for role, raw in collection.files.items()}
    snapshot = signed_by(
        GUN, SNAPSHOT, Snapshot(1, NOW + DAY, entries).content, RoleKeys.of([SERVER.snapshot[0].key]), SERVER.snapshot
    )
    made = accept(GUN, {}, {**collection.files, SNAPSHOT: snapshot}, mine, NOW)
    assert made[SNAPSHOT] == snapshot
    other = sign_tag(collection, "v1", manifest("one"), [OWNER], NOW)
    with pytest.raises(MetadataMixed):
        accept(GUN, {}, {**other.files, SNAPSHOT: snapshot}, mine, NOW)


def test_a_server_without_the_keys_that_the_root_names_takes_nothing() -> None:
    strange = ServerKeys((signer("other timestamp"),), SERVER.snapshot)

    with pytest.raises(SignerMissing):
        accept(GUN, {}, new_collection().files, strange, NOW)


def renewed(server: TrustServer, now: float) -> set[str]:
    made = renew(GUN, server.files, SERVER, now)
    server.files |= made
    return set(made)


def test_timestamps_and_snapshots_are_signed_anew_in_time() -> None:
    server, _ = published()
    memory = server.walk().memory

    assert renewed(server, NOW + TIMESTAMP_LIFE * 0.4) == set()
    assert renewed(server, NOW + TIMESTAMP_LIFE * 0.6) == {TIMESTAMP}
    assert renewed(server, NOW + TARGETS_LIFE * 0.6) == {SNAPSHOT, TIMESTAMP}
    trusted = server.walk(memory, now=NOW + TARGETS_LIFE * 0.6)
    assert trusted.memory.versions == {TIMESTAMP: 3, SNAPSHOT: 2, TARGETS: 1}


def test_a_renewed_timestamp_is_for_the_snapshot_that_is_there() -> None:
    server, _ = published()
    renewed(server, NOW + TIMESTAMP_LIFE * 2)

    timestamp = Timestamp.read(Signed.read(server.files[TIMESTAMP], TIMESTAMP))
    assert timestamp.snapshot == Entry.of(server.files[SNAPSHOT])


def test_a_snapshot_whose_key_is_elsewhere_is_left_alone() -> None:
    server, _ = published()

    assert set(renew(GUN, server.files, ServerKeys(SERVER.timestamp), NOW + TARGETS_LIFE)) == {TIMESTAMP}


def test_the_root_decides_which_key_of_the_server_signs() -> None:
    server, collection = published()
    new = signer("next timestamp")
    server.keys = ServerKeys((*SERVER.timestamp, new), SERVER.snapshot)
    server.publish_all(rotate(collection, TIMESTAMP, RoleKeys.of([new.key]), [rooted("root")], NOW))

    [signature] = Signed.read(server.files[TIMESTAMP], TIMESTAMP).signatures
    assert signature.key == new.key.id


def test_targets_signed_again_are_taken() -> None:
    server, collection = published()
    later = NOW + TARGETS_LIFE - DAY
    server.publish_all(resign(Collection(GUN, collection.files), TARGETS, [OWNER], later), later)

    assert server.walk(now=later).roles[TARGETS].targets.version == 2
