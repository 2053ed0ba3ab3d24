"""The switch and the policy of content trust: which rule decides, and what a pull makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lading.errors import LadingError
from lading.oci.digest import Digest
from lading.oci.reference import Reference, Repository, fallback_tag
from lading.proof.signing_keys import PrivateKey
from lading.proof.tuf_refusals import MetadataExpired, MetadataRolledBack
from lading.proof.tuf_walk import Pin
from lading.services.environments.orders import SignTags
from lading.services.notary.refusals import TrustServerUnreachable
from lading.services.transfers.transfers import Options
from lading.services.trust.policy import KeySigner, NotarySigner, TrustPolicy, TrustRule
from lading.services.trust.trust import NotTrusted
from lading.services.trust_modes import Mode
from lading.wire.message import Cancel
from lading.wire.progress import Report
from tests.fakes.images import put_image, put_index
from tests.services.transferring import REF, WEB
from tests.services.trusting import (
    CANCEL,
    EVE,
    NOW,
    OURS,
    Trusting,
    pulled,
    rule,
)


@pytest.fixture
def house() -> Trusting:
    return Trusting()


# ── which rule decides


@pytest.mark.parametrize(
    ("switched", "policy", "text", "asked"),
    [
        (False, None, REF, False),
        (True, None, REF, True),
        (True, None, "registry.test/acme/web", True),
        (True, None, f"registry.test/acme/web@{Digest.of(b'x')}", False),
        (True, None, f"{REF}@{Digest.of(b'x')}", True),
        (False, rule(Mode.ENFORCE), REF, True),
        (False, rule(Mode.REPORT), REF, True),
        (False, rule(Mode.ENFORCE, "other.test/*"), REF, False),
        (True, rule(Mode.ENFORCE, "other.test/*"), REF, True),
        (True, rule(Mode.OFF), REF, False),
        (False, rule(Mode.ENFORCE), f"registry.test/acme/web@{Digest.of(b'x')}", True),
    ],
)
def test_the_policy_decides_where_it_names_the_image_and_else_the_switch(
    house: Trusting, switched: bool, policy: TrustPolicy | None, text: str, asked: bool
) -> None:
    assert house.trust(switched=switched, policy=policy).asks(Reference.parse(text)) is asked


def test_one_call_adds_to_the_switch_and_takes_nothing_away(house: Trusting) -> None:
    reference = Reference.parse(REF)

    assert house.trust(switched=False).asks(reference, switched=True)
    assert house.trust(switched=False).signs(WEB, switched=True)
    assert house.trust(switched=True).asks(reference, switched=False)


@pytest.mark.parametrize(
    ("key", "trust_server", "signers"),
    [
        (None, False, [NotarySigner(Pin(first_use=True))]),
        (OURS, False, [KeySigner("trust-key", OURS.public)]),
        (OURS, True, [KeySigner("trust-key", OURS.public), NotarySigner(Pin(first_use=True))]),
    ],
)
def test_the_built_in_rule_accepts_our_key_or_notary_and_binds_the_tag(
    house: Trusting, key: PrivateKey | None, trust_server: bool, signers: list[KeySigner | NotarySigner]
) -> None:
    put_image(house.web, tag="1")

    verdict = house.trust(key=key, trust_server=trust_server).verify(Reference.parse(REF), CANCEL)

    assert verdict.rule == TrustRule(("*",), Mode.ENFORCE, tuple(signers), bind_tag=True)


# ── pull


def test_what_nobody_signed_is_refused_and_nothing_of_it_comes(house: Trusting) -> None:
    put_image(house.web, tag="1")

    with pytest.raises(NotTrusted):
        pulled(house, house.trust())

    assert not house.places.own.blobs
    assert not house.places.own.names


def test_what_is_signed_comes_with_its_name(house: Trusting) -> None:
    root = put_image(house.web, tag="1")
    house.sign()

    moved = pulled(house, house.trust())

    assert (moved.error, moved.root.digest) == (None, root.digest)
    assert house.places.own.names[REF].digest == root.digest
    assert "signed by trust-key" in house.notes()
    assert house.opened == 0, "a pull needs no private key"


def test_a_signature_of_somebody_else_or_for_another_tag_counts_for_nothing(house: Trusting) -> None:
    root = put_image(house.web, tag="1")
    house.web.names["2"] = house.web.names["1"]
    house.sign(key=EVE)
    house.sign("registry.test/acme/web:2")

    with pytest.raises(NotTrusted) as refused:
        pulled(house, house.trust())

    assert str(root.digest) in str(refused.value)
    assert "the signature is of the tag 2" in str(refused.value.why)


def test_the_tag_may_move_after_it_was_verified_and_what_was_verified_comes(house: Trusting) -> None:
    good = put_image(house.web, [b"good"], tag="1")
    house.sign()
    bad = put_image(house.web, [b"bad"], tag="2")
    trust = house.trust()

    class Moving:
        """Whoever may push is quick: the tag is another image's by the time the bytes are asked for."""

        def verified(self, reference: Reference, report: Report, cancel: Cancel) -> Reference:
            verified = trust.verified(reference, report, cancel)
            house.web.names["1"] = house.web.names["2"]
            return verified

        def signing(self, repository: Repository, report: Report, cancel: Cancel) -> SignTags | None:
            return trust.signing(repository, report, cancel)

        def prepare(self, references: Sequence[Reference], cancel: Cancel) -> None:
            trust.prepare(references, cancel)

    moved = house.pull(options=Options(trust=Moving()))

    assert moved.root.digest == good.digest
    assert house.places.own.names[REF].digest == good.digest
    assert not house.holds(bad.digest)


