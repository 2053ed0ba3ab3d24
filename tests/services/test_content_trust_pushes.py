"""The switch and the policy of content trust: what is signed as it is pushed or copied."""

from __future__ import annotations

import pytest

from lading.oci.descriptor import Descriptor
from lading.oci.manifest import parse_manifest
from lading.oci.media_types import MANIFEST_TYPES
from lading.oci.reference import Reference, Repository
from lading.proof.tuf_refusals import SignerMissing
from lading.proof.tuf_walk import Pin
from lading.services.content.stores import FullStore
from lading.services.environments.orders import SignTags
from lading.services.notary.refusals import TrustServerUnreachable
from lading.services.places import Archive, DockerImage, Layout, Named
from lading.services.transfers.transfers import Options
from lading.services.trust.content_trust import SigningKeyMissing
from lading.services.trust.policy import NotarySigner, TrustPolicy, TrustRule
from lading.services.trust.transfer_trust import Settled
from lading.services.trust.trust import NotTrusted, SignatureForm
from lading.services.trust_modes import Mode
from lading.wire.message import Cancel
from lading.wire.progress import Report
from tests.fakes.images import put_image
from tests.fakes.memory import MemoryStore
from tests.services.transferring import REF, WEB
from tests.services.trusting import (
    BUNDLES,
    CANCEL,
    OTHER,
    Trusting,
    pulled,
    rule,
)


@pytest.fixture
def house() -> Trusting:
    return Trusting()


# ── push


def test_what_is_pushed_is_signed_before_its_tag_moves(house: Trusting) -> None:
    root = put_image(house.places.own, tag=REF)

    (moved,) = house.push(REF, options=Options(trust=house.trust(trust_server=True)))

    assert moved.error is None
    assert pulled(house, house.trust()).error is None
    assert house.notary.signed[REF].digest == root.digest
    assert house.notary.signed[REF].size == root.size
    (signature,) = house.web.referrers(root.digest)
    asked = house.web.asked
    assert asked.index(f"push {root.digest}") < asked.index(f"push {signature.digest}")
    assert asked.index(f"push {signature.digest}") < asked.index(f"tag {root.digest} 1")
    assert "signed at the trust server" in house.notes()


def test_a_signature_that_fails_leaves_no_tag(house: Trusting) -> None:
    put_image(house.places.own, tag=REF)
    house.notary.broken = TrustServerUnreachable("notary.test", "connection refused")

    (moved,) = house.push(REF, options=Options(trust=house.trust(key=None)))

    assert isinstance(moved.error, TrustServerUnreachable)
    assert not house.web.names


def test_where_no_key_may_sign_nothing_is_sent_and_other_targets_are_served(house: Trusting) -> None:
    root = put_image(house.places.own, tag=REF)
    house.notary.lacking = SignerMissing(str(WEB), "targets")
    by_notary = TrustRule(("registry.test/*",), Mode.ENFORCE, (NotarySigner(Pin(first_use=True)),))

    refused, arrived = house.push(REF, REF, OTHER, options=Options(trust=house.trust(policy=TrustPolicy((by_notary,)))))

    assert isinstance(refused.error, SignerMissing)
    assert root.digest not in house.web.blobs
    assert arrived.error is None


def test_each_tag_and_each_target_has_its_own_signature(house: Trusting) -> None:
    root = put_image(house.places.own, tag=REF)
    targets = [REF, "registry.test/acme/web:2", OTHER]

    house.push(REF, *targets, options=Options(trust=house.trust()))

    other = house.places.registry(Repository("other.test", "web"))
    assert (house.signatures_of(root.digest), house.signatures_of(root.digest, other)) == (2, 1)
    for target in targets:
        assert pulled(house, house.trust(), target).error is None


def test_one_target_that_cannot_be_signed_does_not_keep_the_others_from_arriving(house: Trusting) -> None:
    put_image(house.places.own, tag=REF)
    trust = house.trust()

    class Failing(Settled):
        """Signs in one repository alone."""

        def signing(self, repository: Repository, report: Report, cancel: Cancel) -> SignTags | None:
            return trust.signing(repository, report, cancel) if repository == WEB else _refusing

    first, second = house.push(REF, REF, OTHER, options=Options(trust=Failing()))

    assert first.error is None
    assert list(house.web.names) == ["1"]
    assert isinstance(second.error, TrustServerUnreachable)
    assert not house.places.registry(Repository("other.test", "web")).names


def _refusing(references: object, root: Descriptor, store: FullStore) -> None:
    raise TrustServerUnreachable("notary.test", "connection refused")


def test_the_same_push_again_heaps_up_no_signatures_but_a_tag_that_comes_back_is_signed_anew(house: Trusting) -> None:
    put_image(house.places.own, [b"old"], tag=REF)
    options = Options(trust=house.trust())
    house.push(REF, options=options)
    (old,) = [house.web.names["1"]]
    house.push(REF, options=options)
    assert house.signatures_of(old.digest) == 1

    put_image(house.places.own, [b"new"], tag=REF)
    house.now += 10
    house.push(REF, options=options)
    pulled(house, house.trust())
    house.now += 10
    house.places.own.names[REF] = old
    house.push(REF, options=options)

    assert house.signatures_of(old.digest) == 2
    assert pulled(house, house.trust()).root.digest == old.digest


