"""Content trust by Notary v1: tags signed and resolved, what must not be believed, and what others do meanwhile."""

from __future__ import annotations

import threading

import pytest

from lading.errors import LadingError
from lading.oci.reference import Reference
from lading.proof.tuf_json import Signed
from lading.proof.tuf_refusals import (
    DigestSwapped,
    MetadataExpired,
    MetadataMissing,
    MetadataMixed,
    MetadataRolledBack,
    RootForeign,
    SignerMissing,
    TagUnsigned,
    ThresholdNotMet,
    TrustAbsent,
)
from lading.proof.tuf_roles import ROOT, TARGETS, TIMESTAMP
from lading.proof.tuf_walk import Pin
from lading.services.notary.refusals import DigestUnsigned
from tests.fakes.notary import NEVER, ONE, REPOSITORY, TWO, Client, KeysInMemory, counting_random, owner
from tests.fakes.trust_repository import GUN, NOW, TrustServer, new_collection

DAY = 86_400


# ── signing and resolving


def test_the_first_signature_sets_the_repository_up() -> None:
    client = Client()

    signed = client.trust.sign(client.tag("v1"), ONE, NEVER)

    assert (signed.roles, signed.initialised, signed.digest) == ((TARGETS,), True, ONE.digest)
    assert [(each.role, each.gun) for each in client.keys.all()].count((ROOT, "")) == 1
    assert [(each.role, each.gun) for each in client.keys.all()].count((TARGETS, GUN)) == 1


def test_a_tag_resolves_to_the_digest_and_size_that_were_signed() -> None:
    found = owner().another("reader").trust.resolve(Reference(REPOSITORY, "v1"), NEVER)

    assert (found.digest, found.size, found.role, found.signers) == (ONE.digest, ONE.size, TARGETS, ())


def test_one_root_key_serves_for_all_repositories() -> None:
    client = owner()
    other = Reference.parse("registry.example/team/other").repository
    client.server.service.server = TrustServer(str(other))
    client.repository = other

    client.trust.sign(client.tag("v1"), ONE, NEVER)

    assert [each.role for each in client.keys.all()].count(ROOT) == 1


def test_a_second_tag_is_signed_beside_the_first() -> None:
    client = owner()

    signed = client.trust.sign(client.tag("v2"), TWO, NEVER)

    assert not signed.initialised
    assert client.digests() == {"v1": ONE.digest.encoded, "v2": TWO.digest.encoded}


def test_a_digest_alone_is_trusted_where_a_tag_is_signed_as_it() -> None:
    client = owner()

    assert client.trust.resolve(Reference(REPOSITORY, None, ONE.digest), NEVER).tag == "v1"
    with pytest.raises(DigestUnsigned):
        client.trust.resolve(Reference(REPOSITORY, None, TWO.digest), NEVER)


def test_a_tag_with_another_digest_is_refused() -> None:
    client = owner()

    with pytest.raises(DigestSwapped):
        client.trust.resolve(Reference(REPOSITORY, "v1", TWO.digest), NEVER)


def test_an_unsigned_tag_and_an_unsigned_repository_are_told_apart() -> None:
    with pytest.raises(TagUnsigned):
        owner().trust.resolve(Reference(REPOSITORY, "v9"), NEVER)
    with pytest.raises(TrustAbsent):
        Client().trust.resolve(Reference(REPOSITORY, "v1"), NEVER)


def test_who_is_to_sign_is_told_beforehand_that_no_key_may() -> None:
    stranger = owner().another("eve")

    with pytest.raises(SignerMissing):
        stranger.trust.prepare(stranger.tag("v2"), NEVER)

    assert stranger.keys.all() == []


def test_what_is_prepared_publishes_nothing_and_is_signed_with_the_keys_that_were_made_for_it() -> None:
    client = Client()

    client.trust.prepare(client.tag("v1"), NEVER)
    made = client.keys.all()
    with pytest.raises(TrustAbsent):
        client.trust.inspect(REPOSITORY, NEVER)
    client.trust.sign(client.tag("v1"), ONE, NEVER)

    assert client.keys.all() == made
    client.trust.prepare(client.tag("v2"), NEVER)
    assert client.digests() == {"v1": ONE.digest.encoded}


def test_who_lacks_the_repositorys_key_signs_nothing() -> None:
    stranger = owner().another("stranger")

    with pytest.raises(SignerMissing):
        stranger.trust.sign(stranger.tag("v1"), TWO, NEVER)


# ── what is remembered, and what must not be believed


def test_an_older_repository_is_refused_after_a_newer_one_was_seen() -> None:
    client = owner()
    files, roots = dict(client.server.service.server.files), dict(client.server.service.server.roots)
    client.trust.sign(client.tag("v1"), TWO, NEVER)
    client.server.service.server.files, client.server.service.server.roots = files, roots

    with pytest.raises(MetadataRolledBack) as refused:
        client.trust.resolve(client.tag("v1"), NEVER)

    assert refused.value.role == TIMESTAMP
    assert Client(client.server).digests() == {"v1": ONE.digest.encoded}  # who saw nothing newer cannot know


