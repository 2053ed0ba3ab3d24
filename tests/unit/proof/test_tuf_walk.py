"""The walk through trust metadata: what it believes, and each attack refused by its own name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from lading.proof.tuf_build import (
    DAY,
    delegate,
    resign,
    rotate,
    sign_tag,
    signed_by,
)
from lading.proof.tuf_json import Signed
from lading.proof.tuf_metadata import Root, Snapshot
from lading.proof.tuf_publish import TIMESTAMP_LIFE
from lading.proof.tuf_refusals import (
    DigestSwapped,
    MetadataChanged,
    MetadataExpired,
    MetadataMissing,
    MetadataMixed,
    MetadataRolledBack,
    RootForeign,
    RootOfAnother,
    RootUnknown,
    TagUnsigned,
    TrustAbsent,
    TrustInvalid,
)
from lading.proof.tuf_roles import RELEASES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP, RoleKeys
from lading.proof.tuf_walk import FILE_LIMIT, Pin
from tests.fakes.trust_repository import (
    GUN,
    NOW,
    SERVER,
    TrustServer,
    manifest,
    new_collection,
    published,
    rooted,
)
from tests.unit.proof.signed_server import (
    ALICE,
    OWNER,
    releases,
    resigned_snapshot,
    resigned_timestamp,
    server_collection,
    signed_server,
)


def test_a_tag_is_found_with_who_signed_it() -> None:
    tag = signed_server().walk().find("v2")

    assert (tag.role, tag.digest, tag.size) == (RELEASES, manifest("two").digest, 3)
    assert tag.signers == {ALICE.key.id}


def test_releases_are_asked_before_targets() -> None:
    server, collection = published()
    collection = sign_tag(collection, "v1", manifest("old"), [OWNER], NOW)
    collection = server.publish_all(delegate(collection, releases(), [OWNER], NOW))
    server.publish_all(sign_tag(collection, "v1", manifest("new"), [ALICE], NOW, role=RELEASES))
    trusted = server.walk()

    assert trusted.find("v1").digest == manifest("new").digest
    assert trusted.find("v1", [TARGETS]).digest == manifest("old").digest
    assert [each.role for each in trusted.all_of("v1")] == [TARGETS, RELEASES]


def test_other_content_under_a_signed_tag_is_refused() -> None:
    tag = signed_server().walk().find("v1")
    tag.require(manifest("one").digest)

    with pytest.raises(DigestSwapped):
        tag.require(manifest("evil").digest)


def test_a_tag_nobody_signed_is_refused() -> None:
    with pytest.raises(TagUnsigned):
        signed_server().walk().find("v9")


def test_a_repository_without_trust_is_told_from_one_with() -> None:
    with pytest.raises(TrustAbsent):
        TrustServer().walk()


def test_no_first_root_is_taken_unasked() -> None:
    with pytest.raises(RootUnknown):
        signed_server().walk(pin=None)


def test_a_pinned_root_is_the_only_one() -> None:
    server = signed_server()
    server.walk(pin=Pin(frozenset({rooted("root").key.id})))

    with pytest.raises(RootForeign):
        server.walk(pin=Pin(frozenset({rooted("evil").key.id})))


def evil_server(server: TrustServer) -> TrustServer:
    """Somebody else's repository of the same name, with other root keys, and newer in every version."""
    other = TrustServer()
    old = new_collection()
    root = old.root
    keys = RoleKeys.of([rooted("evil").key])
    content = replace(root, version=2, roles={**root.roles, ROOT: keys}).content
    other.publish_all(old.put(ROOT, signed_by(GUN, ROOT, content, keys, [rooted("evil")])))
    return other


def test_a_foreign_root_is_refused() -> None:
    server = signed_server()

    with pytest.raises(RootForeign):
        evil_server(server).walk(server.walk().memory)


def test_another_root_of_the_same_version_is_refused() -> None:
    server, _ = published()
    memory = server.walk().memory
    root = Root.read(Signed.read(server.files[ROOT], ROOT))
    other = replace(root, expires=root.expires - DAY).content
    server.files[ROOT] = signed_by(GUN, ROOT, other, root.roles[ROOT], [rooted("root")])

    with pytest.raises(RootForeign):
        server.walk(memory)


def test_the_root_of_another_repository_is_refused() -> None:
    server = TrustServer(gun="registry.example/other")
    server.publish_all(new_collection(gun=server.gun))
    server.gun = GUN

    with pytest.raises(RootOfAnother, match=r"registry\.example/other"):
        server.walk()


def test_a_root_certificate_ends() -> None:
    server, _ = published()

    with pytest.raises(MetadataExpired):
        server.walk(now=NOW + 4000 * DAY)


def test_a_root_rotates_step_by_step_for_who_was_away() -> None:
    server, collection = published()
    memory = server.walk().memory
    names = ["root", "second", "third", "fourth"]
    for before, after in pairwise(names):
        both = [rooted(before), rooted(after)]
        collection = server.publish_all(rotate(collection, ROOT, RoleKeys.of([rooted(after).key]), both, NOW))

    assert server.walk(memory).root.version == 4
    del server.roots[2]
    with pytest.raises(MetadataMissing):
        server.walk(memory)


