"""What our registry gives away under a trust rule, and what it says where it does not."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.oci.digest import Digest
from lading.oci.media_types import OCI_CONFIG, OCI_EMPTY
from lading.oci.reference import fallback_tag
from lading.services.access import Actor, Grant
from lading.services.audit.audit import Result
from lading.services.trust.trust import SignatureForm
from lading.services.trust.wanted import SignatureWanted
from lading.services.trust_modes import Mode
from tests.fakes.own_house import BY_ANN, PULLER, SCANNER, OwnHouse, own_house
from tests.fakes.signing_house import ANN, BOB, CANCEL, EVE

FORMS = [SignatureForm.BUNDLE, SignatureForm.SIMPLE]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[OwnHouse]:
    yield from own_house(tmp_path)


def refused(house: OwnHouse, reference: str | Digest, actor: Actor = PULLER) -> str:
    with pytest.raises(SignatureWanted) as refusal:
        house.ask(reference, actor)
    return str(refusal.value)


def test_without_a_rule_everything_is_given(house: OwnHouse) -> None:
    house.image("plain", "1")
    house.ask("1")

    house.rule(replace(BY_ANN, mode=Mode.OFF))
    house.ask("1")
    assert house.trail.records == []


def test_what_nobody_signed_is_refused_by_tag_and_by_digest(house: OwnHouse) -> None:
    root = house.image("plain", "1")
    house.rule(BY_ANN)

    said = "is not signed as the repository team/app asks for: nobody signed it"
    assert refused(house, "1") == f"team/app:1 {said}"
    assert refused(house, root.digest) == f"team/app@{root.digest} {said}"


@pytest.mark.parametrize("form", FORMS)
def test_what_is_signed_is_given_by_tag_and_by_digest(house: OwnHouse, form: SignatureForm) -> None:
    root = house.image("plain", "1")
    house.sign(root, form=form)
    house.rule(BY_ANN)

    house.ask("1")
    house.ask(root.digest)


@pytest.mark.parametrize("form", FORMS)
def test_a_signature_is_read_by_whoever_wants_to_verify(house: OwnHouse, form: SignatureForm) -> None:
    """Before the image itself may be read: it is beside an image that is not signed as asked."""
    root = house.image("plain", "1")
    signature = house.sign(root, EVE, form=form)
    house.rule(BY_ANN)

    house.ask(signature)
    if form is SignatureForm.SIMPLE:
        house.ask(f"{fallback_tag(root.digest)}.sig")
    assert "no key that is accepted made the signature" in refused(house, "1")


def test_an_image_is_no_attachment_because_it_says_so(house: OwnHouse) -> None:
    """A subject, or a name that looks like a signature's, lets nobody past who wants a program run."""
    root = house.image("plain", "1")
    bad = house.image("bad", "2", subject=root)
    worse = house.image("worse", f"{fallback_tag(root.digest)}.sig")
    sbom = house.image("sbom", subject=root, config_type=OCI_EMPTY)
    house.rule(BY_ANN)

    for each in (bad, worse):
        assert "nobody signed it" in refused(house, each.digest)
    assert "nobody signed it" in refused(house, f"{fallback_tag(root.digest)}.sig")
    house.ask(sbom.digest)


def packed(how: str) -> bytes:
    """A file system with one file, as programs find out by its first bytes alone."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("{"), None)
    raw = plain.getvalue()
    if how == "sum after NULs":  # Go's reader strips them
        return raw[:148] + b"\0" + raw[148:154] + b"\0" + raw[156:]
    skipped = b"\x50\x2a\x4d\x18" + b"\0" * 4
    return {"tar": raw, "gzip": gzip.compress(raw), "bzip2": bz2.compress(raw), "skipped": skipped}[how]


@pytest.mark.parametrize("how", ["tar", "sum after NULs", "gzip", "bzip2", "skipped"])
@pytest.mark.parametrize("config_type", [OCI_CONFIG, "application/json", "application/vnd.other.config.v1+json"])
def test_types_of_layers_do_not_make_an_image_an_attachment(house: OwnHouse, how: str, config_type: str) -> None:
    """docker's engine runs whatever its layers are called, by what they begin with."""
    root = house.image("plain", "1")
    kind = "application/vnd.dev.cosign.simplesigning.v1+json"
    house.image("bad", "latest", subject=root, config_type=config_type, layer_type=kind, layer=packed(how))
    house.rule(BY_ANN)

    assert "nobody signed it" in refused(house, "latest")


def test_text_beside_a_config_is_an_attachment_however_it_is_called(house: OwnHouse) -> None:
    root = house.image("plain", "1")
    sbom = house.image("sbom", subject=root, layer_type="text/spdx", layer=b"SPDXVersion: SPDX-2.3\n" * 100)
    house.rule(BY_ANN)

    house.ask(sbom.digest)


