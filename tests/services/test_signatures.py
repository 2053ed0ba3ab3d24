"""Images signed and verified at registries: what counts, and with which words everything else is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lading.engine.stores import TagUnknown
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Manifest
from lading.oci.reference import fallback_tag
from lading.proof import sigstore_bundle, simple_signing
from lading.proof.base64_text import in_base64
from lading.proof.claims import Claim
from lading.proof.signing_keys import PrivateKey
from lading.services.trust.policy import DAY, KeySigner, TrustPolicy, demanding
from lading.services.trust.signatures import TagElsewhere
from lading.services.trust.trust import NotTrusted, SignatureForm
from lading.services.trust_modes import Mode
from tests.fakes.images import put_image
from tests.fakes.signing_house import ANN, APP, BOB, BOTH, CANCEL, EVE, NOW, RULE, House

EITHER = [(form,) for form in BOTH]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.mark.parametrize("forms", [*EITHER, BOTH])
def test_what_was_signed_is_verified(house: House, forms: tuple[SignatureForm, ...]) -> None:
    house.sign(forms=forms)

    verdict = house.verify()

    verdict.enforce()
    assert verdict.trusted
    assert verdict.digest == house.image.digest
    assert [signer.name for signer in verdict.signers] == ["ann"]
    assert [judged.form for judged in verdict.signatures] == list(forms)


def test_further_signatures_stand_beside_the_first(house: House) -> None:
    house.sign(ANN)
    house.sign(BOB)

    verdict = house.verify(replace(RULE, threshold=2))

    assert verdict.trusted
    assert len(verdict.signatures) == 4
    assert [signer.name for signer in verdict.signers] == ["ann", "bob"]


def test_an_image_that_nobody_signed_is_refused(house: House) -> None:
    refused = house.refusal()

    assert str(refused) == f"registry.test/team/app:1@{house.image.digest} has no signature that is accepted"
    assert refused.why == "Nobody signed it, as far as its registry tells."


def test_a_signature_of_somebody_else_counts_for_nothing(house: House) -> None:
    house.sign(EVE)

    assert house.refusal().why == "no key that is accepted made the signature"


def test_one_signer_who_signs_often_is_one_signer(house: House) -> None:
    house.sign(ANN)
    house.now += 60
    house.sign(ANN)

    refused = house.refusal(replace(RULE, threshold=2))

    assert str(refused).endswith("has 1 of the 2 signatures it needs")
    assert refused.why == "It is signed by ann alone."


@pytest.mark.parametrize("forms", EITHER)
def test_a_signature_of_another_image_is_refused(house: House, forms: tuple[SignatureForm, ...]) -> None:
    """The signatures of a good image, put beside a bad one: as a referrer, and under the bad one's tag."""
    house.sign(forms=forms)
    store = house.repository()
    bad = put_image(store, [b"bad"], tag="1")
    old = store.names.pop(f"{fallback_tag(house.image.digest)}.sig", None)
    if old is not None:
        store.names[f"{fallback_tag(bad.digest)}.sig"] = old
    for held in [each for each in store.held.values() if each.artifact_type == sigstore_bundle.BUNDLE]:
        document = json.loads(store.blobs[held.digest])
        document["subject"] = bad.written()
        forged = store.put_manifest(document)
        store.held[forged.digest] = replace(forged, artifact_type=sigstore_bundle.BUNDLE)

    assert house.refusal().why == f"the signature is of another image, {house.image.digest}"


@pytest.mark.parametrize("forms", EITHER)
def test_a_signature_for_another_repository_is_refused(house: House, forms: tuple[SignatureForm, ...]) -> None:
    house.sign(forms=forms)
    house.moved("team/other")

    refused = house.refusal(text="registry.test/team/other:1")

    assert refused.why == "the signature was made for another repository, registry.test/team/app"
    assert house.verify(replace(RULE, signed_as=("registry.test/team/*",)), "registry.test/team/other:1").trusted


