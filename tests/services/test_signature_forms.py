"""Signers of every kind: whose signatures count, how they count together, and what each form can and cannot bind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lading.errors import NetworkFailed
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.proof.certificate_names import SubjectPattern
from lading.proof.revocations import RevocationList
from lading.proof.tuf_walk import Pin
from lading.services.notary.refusals import TrustServerUnreachable
from lading.services.trust.policy import DAY, CertificateSigner, IdentitySigner, KeySigner, NotarySigner, TrustPolicy
from lading.services.trust.signature_json import signature_json, stated_json
from lading.services.trust.trust import SignatureForm
from lading.services.trust_modes import Mode
from tests.fakes.code_signers import authority, revocations
from tests.fakes.images import put_image
from tests.fakes.signing_house import (
    ANN,
    APP,
    CANCEL,
    CERTIFIED,
    EVE,
    IDENTITY,
    NOTARY,
    NOW,
    ROOT,
    RULE,
    SIGSTORE,
    House,
    certified,
    rule,
)
from tests.fakes.sigstore_instance import ISSUER

KEY = KeySigner("ann", ANN.public)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def named(text: str) -> CertificateSigner:
    return CertificateSigner(text, (ROOT.chain[0],), SubjectPattern.parse(text))


# ── each kind alone


def test_an_identity_that_is_accepted_counts(house: House) -> None:
    house.certify(SIGSTORE.bundle(house.claim()))

    verdict = house.verify(rule(IDENTITY))

    assert verdict.trusted
    assert verdict.signers == (IDENTITY,)
    (judged,) = verdict.signatures
    assert (judged.form, judged.who, judged.key_id) == (
        SignatureForm.BUNDLE,
        "ann@corp.example (https://accounts.corp)",
        None,
    )


def test_a_certificate_that_is_accepted_counts(house: House) -> None:
    house.notarise(certified())

    verdict = house.verify(rule(CERTIFIED))

    assert verdict.trusted
    (judged,) = verdict.signatures
    assert (judged.form, judged.who, judged.key_id) == (SignatureForm.NOTATION, "CN=ann,O=Corp,C=DE", None)


def test_a_tag_that_is_signed_at_the_trust_server_counts(house: House) -> None:
    house.sign_at_notary()

    verdict = house.verify(replace(rule(NOTARY), bind_tag=True))

    assert verdict.trusted
    (judged,) = verdict.signatures
    assert (judged.form, judged.digest, judged.who) == (SignatureForm.NOTARY, None, "targets")
    assert signature_json(judged)["digest"] is None


def test_a_trust_server_is_asked_alone_where_it_alone_counts(house: House) -> None:
    house.sign_at_notary()
    house.repository().asked.clear()

    assert house.verify(rule(NOTARY)).trusted
    assert house.repository().asked == ["resolve 1"]


def test_a_digest_counts_where_any_tag_is_signed_as_it(house: House) -> None:
    house.sign_at_notary("other")

    assert house.verify(rule(NOTARY), f"registry.test/team/app@{house.image.digest}").trusted


def test_a_pinned_root_is_the_only_one(house: House) -> None:
    house.sign_at_notary()
    roots = house.notary.trust.inspect(house.notary.repository, CANCEL).root_keys

    assert house.verify(rule(NotarySigner(Pin(frozenset(roots))))).trusted
    foreign = house.refusal(rule(NotarySigner(Pin(frozenset({"ab" * 32})))))
    assert "is not signed by the keys known for it" in str(foreign.why)


@pytest.mark.parametrize(
    "pattern", ["CN=ann", "C=DE,O=Corp", "CN=ann, O=Corp, C=DE", "x509.subject: C=DE, O=Corp", "O=Corp"]
)
def test_a_name_counts_where_the_certificate_has_all_of_it(house: House, pattern: str) -> None:
    house.notarise(certified("ann"))

    assert house.verify(rule(named(pattern))).trusted


@pytest.mark.parametrize("pattern", ["CN=bob", "CN=ann,O=Other", "CN=an", "CN=ANN", "O=ann", r"O=Corp\, CN\=ann"])
def test_a_name_of_somebody_else_does_not_count(house: House, pattern: str) -> None:
    house.notarise(certified("ann"))

    assert house.refusal(rule(named(pattern))).why == "the signer is CN=ann,O=Corp,C=DE, who is not accepted"


def test_identities_of_a_pattern_are_one_signer(house: House) -> None:
    anyone = IdentitySigner(ISSUER, "*@corp.example", SIGSTORE.root)
    house.certify(SIGSTORE.bundle(house.claim()))
    house.certify(SIGSTORE.bundle(house.claim(), "bob@corp.example"))

    assert len(house.verify(rule(anyone)).signatures) == 2
    assert str(house.refusal(rule(anyone, KEY, threshold=2))).endswith("has 1 of the 2 signatures it needs")


def test_a_name_that_would_write_on_the_terminal_is_told_plainly(house: House) -> None:
    """Anybody may have a certificate of the public instance, for any name of theirs."""
    house.certify(SIGSTORE.bundle(house.claim(), "https://evil.test/\x1b[2J" + "x" * 80))

    why = str(house.refusal(rule(IDENTITY)).why)

    assert why.isprintable()
    assert "https://evil.test/\ufffd[2J" in why


# ── certificates that were taken back


def listed(*lists: bytes) -> CertificateSigner:
    return replace(CERTIFIED, revocations=tuple(RevocationList.parse(each) for each in lists))


def test_a_certificate_counts_until_it_is_taken_back(house: House) -> None:
    ann, bob = certified("ann"), certified("bob")
    house.notarise(ann)

    assert house.verify(rule(listed(revocations(ROOT, bob)))).trusted
    refused = house.refusal(rule(listed(revocations(ROOT, bob, ann))))
    assert refused.why == "the signer's certificate is not accepted: CN=root took back CN=ann,O=Corp,C=DE"


@pytest.mark.parametrize(
    "given",
    [
        revocations(ROOT, days=(-9, -1)),
        revocations(ROOT, days=(1, 9)),
        revocations(authority("other")),
        revocations(ROOT, key=authority("other")),
    ],
    ids=["over", "to come", "another's", "forged"],
)
def test_a_list_that_does_not_tell_is_no_leave(house: House, given: bytes) -> None:
    """Whoever could hold the newest list back would have the certificate back."""
    house.notarise(certified("ann"))

    refused = house.refusal(rule(listed(given)))
    assert refused.why == "the signer's certificate is not accepted: no revocation list of CN=root is in force"
    assert house.verify(rule(listed(given, revocations(ROOT)))).trusted


# ── together


def test_a_threshold_counts_signers_of_all_kinds(house: House) -> None:
    house.sign(ANN, forms=(SignatureForm.BUNDLE,))
    house.certify(SIGSTORE.bundle(house.claim()))
    house.notarise(certified())
    house.sign_at_notary()
    all_four = rule(KEY, IDENTITY, CERTIFIED, NOTARY, threshold=4)

    verdict = house.verify(all_four)

    assert verdict.trusted
    assert [judged.form.value for judged in verdict.signatures] == ["notary", *["sigstore-bundle"] * 2, "notation"]
    assert house.verify(replace(all_four, bind_tag=True)).trusted


def test_one_signer_in_two_forms_is_one_signer(house: House) -> None:
    house.sign(ANN)

    assert len(house.verify(rule(KEY)).signatures) == 2
    assert str(house.refusal(rule(KEY, NOTARY, threshold=2))).endswith("has 1 of the 2 signatures it needs")


def test_one_certificate_under_two_names_is_one_signer(house: House) -> None:
    """Whoever fits the first entry never counts for the second."""
    house.notarise(certified("ann"))
    house.notarise(certified("ann", days=(-2, 365)))

    refused = house.refusal(rule(named("CN=ann"), named("O=Corp"), threshold=2))

    assert refused.why == "It is signed by CN=ann alone."
    house.notarise(certified("bob"))
    assert house.verify(rule(named("CN=ann"), named("O=Corp"), threshold=2)).trusted


def test_a_kind_that_is_not_accepted_is_nobody(house: House) -> None:
    house.certify(SIGSTORE.bundle(house.claim()))
    house.notarise(certified())

    for signers, sentence in (
        ((KEY,), "no key that is accepted made the signature"),
        ((NOTARY, KEY), "nothing is signed in registry.test/team/app"),
    ):
        assert str(house.refusal(rule(*signers)).why).split("; ")[0] == sentence


def test_one_wrong_signature_hides_no_right_one(house: House) -> None:
    house.certify(b"rubbish")
    house.certify(SIGSTORE.bundle(house.claim(), "eve@corp.example"))
    house.notarise(certified(by=authority("eve's")))
    house.notarise(certified())

    verdict = house.verify(rule(IDENTITY, CERTIFIED))

    assert verdict.trusted
    assert [judged.refusal is None for judged in verdict.signatures] == [False, False, False, True]


# ── what a form can bind


def test_what_notation_and_identities_sign_of_themselves_binds_no_tag(house: House) -> None:
    """As `notation sign` and `cosign sign` write it: a digest, and nothing that says where it may be shown."""
    bare = replace(house.claim(), repository=None, tag=None)
    house.certify(SIGSTORE.bundle(replace(bare, signed_at=None)))
    house.notarise(certified(), bare)
    accepted = rule(IDENTITY, CERTIFIED, threshold=2)

    assert house.verify(accepted).trusted
    refused = house.refusal(replace(accepted, bind_tag=True))
    assert refused.why == "the signature does not say for which repository it was made"


def test_a_signature_that_says_no_time_is_as_old_as_its_certificate(house: House) -> None:
    """Sigstore's are for minutes, and the log proves that it was made within."""
    house.certify(SIGSTORE.bundle(replace(house.claim(), signed_at=None)))
    aged = replace(rule(IDENTITY), max_age=30 * DAY)

    house.now = NOW + 30 * DAY
    assert house.verify(aged).trusted
    house.now += 1
    assert house.refusal(aged).why == "the signature of 2026-09-21 is too old"
    assert house.verify(rule(IDENTITY)).trusted, "the certificate is over for months, as they all are"