def test_an_index_with_a_subject_stands_for_no_tag(house: OwnHouse) -> None:
    """What it leads to may be signed, and long out of date, so a tag that must be bound would not be."""
    old = house.image("old", "1")
    house.sign(old, tag="1")
    house.index(old, tags=["2"], subject=old)
    house.index(house.index(old), tags=["3"], subject=old)
    house.rule(replace(BY_ANN, bind_tag=True))

    house.ask("1")
    refused(house, "2")
    refused(house, "3")


def test_a_list_of_attachments_is_one(house: OwnHouse) -> None:
    root = house.image("plain", "1")
    sbom = house.image("sbom", subject=root, config_type=OCI_EMPTY)
    house.index(sbom, tags=[fallback_tag(root.digest)])
    other = house.image("other", "2")
    house.index(sbom, root, tags=[fallback_tag(other.digest)])
    house.rule(BY_ANN)

    house.ask(fallback_tag(root.digest))
    refused(house, fallback_tag(other.digest))


def test_what_a_signed_index_leads_to_is_given(house: OwnHouse) -> None:
    one, two, other = house.image("amd64"), house.image("arm64"), house.image("other", "2")
    inner = house.index(two)
    root = house.index(one, inner, tags=["1"])
    house.sign(root)
    house.rule(BY_ANN)

    for each in (root, one, inner, two):
        house.ask(each.digest)
    refused(house, other.digest)


def test_an_index_of_signed_images_is_not_signed_by_them(house: OwnHouse) -> None:
    one, two = house.image("amd64"), house.image("arm64")
    house.index(one, two, tags=["1"])
    house.sign(one)
    house.rule(BY_ANN)

    refused(house, "1")
    refused(house, two.digest)
    house.ask(one.digest)


def test_who_copies_is_told_what_was_judged(house: OwnHouse) -> None:
    """By a tag that is moved between the question and the reading, something else would come."""
    root, other = house.image("plain", "1"), house.image("other", "2")
    house.sign(root)
    assert house.gate.give(PULLER, "team/app", "2") is None
    house.rule(BY_ANN)

    assert house.gate.give(PULLER, "team/app", "1") == root.digest
    with pytest.raises(SignatureWanted):
        house.gate.give(PULLER, "team/app", other.digest)


def test_a_tag_that_must_be_bound_is_the_one_that_was_signed(house: OwnHouse) -> None:
    root = house.image("plain", "1", "2")
    house.sign(root, tag="1")
    house.rule(replace(BY_ANN, bind_tag=True))

    house.ask("1")
    assert refused(house, "2").endswith("the signature is of the tag 1")
    house.ask(root.digest)


def test_another_tag_within_a_signed_index_is_not_bound(house: OwnHouse) -> None:
    child = house.image("amd64", "stolen")
    house.sign(house.index(child, tags=["1"]), tag="1")
    house.rule(replace(BY_ANN, bind_tag=True))

    house.ask(child.digest)
    refused(house, "stolen")


def test_so_many_signers_as_asked(house: OwnHouse) -> None:
    root = house.image("plain", "1")
    house.sign(root, ANN)
    house.rule(replace(BY_ANN, keys=("ann", "bob"), threshold=2))

    assert refused(house, "1").endswith("it has 1 of the 2 signatures it needs")
    house.sign(root, BOB)
    house.ask("1")


def test_a_signature_grows_too_old(house: OwnHouse) -> None:
    house.sign(house.image("plain", "1"))
    house.rule(replace(BY_ANN, max_age_days=30))
    house.ask("1")

    house.now += 31 * 86_400

    assert refused(house, "1").endswith("is too old")


@pytest.mark.parametrize(
    ("signed", "also", "accepted"),
    [
        ("registry.example/team/app", (), True),  # a registry is reached by many names
        ("registry.test/dev/app", (), False),
        ("registry.test/dev/app", ("dev/*",), True),
        ("elsewhere.test/dev/app", ("registry.test/dev/*",), False),
        ("registry.test/team/app/more", (), False),
        ("registry.test/other/team/app", (), False),
    ],
)
def test_a_signature_counts_for_the_repository_it_was_made_for(
    house: OwnHouse, signed: str, also: tuple[str, ...], accepted: bool
) -> None:
    house.sign(house.image("plain", "1"), signed_as=signed)
    house.rule(replace(BY_ANN, signed_as=also))

    if accepted:
        house.ask("1")
    else:
        assert refused(house, "1").endswith(f"the signature was made for another repository, {signed}")