def test_what_is_here_already_is_verified_all_the_same(house: Trusting) -> None:
    put_image(house.web, tag="1")
    house.pull()

    with pytest.raises(NotTrusted):
        pulled(house, house.trust())

    house.sign()
    assert pulled(house, house.trust()).current


def test_a_dry_run_verifies(house: Trusting) -> None:
    put_image(house.web, tag="1")

    with pytest.raises(NotTrusted):
        house.pull(options=Options(dry_run=True, trust=house.trust()))


def test_a_rule_that_reports_says_so_and_the_image_comes(house: Trusting) -> None:
    root = put_image(house.web, tag="1")

    moved = pulled(house, house.trust(policy=rule(Mode.REPORT)))

    assert moved.error is None
    assert [note for note in house.notes() if note.startswith("not trusted: ")] == [
        f"not trusted: {REF}@{root.digest} has no signature that is accepted: "
        "Nobody signed it, as far as its registry tells."
    ]


def test_an_index_is_verified_as_one_and_its_platforms_follow(house: Trusting) -> None:
    image = put_image(house.web)
    index = put_index(house.web, [image], tag="1")
    house.sign()

    assert pulled(house, house.trust()).root.digest == index.digest


def test_a_digest_alone_is_its_own_proof_but_not_for_a_rule_of_the_policy(house: Trusting) -> None:
    root = put_image(house.web, tag="1")
    text = f"registry.test/acme/web@{root.digest}"

    assert pulled(house, house.trust(), text).error is None
    with pytest.raises(NotTrusted):
        pulled(house, house.trust(policy=rule(Mode.ENFORCE)), text)


def test_notary_alone_decides_where_there_is_no_key(house: Trusting) -> None:
    root = put_image(house.web, tag="1")
    house.notary.signed[REF] = root

    assert pulled(house, house.trust(key=None)).error is None
    assert house.notary.asked == [Pin(first_use=True)]


def test_a_tag_that_leads_elsewhere_than_notary_says_is_refused(house: Trusting) -> None:
    house.notary.signed[REF] = put_image(house.web, [b"old"])
    put_image(house.web, [b"new"], tag="1")

    with pytest.raises(NotTrusted):
        pulled(house, house.trust(key=None))


def test_either_is_enough_where_a_trust_server_is_named_beside_a_key(house: Trusting) -> None:
    root = put_image(house.web, tag="1")
    trust = house.trust(trust_server=True)

    with pytest.raises(NotTrusted):
        pulled(house, trust)
    house.notary.signed[REF] = root
    assert pulled(house, trust).error is None


@pytest.mark.parametrize(
    ("broken", "raised"),
    [
        (TrustServerUnreachable("notary.test", "connection refused"), TrustServerUnreachable),
        (MetadataExpired(str(WEB), "timestamp", NOW - 1), NotTrusted),
        (MetadataRolledBack(str(WEB), "snapshot", 3, 2), NotTrusted),
    ],
)
def test_a_trust_server_that_cannot_be_believed_or_asked_is_no_yes(
    house: Trusting, broken: LadingError, raised: type[LadingError]
) -> None:
    root = put_image(house.web, tag="1")
    house.notary.signed[REF], house.notary.broken = root, broken

    with pytest.raises(raised) as refused:
        pulled(house, house.trust(key=None))

    assert str(broken) in f"{refused.value} {refused.value.why}"
    assert not house.places.own.blobs
    reporting = rule(Mode.REPORT, "*", NotarySigner(Pin(first_use=True)))
    assert pulled(house, house.trust(policy=reporting)).error is None
    assert any(str(broken) in note for note in house.notes())


def test_our_own_signature_is_enough_while_the_trust_server_is_silent(house: Trusting) -> None:
    put_image(house.web, tag="1")
    house.sign()
    house.notary.broken = TrustServerUnreachable("notary.test", "connection refused")

    assert pulled(house, house.trust(trust_server=True)).error is None


def test_all_tags_are_those_of_images_and_not_of_what_speaks_of_them(house: Trusting) -> None:
    root = put_image(house.web, tag="1")
    for tag in (fallback_tag(root.digest), f"{fallback_tag(root.digest)}.sig"):
        put_image(house.web, [tag.encode()], tag=tag)

    assert house.transfers.tags("registry.test/acme/web", CANCEL) == (REF,)