def test_notations_signatures_say_when_they_were_made(house: House) -> None:
    house.notarise(certified())
    aged = replace(rule(CERTIFIED), max_age=30 * DAY)

    house.now = NOW + 31 * DAY
    assert house.refusal(aged).why == "the signature of 2026-09-21 is too old"


def test_trust_metadata_does_not_say_when_a_tag_was_signed(house: House) -> None:
    house.sign_at_notary()

    aged = replace(rule(NOTARY, KEY), max_age=DAY)
    assert house.refusal(aged).why == "the signature does not say when it was made"


def test_notation_signs_size_and_media_type_too(house: House) -> None:
    for target in (
        Descriptor(house.image.media_type, house.image.digest, house.image.size + 1),
        Descriptor("application/vnd.oci.image.index.v1+json", house.image.digest, house.image.size),
    ):
        house.notarise(certified(), target=target)

    verdict = house.verify(rule(CERTIFIED))

    assert {judged.refusal for judged in verdict.signatures} == {
        "the signature is not valid: targetArtifact says another size or media type than the image has"
    }


# ── who cannot be asked


def test_without_a_back_end_its_signatures_count_for_nothing(house: House) -> None:
    house.certify(SIGSTORE.bundle(house.claim()))

    verdict = house.keys_alone.verify(APP, TrustPolicy((rule(IDENTITY, NOTARY),)), CANCEL)

    assert [judged.refusal for judged in verdict.signatures] == [
        "trust servers (Notary v1) are not asked here",
        "the signature proves no identity: identities are not looked at here",
    ]