def test_a_signature_of_another_image_does_not_count(house: OwnHouse) -> None:
    good, bad = house.image("good", "1"), house.image("bad", "2")
    house.sign(good, form=SignatureForm.SIMPLE)
    held = house.repositories.manifest("team/app", f"{fallback_tag(good.digest)}.sig")
    raw = house.repositories.small(held)
    assert raw is not None
    house.repositories.put_manifest("team/app", f"{fallback_tag(bad.digest)}.sig", raw, held.media_type, cancel=CANCEL)
    house.rule(BY_ANN)

    house.ask("1")
    assert f"the signature is of another image, {good.digest}" in refused(house, "2")


def test_who_is_exempt_by_name_reads_everything_and_nobody_else_does(house: OwnHouse) -> None:
    house.image("plain", "1")
    house.rule(BY_ANN)
    elsewhere = Actor("scan", (Grant(frozenset({"*", "trust:exempt"}), repositories=("other/*",)),), user=9)
    narrowed = replace(SCANNER, scopes=frozenset({"*"}))

    house.ask("1", SCANNER)
    for actor in (PULLER, elsewhere, narrowed, Actor("anonymous")):
        refused(house, "1", actor)


def test_a_rule_that_reports_serves_and_tells_once_a_minute(house: OwnHouse) -> None:
    root = house.image("plain", "1", "2")
    house.rule(replace(BY_ANN, mode=Mode.REPORT))

    for reference in ("1", "2", root.digest):
        house.ask(reference)

    ((actor, deed, result),) = house.trail.records
    assert (actor, deed.action, deed.entity_id, deed.entity_name) == ("eve", "judge", str(root.digest), "team/app:1")
    assert deed.details == {"repository": "team/app", "mode": "report", "unsigned": "nobody signed it"}
    assert result is Result.DONE
    house.clock.now += 61
    house.ask("1")
    assert len(house.trail.records) == 2


def test_what_is_refused_is_on_the_trail_once_for_each_who_asks(house: OwnHouse) -> None:
    house.image("plain", "1")
    house.rule(BY_ANN)

    for actor in (PULLER, PULLER, replace(PULLER, name="bob", user=9)):
        refused(house, "1", actor)

    assert [(name, result) for name, _, result in house.trail.records] == [
        ("eve", Result.DENIED),
        ("bob", Result.DENIED),
    ]


def test_without_a_rule_it_is_told_what_lies_beside_an_image(house: OwnHouse) -> None:
    root = house.image("plain", "1")
    house.sign(root, ANN)
    house.sign(root, EVE)

    verdict = house.signatures.lying_beside("team/app", "1", root)

    assert {(each.signer.name if each.signer else None, each.refusal) for each in verdict.signatures} == {
        ("ann", None),
        (None, "no key that is accepted made the signature"),
    }
    assert not verdict.checked


# ── promotion


def promote(house: OwnHouse, actor: Actor = PULLER) -> None:
    house.promotions.promote(actor, "team/app", "1", "prod/app", None)


def test_a_target_that_asks_for_signatures_takes_nothing_without_them(house: OwnHouse) -> None:
    house.image("plain", "1")
    house.rule(replace(BY_ANN, signed_as=("team/app",)), "prod/app")

    for actor in (PULLER, Actor("all", (Grant(frozenset({"*", "trust:exempt"})),), user=3)):
        with pytest.raises(SignatureWanted) as refusal:
            promote(house, actor)
        assert str(refusal.value) == ("team/app:1 is not signed as the repository prod/app asks for: nobody signed it")
    assert [deed.action for _, deed, result in house.trail.records if result is Result.DENIED] == ["promote"] * 2
    assert house.records.view("prod/app").all_tags() == []


@pytest.mark.parametrize("form", FORMS)
def test_signatures_go_along_and_count_where_the_target_takes_them(house: OwnHouse, form: SignatureForm) -> None:
    root = house.image("plain", "1")
    house.sign(root, form=form)
    house.rule(BY_ANN, "prod/app")
    with pytest.raises(SignatureWanted, match="made for another repository"):
        promote(house)

    house.rule(replace(BY_ANN, signed_as=("team/app",)), "prod/app")
    promote(house)

    house.ask("1", path="prod/app")
    house.ask(root.digest, path="prod/app")


def test_what_a_source_does_not_give_away_is_not_promoted_from_it(house: OwnHouse) -> None:
    house.image("plain", "1")
    house.rule(BY_ANN)

    with pytest.raises(SignatureWanted, match="team/app asks for"):
        promote(house)
    promote(house, Actor("promoter", (Grant(frozenset({"repositories:*", "trust:exempt"})),), user=3))


def test_a_target_that_reports_takes_it_and_tells(house: OwnHouse) -> None:
    house.image("plain", "1")
    house.rule(replace(BY_ANN, mode=Mode.REPORT), "prod/app")

    promote(house)

    assert house.trail.said == [("judge", "done"), ("promote", "done")]
