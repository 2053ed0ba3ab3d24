"""Content trust by Notary v1: who may sign, what is revoked, and keys that take the place of others."""

from __future__ import annotations

import hashlib

import pytest

from lading.errors import LadingError
from lading.oci.reference import Reference
from lading.proof.tuf_json import Signed
from lading.proof.tuf_keys import SigningKey
from lading.proof.tuf_metadata import Targets
from lading.proof.tuf_publish import renew
from lading.proof.tuf_refusals import (
    SignerMissing,
    SignerRevoked,
    TagUnsigned,
)
from lading.proof.tuf_roles import RELEASES, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from lading.services.notary.refusals import LastSigner, SignerReserved, SignerUnknown
from tests.fakes.notary import NEVER, ONE, REPOSITORY, TWO, Client, joined, owner
from tests.fakes.trust_repository import GUN, NOW, SERVER, TrustServer, signer

DAY = 86_400


# ── signers


def test_a_signer_signs_in_a_delegation_of_the_own_name_and_in_releases() -> None:
    client = owner()
    alice, key = joined(client, "alice")

    signed = alice.trust.sign(alice.tag("v2"), TWO, NEVER)
    found = client.trust.resolve(client.tag("v2"), NEVER)

    assert set(signed.roles) == {"targets/alice", RELEASES}
    assert (found.role, found.signers, found.keys) == (RELEASES, ("alice",), frozenset({key.id}))


def test_releases_come_before_what_the_owner_signed() -> None:
    client = owner()
    alice, _ = joined(client, "alice")

    alice.trust.sign(alice.tag("v1"), TWO, NEVER)

    assert client.trust.resolve(client.tag("v1"), NEVER).digest == TWO.digest


def test_the_owner_signs_on_what_no_signer_released() -> None:
    client = owner()
    joined(client, "alice")

    assert client.trust.sign(client.tag("v2"), TWO, NEVER).roles == (TARGETS,)
    assert client.trust.resolve(client.tag("v2"), NEVER).digest == TWO.digest


def test_the_owner_signs_nothing_that_a_signer_would_hide() -> None:
    client = owner()
    alice, _ = joined(client, "alice")
    alice.trust.sign(alice.tag("v1"), ONE, NEVER)

    with pytest.raises(SignerMissing) as refused:
        client.trust.sign(client.tag("v1"), TWO, NEVER)

    assert (refused.value.role, "alice" in (refused.value.hint or "")) == (RELEASES, True)


def test_an_unsigned_repository_is_set_up_for_its_first_signer() -> None:
    client = Client()
    alice = client.another("alice")

    begun = client.trust.add_signer("alice", REPOSITORY, [SigningKey(alice.keys.make("alice")).key], NEVER)
    alice.trust.sign(alice.tag("v1"), ONE, NEVER)

    assert begun
    assert client.digests() == {"v1": ONE.digest.encoded}


def test_a_signer_gets_more_keys_and_keeps_the_old() -> None:
    client = owner()
    alice, first = joined(client, "alice")
    second = SigningKey(alice.keys.make("alice")).key

    client.trust.add_signer("alice", REPOSITORY, [second], NEVER)
    [shown] = client.trust.inspect(REPOSITORY, NEVER).signers

    assert (shown.name, set(shown.keys), shown.paths) == ("alice", {first.id, second.id}, ("",))


def test_a_signer_of_some_tags_signs_no_others() -> None:
    client = owner()
    alice, _ = joined(client, "alice")
    bob = client.another("bob")
    client.trust.add_signer("bob", REPOSITORY, [SigningKey(bob.keys.make("bob")).key], NEVER, paths=["dev-"])

    assert bob.trust.sign(bob.tag("dev-1"), ONE, NEVER).roles == ("targets/bob",)
    assert client.trust.resolve(client.tag("dev-1"), NEVER).signers == ("bob",)
    with pytest.raises(SignerMissing):
        bob.trust.sign(bob.tag("v2"), TWO, NEVER)
    assert alice.trust.sign(alice.tag("dev-1"), TWO, NEVER).roles == ("targets/alice", RELEASES)
    with pytest.raises(SignerMissing):  # what is released comes first
        bob.trust.sign(bob.tag("dev-1"), ONE, NEVER)


@pytest.mark.parametrize("name", ["releases", "alice/bob", "Alice", ""])
def test_names_that_no_signer_can_have(name: str) -> None:
    client = owner()

    with pytest.raises((SignerReserved, LadingError)):
        client.trust.add_signer(name, REPOSITORY, [signer("alice").key], NEVER)
    assert client.trust.inspect(REPOSITORY, NEVER).signers == ()