def test_a_trust_server_that_is_silent_vouches_for_nothing(house: House) -> None:
    def silent() -> None:
        raise TrustServerUnreachable("trust.test", "connection refused")

    house.notary.server.before_fetch["root"] = silent
    with pytest.raises(TrustServerUnreachable):
        house.verify(rule(NOTARY)).enforce()

    house.notary.server.before_fetch["root"] = silent
    house.verify(replace(rule(NOTARY), mode=Mode.REPORT)).enforce()

    house.sign(ANN)
    house.notary.server.before_fetch["root"] = silent
    assert house.verify(rule(NOTARY, KEY)).trusted, "the other signer is enough"


def test_a_registry_that_is_silent_is_no_verdict(house: House) -> None:
    house.notarise(certified())
    store = house.repository()

    def silent(_digest: Digest) -> list[Descriptor]:
        raise NetworkFailed

    store.referrers = silent  # type: ignore[method-assign,assignment]  # a registry that breaks off then
    with pytest.raises(NetworkFailed):
        house.verify(rule(CERTIFIED))


def test_what_is_beside_an_image_is_listed_where_nobody_is_accepted(house: House) -> None:
    house.sign(ANN, forms=(SignatureForm.BUNDLE,))
    house.notarise(certified())

    verdict = house.verify(replace(RULE, signers=(), mode=Mode.REPORT))

    assert [judged.form for judged in verdict.signatures] == [SignatureForm.BUNDLE, SignatureForm.NOTATION]
    assert not verdict.trusted


def test_what_signatures_say_of_themselves_is_told_without_being_believed(house: House) -> None:
    house.sign(EVE)
    house.notarise(certified("eve"))
    house.certify(b"{}")

    told = [stated_json(found, said) for found, said in house.signatures.stated(APP, CANCEL)]

    said = {row["form"]: (row["keyId"], row["signer"], row["tag"]) for row in told if row["repository"]}
    assert said == {
        "sigstore-bundle": (EVE.public.key_id, None, "1"),
        "cosign-sig": (None, None, "1"),
        "notation": (None, certified("eve").chain[0].subject, "1"),
    }
    assert not any(row["accepted"] for row in told)
    (unreadable,) = [row for row in told if row["repository"] is None]
    assert "the signature is not valid" in str(unreadable["reason"])


def test_what_says_to_be_of_another_image_is_told_so(house: House) -> None:
    old, image = house.claim(), house.image
    house.image = put_image(house.repository(), [b"other"], tag="1")
    house.notarise(certified(), old, image)

    ((_, said),) = house.signatures.stated(APP, CANCEL)

    assert str(said).endswith(f"is of another image, {old.digest}")


def test_a_signature_of_another_image_is_no_signature_of_this(house: House) -> None:
    old, image = house.claim(), house.image
    other = put_image(house.repository(), [b"other"], tag="1")
    house.image = other
    house.certify(SIGSTORE.bundle(old))
    house.notarise(certified(), old, image)

    verdict = house.verify(rule(IDENTITY, CERTIFIED))

    assert {judged.refusal for judged in verdict.signatures} == {f"the signature is of another image, {old.digest}"}