def test_what_stands_there_unsigned_is_signed_by_the_next_push(house: Trusting) -> None:
    root = put_image(house.places.own, tag=REF)
    house.push(REF)
    assert house.signatures_of(root.digest) == 0

    (moved,) = house.push(REF, options=Options(trust=house.trust()))

    assert moved.error is None
    assert pulled(house, house.trust()).error is None


def test_signatures_are_written_in_the_forms_that_are_wanted_and_one_that_lacks_is_added(house: Trusting) -> None:
    put_image(house.places.own, tag=REF)
    both = (SignatureForm.BUNDLE, SignatureForm.SIMPLE)
    for forms in (BUNDLES, both, both):
        house.push(REF, options=Options(trust=house.trust(forms=forms)))
        house.now += 1

    found = house.trust().verify(Reference.parse(REF), CANCEL).signatures

    assert sorted(each.form for each in found) == ["cosign-sig", "sigstore-bundle", "sigstore-bundle"]


@pytest.mark.parametrize(
    ("switched", "policy", "signed"),
    [
        (True, None, True),
        (False, None, False),
        (False, rule(Mode.ENFORCE), False),
        (True, rule(Mode.ENFORCE), True),
        (True, rule(Mode.REPORT), True),
        (True, rule(Mode.OFF), False),
    ],
)
def test_the_switch_signs_and_a_rule_may_leave_it_out(
    house: Trusting, switched: bool, policy: TrustPolicy | None, signed: bool
) -> None:
    root = put_image(house.places.own, tag=REF)

    house.push(REF, options=Options(trust=house.trust(switched=switched, policy=policy)))

    assert bool(house.signatures_of(root.digest)) is signed


def test_without_a_key_for_it_nothing_is_sent(house: Trusting) -> None:
    put_image(house.places.own, tag=REF)
    trust = house.trust(key=None, policy=rule(Mode.ENFORCE))

    with pytest.raises(SigningKeyMissing):
        house.push(REF, options=Options(trust=trust))

    assert not house.web.blobs


def test_a_rule_of_the_policy_that_accepts_notary_is_signed_there(house: Trusting) -> None:
    put_image(house.places.own, tag=REF)
    policy = rule(Mode.ENFORCE, "*", NotarySigner(Pin(first_use=True)))

    house.push(REF, options=Options(trust=house.trust(key=None, policy=policy)))

    assert list(house.notary.signed) == [REF]


def test_keys_that_were_made_for_it_are_told_of_once(house: Trusting) -> None:
    put_image(house.places.own, tag=REF)
    options = Options(trust=house.trust(key=None))

    house.push(REF, options=options)
    first = [note for note in house.notes() if "root key" in note]
    house.push(REF, options=options)

    assert len(first) == 1
    assert [note for note in house.notes() if "root key" in note] == first


def test_a_dry_run_signs_nothing(house: Trusting) -> None:
    put_image(house.places.own, tag=REF)

    (moved,) = house.push(REF, options=Options(dry_run=True, trust=house.trust(trust_server=True)))

    assert moved.planned
    assert (house.opened, house.notary.signed, house.web.blobs) == (0, {}, {})


# ── copy


def test_a_copy_verifies_its_source_and_signs_its_targets(house: Trusting) -> None:
    root = put_image(house.web, tag="1")
    options = Options(trust=house.trust())

    with pytest.raises(NotTrusted):
        house.transfers.copy(Named(REF), [Named(OTHER)], house.call(options))
    house.sign()
    (moved,) = house.transfers.copy(Named(REF), [Named(OTHER)], house.call(options))

    assert (moved.error, moved.root.digest) == (None, root.digest)
    assert pulled(house, house.trust(), OTHER).error is None


def test_a_docker_host_is_given_what_was_verified(house: Trusting) -> None:
    put_image(house.web, tag="1")
    options = Options(trust=house.trust())

    with pytest.raises(NotTrusted):
        house.transfers.copy(Named(REF), [DockerImage("")], house.call(options))

    assert not house.places.docker


@pytest.mark.parametrize("source", [Layout("/l", "v1"), Archive("a.tar"), DockerImage("web:1")])
def test_what_comes_from_elsewhere_is_signed_on_its_way_to_a_registry(
    house: Trusting, source: Layout | Archive | DockerImage
) -> None:
    for place in (house.places.layout("/l"), MemoryStore("a"), MemoryStore("d")):
        put_image(place, tag="v1")
        house.places.archives["a.tar"] = house.places.docker["web:1"] = place

    house.transfers.push(source, [Named(REF)], house.call(Options(trust=house.trust())))

    assert pulled(house, house.trust()).error is None


def test_what_travels_beside_an_image_is_not_asked_for_signatures_of_its_own(house: Trusting) -> None:
    root = put_image(house.web, tag="1")
    house.sign()

    house.transfers.copy(Named(REF), [Named(OTHER)], house.call(Options(trust=house.trust())))

    other = house.places.registry(Repository("other.test", "web"))
    manifests = [each for each in other.held.values() if each.media_type in MANIFEST_TYPES]
    subjects = [parse_manifest(other.blobs[each.digest], each.media_type) for each in manifests]
    assert len(subjects) == 1 + house.signatures_of(root.digest, other)