@pytest.mark.parametrize("forms", EITHER)
def test_a_tag_that_was_not_signed_is_refused_where_it_must_be(house: House, forms: tuple[SignatureForm, ...]) -> None:
    """Somebody points `latest` back at what was signed as `1`."""
    house.sign(forms=forms)
    bound = replace(RULE, bind_tag=True)
    house.repository().names["latest"] = house.image

    assert house.verify(bound).trusted
    assert house.verify(text="registry.test/team/app").trusted
    assert house.refusal(bound, "registry.test/team/app").why == "the signature is of the tag 1"
    by_digest = house.refusal(bound, f"registry.test/team/app@{house.image.digest}")
    assert by_digest.why == "the tag must be signed, and the image was asked for without one"


def test_a_tag_that_is_moved_back_to_what_it_was_signed_for_once_is_refused(house: House) -> None:
    """By who verified the newer image before; whoever comes first takes what is there."""
    bound = replace(RULE, bind_tag=True)
    house.sign(forms=(SignatureForm.BUNDLE,))
    newer = put_image(house.repository(), [b"newer"], tag="1")
    house.now += 1
    house.sign(forms=(SignatureForm.BUNDLE,))
    assert house.verify(bound).digest == newer.digest

    house.repository().names["1"] = house.image

    assert house.refusal(bound).why.startswith("the tag was moved back")  # type: ignore[union-attr]  # it has one
    assert house.verify().trusted, "a rule that binds no tag asks for none"
    house.now += 1
    house.sign(forms=(SignatureForm.BUNDLE,))
    assert house.verify(bound).trusted, "its signer meant to go back"


def test_each_signer_counts_alone(house: House) -> None:
    both = replace(RULE, bind_tag=True, threshold=2)
    house.sign(ANN, forms=(SignatureForm.BUNDLE,))
    house.now += 9
    house.sign(BOB, forms=(SignatureForm.BUNDLE,))

    assert house.verify(both).trusted
    assert house.verify(both).trusted


def test_a_tag_counts_only_with_the_repository_that_it_is_of(house: House) -> None:
    """Or it could be shown for the same tag of any other."""
    store = house.repository()
    bundle = sigstore_bundle.sign(Claim(house.image.digest, tag="1"), ANN)
    manifest = Manifest.build(
        store.put(b"{}", "application/vnd.oci.empty.v1+json"),
        [store.put(bundle, sigstore_bundle.BUNDLE)],
        artifact_type=sigstore_bundle.BUNDLE,
        subject=house.image,
    )
    store.put(manifest.raw, manifest.media_type)
    store.held[manifest.descriptor().digest] = manifest.descriptor()

    assert house.verify().trusted
    assert house.refusal(replace(RULE, bind_tag=True)).why == (
        "the signature does not say for which repository it was made"
    )


def test_a_signature_without_a_tag_binds_none(house: House) -> None:
    house.sign(text=f"registry.test/team/app@{house.image.digest}")

    assert house.verify().trusted
    assert house.refusal(replace(RULE, bind_tag=True)).why == "the signature does not bind the tag"


def test_old_signatures_are_refused_where_age_matters_and_future_ones_always(house: House) -> None:
    house.sign()
    aged = replace(RULE, max_age=30 * DAY)

    house.now = NOW + 30 * DAY
    assert house.verify(aged).trusted
    house.now += 1
    assert house.refusal(aged).why == "the signature of 2026-09-21 is too old"
    assert house.verify().trusted
    house.now = NOW - 301
    assert house.refusal().why == "the signature is dated 2026-09-21, which is to come"


def test_a_signature_that_says_no_time_has_no_age(house: House) -> None:
    """As other programs write them."""
    _cosigned(house, ANN)

    assert house.verify().trusted
    assert house.refusal(replace(RULE, max_age=DAY)).why == "the signature does not say when it was made"


def test_a_listed_signature_that_is_not_there_hides_no_other(house: House) -> None:
    house.sign(ANN, forms=(SignatureForm.BUNDLE,))
    house.sign(BOB, forms=(SignatureForm.SIMPLE,))
    store = house.repository()
    bundle = next(each for each in store.held.values() if each.media_type == sigstore_bundle.BUNDLE)
    del store.blobs[bundle.digest], store.held[bundle.digest]

    verdict = house.verify()

    assert [signer.name for signer in verdict.signers] == ["bob"]
    assert "a signature is listed that cannot be read" in str(verdict.signatures[0].refusal)