def test_a_signer_who_goes_takes_the_right_along() -> None:
    client = owner()
    alice, _ = joined(client, "alice")
    bob, _ = joined(client, "bob")
    alice.trust.sign(alice.tag("v2"), TWO, NEVER)
    bob.trust.sign(bob.tag("v3"), ONE, NEVER)

    client.trust.remove_signer("alice", REPOSITORY, NEVER)

    assert [each.name for each in client.trust.inspect(REPOSITORY, NEVER).signers] == ["bob"]
    with pytest.raises(SignerMissing):
        alice.trust.sign(alice.tag("v4"), TWO, NEVER)


def test_the_last_signer_goes_only_when_insisted_on() -> None:
    client = owner()
    alice, _ = joined(client, "alice")
    joined(client, "bob")
    alice.trust.sign(alice.tag("v2"), TWO, NEVER)

    with pytest.raises(LastSigner):
        client.trust.remove_signer("alice", REPOSITORY, NEVER)
    client.trust.remove_signer("alice", REPOSITORY, NEVER, force=True)

    with pytest.raises(SignerRevoked):
        client.trust.resolve(client.tag("v2"), NEVER)
    assert RELEASES in client.trust.inspect(REPOSITORY, NEVER).broken


def test_what_the_revoked_signed_is_not_signed_again_by_whoever_comes_next() -> None:
    client = owner()
    alice, _ = joined(client, "alice")
    bob, _ = joined(client, "bob")
    alice.trust.sign(alice.tag("evil"), TWO, NEVER)
    client.trust.remove_signer("alice", REPOSITORY, NEVER, force=True)

    bob.trust.sign(bob.tag("v3"), ONE, NEVER)

    assert set(client.digests()) == {"v1", "v3"}


def test_a_key_that_two_signers_share_stays_with_the_other() -> None:
    client = owner()
    alice, key = joined(client, "alice")
    client.trust.add_signer("twin", REPOSITORY, [key], NEVER)
    alice.trust.sign(alice.tag("v2"), TWO, NEVER)

    client.trust.remove_signer("alice", REPOSITORY, NEVER)

    assert client.trust.resolve(client.tag("v2"), NEVER).signers == ("twin",)


def test_a_signer_who_is_none_cannot_go() -> None:
    client = owner()
    joined(client, "alice")

    with pytest.raises(SignerUnknown) as refused:
        client.trust.remove_signer("bob", REPOSITORY, NEVER)
    assert refused.value.hint == "Its signers are: alice."


def test_a_signer_who_comes_back_is_a_new_one() -> None:
    client = owner()
    alice, key = joined(client, "alice")
    alice.trust.sign(alice.tag("v2"), TWO, NEVER)
    client.trust.remove_signer("alice", REPOSITORY, NEVER, force=True)

    client.trust.add_signer("alice", REPOSITORY, [key], NEVER)
    alice.trust.sign(alice.tag("v3"), ONE, NEVER)

    assert client.trust.resolve(client.tag("v3"), NEVER).signers == ("alice",)


# ── revoking


def test_a_revoked_tag_is_signed_no_longer() -> None:
    client = owner()

    done = client.trust.revoke(client.tag("v1"), NEVER)

    assert (done.roles, done.left) == ((TARGETS,), ())
    with pytest.raises(TagUnsigned):
        client.trust.resolve(client.tag("v1"), NEVER)
    with pytest.raises(TagUnsigned):
        client.trust.revoke(client.tag("v1"), NEVER)


def test_a_signer_revokes_what_the_own_keys_signed_and_says_what_is_left() -> None:
    client = owner()
    alice, _ = joined(client, "alice")
    alice.trust.sign(alice.tag("v1"), TWO, NEVER)

    done = alice.trust.revoke(alice.tag("v1"), NEVER)

    assert (set(done.roles), done.left) == ({"targets/alice", RELEASES}, (TARGETS,))


def test_all_tags_are_revoked_in_one_update() -> None:
    client = owner()
    client.trust.sign(client.tag("v2"), TWO, NEVER)
    before = client.server.published

    done = client.trust.revoke_all(REPOSITORY, NEVER)

    assert [each.tag for each in done] == ["v1", "v2"]
    assert (client.digests(), client.server.published) == ({}, before + 1)


# ── keys


@pytest.mark.parametrize("role", [ROOT, TARGETS, SNAPSHOT, TIMESTAMP])
def test_every_key_can_be_replaced_and_readers_follow(role: str) -> None:
    client = owner()
    reader = client.another("reader")
    assert reader.digests() == {"v1": ONE.digest.encoded}
    before = client.trust.inspect(REPOSITORY, NEVER)

    made = client.trust.rotate(REPOSITORY, role, NEVER)
    client.trust.sign(client.tag("v2"), TWO, NEVER)
    after = reader.trust.inspect(REPOSITORY, NEVER)

    assert {each.tag for each in after.tags} == {"v1", "v2"}
    assert (before.root_keys == after.root_keys) == (role != ROOT)
    assert (before.repository_keys == after.repository_keys) == (role != TARGETS)
    assert made in {ROOT: after.root_keys, TARGETS: after.repository_keys}.get(role, [made])