def test_another_root_is_refused_where_one_is_known() -> None:
    client, other = owner(), Client(keys=KeysInMemory(counting_random("other")))
    other.trust.sign(other.tag("v1"), TWO, NEVER)
    client.server.service = other.server.service

    with pytest.raises(RootForeign):
        client.trust.resolve(client.tag("v1"), NEVER)
    client.trust.forget(REPOSITORY)

    assert client.digests() == {"v1": TWO.digest.encoded}


def test_a_pinned_root_is_the_only_one_believed() -> None:
    client = owner()
    ids = client.trust.inspect(REPOSITORY, NEVER).root_keys
    foreign = Pin(frozenset({"0" * 64}))

    assert client.another("reader").trust.resolve(client.tag("v1"), NEVER, Pin(frozenset(ids))).digest == ONE.digest
    with pytest.raises(RootForeign):
        client.another("reader").trust.resolve(client.tag("v1"), NEVER, foreign)


def test_metadata_is_refused_when_its_time_is_over() -> None:
    client = owner()
    client.now = NOW + 15 * DAY

    with pytest.raises(MetadataExpired) as refused:
        client.trust.resolve(client.tag("v1"), NEVER)

    assert refused.value.role == TIMESTAMP


def test_a_root_replaced_during_the_walk_is_walked_again() -> None:
    client, reader = owner(), owner()
    reader = client.another("reader")
    client.server.before_fetch[TIMESTAMP] = lambda: client.trust.rotate(REPOSITORY, ROOT, NEVER)

    assert reader.digests() == {"v1": ONE.digest.encoded}


def test_metadata_of_two_moments_is_refused() -> None:
    """The attacker holds the targets back and serves the rest: a mix that no single moment had."""
    client = owner()
    service = client.server.service
    before = service.server.files[TARGETS]
    client.trust.sign(client.tag("v1"), TWO, NEVER)
    newest = service.server.files[TARGETS]
    for kept, raw in list(service.kept.items()):
        if raw == newest:
            service.kept[kept] = before

    with pytest.raises(MetadataMixed):
        Client(client.server).trust.resolve(client.tag("v1"), NEVER)


def test_signing_does_not_start_anew_where_the_metadata_has_vanished() -> None:
    client = owner()
    client.server.service.server.files.clear()

    with pytest.raises(MetadataMissing) as refused:
        client.trust.sign(client.tag("v1"), ONE, NEVER)

    assert "signed before" in (refused.value.hint or "")


def test_what_was_deleted_on_purpose_may_be_set_up_anew_once_it_is_forgotten() -> None:
    client = owner()

    client.server.service.server.files.clear()
    client.trust.forget(REPOSITORY)

    assert client.trust.sign(client.tag("v2"), TWO, NEVER).initialised
    assert client.digests() == {"v2": TWO.digest.encoded}


def test_a_threshold_that_is_not_met_is_refused() -> None:
    client = Client()
    client.server.publish(GUN, dict(new_collection(threshold=2).files), NEVER)
    server = client.server.service.server
    signed = Signed.read(server.files[ROOT], ROOT)
    server.files[ROOT] = Signed(signed.content, signed.signatures[:1]).raw

    with pytest.raises(ThresholdNotMet):
        client.trust.resolve(client.tag("v1"), NEVER)


# ── somebody else publishes


def test_who_was_too_late_signs_on_top_of_the_other() -> None:
    client = owner()
    twin = Client(client.server, client.keys)
    client.server.before_publish.append(lambda: twin.trust.sign(twin.tag("v2"), TWO, NEVER))

    client.trust.sign(client.tag("v3"), ONE, NEVER)

    assert sorted(client.digests()) == ["v1", "v2", "v3"]


def test_who_was_too_late_to_set_up_joins_where_the_keys_allow_it() -> None:
    client = Client()
    twin = Client(client.server, client.keys)
    client.server.before_publish += [lambda: None, lambda: twin.trust.sign(twin.tag("v2"), TWO, NEVER)]

    signed = client.trust.sign(client.tag("v1"), ONE, NEVER)

    assert not signed.initialised
    assert sorted(client.digests()) == ["v1", "v2"]


def test_a_refusal_that_nobody_caused_is_told() -> None:
    client = owner()
    client.now = NOW - 10 * 365 * DAY  # what it signs is expired for the server

    with pytest.raises(LadingError):
        client.trust.sign(client.tag("v2"), TWO, NEVER)
    assert client.server.published == 1


def test_many_who_sign_at_once_all_get_through() -> None:
    client = owner()
    failed: list[Exception] = []

    def sign(number: int) -> None:
        try:
            client.trust.sign(client.tag(f"v{number}"), ONE, NEVER)
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=sign, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert set(client.digests()) == {"v0", "v1", "v2", "v3"}