@pytest.mark.parametrize("content", [b"{}", b'{"schemaVersion":2}', b'{"schemaVersion":2,"manifests":[]}'])
def test_rubbish_under_the_tag_of_signatures_hides_no_bundle(house: House, content: bytes) -> None:
    house.sign(ANN, forms=(SignatureForm.BUNDLE,))
    store = house.repository()
    store.names[f"{fallback_tag(house.image.digest)}.sig"] = store.put(
        content, "application/vnd.oci.image.index.v1+json"
    )

    verdict = house.verify()

    assert verdict.trusted
    assert verdict.signatures[1].refusal


def test_an_image_of_the_oldest_schema_under_that_tag_hides_no_bundle(house: House) -> None:
    house.sign(ANN, forms=(SignatureForm.BUNDLE,))
    store = house.repository()
    schema1 = store.put(b'{"schemaVersion":1}', "application/vnd.docker.distribution.manifest.v1+json")
    store.names[f"{fallback_tag(house.image.digest)}.sig"] = schema1

    verdict = house.verify()

    assert verdict.trusted
    assert "manifest schema 1" in str(verdict.signatures[1].refusal)


def test_content_that_was_changed_at_the_registry_is_no_signature(house: House) -> None:
    house.sign(ANN, forms=(SignatureForm.BUNDLE,))
    store = house.repository()
    bundle = next(each for each in store.held.values() if each.media_type == sigstore_bundle.BUNDLE)
    store.blobs[bundle.digest] = store.blobs[bundle.digest].replace(b"sig", b"gis", 1)

    assert not house.verify().trusted


def test_no_more_signatures_are_looked_at_than_the_bound(house: House) -> None:
    house.sign(EVE, forms=(SignatureForm.SIMPLE,))
    house.sign(ANN, forms=(SignatureForm.SIMPLE,))
    store, tag = house.repository(), f"{fallback_tag(house.image.digest)}.sig"
    document = json.loads(store.blobs[store.names[tag].digest])
    document["layers"] = [document["layers"][0]] * 70 + document["layers"]
    store.put_manifest(document, tag)

    assert len(house.verify().signatures) == 64
    assert not house.verify().trusted


def test_a_rule_that_is_off_and_an_image_without_a_rule_are_not_looked_at(house: House) -> None:
    for policy in (TrustPolicy((replace(RULE, mode=Mode.OFF),)), TrustPolicy(())):
        house.repository().asked.clear()
        verdict = house.signatures.verify(APP, policy, CANCEL)

        verdict.enforce()
        assert not verdict.checked
        assert not verdict.trusted
        assert house.repository().asked == ["resolve 1"]


def test_a_rule_that_reports_forbids_nothing(house: House) -> None:
    verdict = house.verify(replace(RULE, mode=Mode.REPORT))

    verdict.enforce()
    assert verdict.checked
    assert not verdict.trusted


def test_keys_alone_demand_a_signature_of_everything(house: House) -> None:
    policy = demanding([KeySigner("ann", ANN.public)])

    with pytest.raises(NotTrusted):
        house.signatures.verify(APP, policy, CANCEL).enforce()


def test_a_tag_is_not_signed_for_a_digest_that_it_does_not_hold(house: House) -> None:
    other = put_image(house.repository(), [b"other"])

    for act in (house.sign, house.verify):
        with pytest.raises(TagElsewhere, match=r"the tag 1 of \S+ is sha256:"):
            act(text=f"{APP}@{other.digest}")
    with pytest.raises(TagUnknown):
        house.sign(text="registry.test/team/app:2")


def _cosigned(house: House, key: PrivateKey) -> None:
    """With nothing but what the format asks for."""
    critical = {
        "identity": {"docker-reference": "registry.test/team/app"},
        "image": {"docker-manifest-digest": str(house.image.digest)},
        "type": "cosign container image signature",
    }
    payload = json.dumps({"critical": critical, "optional": None}).encode()
    store = house.repository()
    layer = store.put(payload, simple_signing.PAYLOAD)
    signature = in_base64(key.sign(payload))
    signed = Descriptor(layer.media_type, layer.digest, layer.size, annotations={simple_signing.SIGNATURE: signature})
    config = store.put(b"{}", "application/vnd.oci.image.config.v1+json")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config.written(),
        "layers": [signed.written()],
    }
    store.put_manifest(manifest, f"{fallback_tag(house.image.digest)}.sig")
    assert Digest.of(payload) == layer.digest