def test_no_repository_is_begun_with_a_root_key_that_was_replaced() -> None:
    client = owner()
    for _ in range(3):
        client.trust.rotate(REPOSITORY, ROOT, NEVER)
    newest = client.trust.inspect(REPOSITORY, NEVER).root_keys
    other = Reference.parse("registry.example/team/other").repository
    client.server.service.server, client.repository = TrustServer(str(other)), other

    client.trust.sign(client.tag("v1"), ONE, NEVER)

    assert client.trust.inspect(other, NEVER).root_keys == newest


def test_who_lacks_the_root_key_replaces_none_and_makes_none() -> None:
    stranger = owner().another("stranger")

    with pytest.raises(SignerMissing):
        stranger.trust.rotate(REPOSITORY, TARGETS, NEVER)
    assert stranger.keys.all() == []


def test_inspecting_shows_when_each_role_ends() -> None:
    client = owner()

    expires = client.trust.inspect(REPOSITORY, NEVER).expires

    raw = client.server.service.server.files[TARGETS]
    assert expires[TARGETS] == Targets.read(Signed.read(raw, TARGETS), TARGETS).expires
    assert expires[ROOT] > NOW + 9 * 365 * DAY
    assert NOW + 13 * DAY < expires[TIMESTAMP] <= NOW + 14 * DAY
    assert NOW + 2 * 365 * DAY < expires[SNAPSHOT] < expires[ROOT]


def test_who_signs_keeps_alive_what_ends_soon() -> None:
    client = owner()
    alice, _ = joined(client, "alice")
    for kept in client.keys.all():
        if kept.role == TARGETS:
            alice.keys.keep(client.keys.open(kept.id), kept.role, kept.gun)
    server = client.server.service.server
    before = server.files[TARGETS]

    alice.trust.sign(alice.tag("v2"), TWO, NEVER)
    assert server.files[TARGETS] == before  # it holds for years

    later = NOW + 3 * 365 * DAY - 100 * DAY
    client.server.service.now = alice.now = later
    server.files |= renew(GUN, server.files, SERVER, later)
    client.server.service.kept |= {hashlib.sha256(raw).hexdigest(): raw for raw in server.files.values()}
    alice.trust.sign(alice.tag("v3"), TWO, NEVER)

    assert alice.trust.inspect(REPOSITORY, NEVER).expires[TARGETS] > later + 2 * 365 * DAY
    assert {"v1", "v2", "v3"} == set(alice.digests())


def test_what_the_revoked_signed_is_not_renewed() -> None:
    client = owner()
    alice, _ = joined(client, "alice")
    joined(client, "bob")
    alice.trust.sign(alice.tag("evil"), TWO, NEVER)
    client.trust.remove_signer("alice", REPOSITORY, NEVER, force=True)
    server = client.server.service.server
    bob = SigningKey(client.keys.make("bob"))
    client.trust.add_signer("bob", REPOSITORY, [bob.key], NEVER)
    later = NOW + 3 * 365 * DAY - 100 * DAY
    client.server.service.now = client.now = later
    server.files |= renew(GUN, server.files, SERVER, later)
    client.server.service.kept |= {hashlib.sha256(raw).hexdigest(): raw for raw in server.files.values()}

    client.trust.rotate(REPOSITORY, TARGETS, NEVER)

    assert set(client.digests()) == {"v1"}


@pytest.mark.parametrize("keeps", [True, False])
def test_who_missed_that_a_signer_was_away_takes_it_for_no_attack(keeps: bool) -> None:
    client, reader = owner(), Client()
    reader.server = client.server
    alice, key = joined(client, "alice")
    for _ in range(3):
        alice.trust.sign(alice.tag("v2"), TWO, NEVER)
    assert reader.trust.resolve(client.tag("v2"), NEVER).signers == ("alice",)
    client.trust.remove_signer("alice", REPOSITORY, NEVER, force=True)
    if not keeps:  # what is published no longer, some servers have no longer
        for role in ("targets/alice", RELEASES):
            del client.server.service.server.files[role]
    client.trust.add_signer("alice", REPOSITORY, [key], NEVER)

    alice.trust.sign(alice.tag("v3"), ONE, NEVER)

    assert reader.trust.resolve(client.tag("v3"), NEVER).signers == ("alice",)


def test_what_a_signer_who_comes_back_signed_before_stays_revoked() -> None:
    client = owner()
    alice, key = joined(client, "alice")
    alice.trust.sign(alice.tag("v2"), TWO, NEVER)
    client.trust.remove_signer("alice", REPOSITORY, NEVER, force=True)
    client.trust.add_signer("alice", REPOSITORY, [key], NEVER)

    client.trust.sign(client.tag("v3"), ONE, NEVER)  # somebody else's update makes the next snapshot

    assert set(client.digests()) == {"v1", "v3"}