def test_a_version_of_the_root_in_place_of_another_is_refused() -> None:
    server, collection = published()
    memory = server.walk().memory
    for name in ("second", "third"):
        keys = [rooted("root"), rooted("second"), rooted(name)]
        collection = server.publish_all(rotate(collection, ROOT, RoleKeys.of([rooted(name).key]), keys, NOW))
    server.roots[2] = server.roots[1]

    with pytest.raises(TrustInvalid):
        server.walk(memory)


def test_a_rotated_targets_key_signs_and_the_old_one_no_longer() -> None:
    server, collection = published()
    memory = server.walk().memory
    new = rotate(collection, TARGETS, RoleKeys.of([ALICE.key]), [rooted("root")], NOW)
    server.publish_all(resign(new, TARGETS, [ALICE], NOW))

    assert server.walk(memory).roles[TARGETS].signers == {ALICE.key.id}


def test_an_expired_timestamp_is_refused() -> None:
    server = signed_server()
    server.walk(now=NOW + TIMESTAMP_LIFE - 1)

    with pytest.raises(MetadataExpired) as caught:
        server.walk(now=NOW + TIMESTAMP_LIFE + 1)
    assert caught.value.role == TIMESTAMP


def test_a_timestamp_rolled_back_is_refused() -> None:
    server, collection = published()
    old = dict(server.files)
    server.publish_all(sign_tag(collection, "v1", manifest("one"), [OWNER], NOW))
    memory = server.walk().memory
    server.files = old

    with pytest.raises(MetadataRolledBack) as caught:
        server.walk(memory)
    assert (caught.value.role, caught.value.version, caught.value.seen) == (TIMESTAMP, 1, 2)


def test_a_snapshot_rolled_back_under_a_new_timestamp_is_refused() -> None:
    server, collection = published()
    old = server.files[SNAPSHOT]
    server.publish_all(sign_tag(collection, "v1", manifest("one"), [OWNER], NOW))
    memory = server.walk().memory
    server.files[SNAPSHOT] = old
    resigned_timestamp(server, 9)

    with pytest.raises(MetadataRolledBack) as caught:
        server.walk(memory)
    assert caught.value.role == SNAPSHOT


def test_targets_rolled_back_under_a_new_snapshot_are_refused() -> None:
    server, collection = published()
    old = server.files[TARGETS]
    server.publish_all(sign_tag(collection, "v1", manifest("one"), [OWNER], NOW))
    memory = server.walk().memory
    server.files[TARGETS] = old
    resigned_snapshot(server, 9)

    with pytest.raises(MetadataRolledBack) as caught:
        server.walk(memory)
    assert caught.value.role == TARGETS


@pytest.mark.parametrize("role", [ROOT, SNAPSHOT, TARGETS, RELEASES])
def test_genuine_files_of_two_moments_do_not_mix(role: str) -> None:
    server = signed_server()
    old = server.files[role]
    collection = server_collection(server)
    collection = sign_tag(collection, "v3", manifest("three"), [OWNER], NOW)
    collection = sign_tag(collection, "v4", manifest("four"), [ALICE], NOW, role=RELEASES)
    both = [rooted("root"), rooted("second")]
    collection = rotate(collection, ROOT, RoleKeys.of([each.key for each in both], 1), both, NOW)
    server.publish_all(collection)
    server.files[role] = old

    with pytest.raises(MetadataMixed) as caught:
        server.walk()
    assert caught.value.role == role


@pytest.mark.parametrize("role", [SNAPSHOT, TARGETS, RELEASES])
@pytest.mark.parametrize("change", [lambda raw: raw[:-1], lambda raw: raw.replace(b"20", b"21", 1)])
def test_a_changed_file_is_refused(role: str, change: Callable[[bytes], bytes]) -> None:
    server = signed_server()
    server.files[role] = change(server.files[role])

    with pytest.raises(MetadataChanged):
        server.walk()


def test_a_file_that_is_too_long_is_not_fetched() -> None:
    server = signed_server()
    snapshot = Snapshot.read(Signed.read(server.files[SNAPSHOT], SNAPSHOT))
    entries = {**snapshot.entries, TARGETS: replace(snapshot.entries[TARGETS], length=FILE_LIMIT + 1)}
    content = replace(snapshot, version=9, entries=entries).content
    may = RoleKeys.of([SERVER.snapshot[0].key])
    server.files[SNAPSHOT] = signed_by(GUN, SNAPSHOT, content, may, SERVER.snapshot)
    resigned_timestamp(server, 9)

    with pytest.raises(TrustInvalid):
        server.walk()


@pytest.mark.parametrize("role", [TIMESTAMP, SNAPSHOT, TARGETS, RELEASES])
def test_a_withheld_file_is_refused(role: str) -> None:
    server = signed_server()
    del server.files[role]

    with pytest.raises(MetadataMissing):
        server.walk()
