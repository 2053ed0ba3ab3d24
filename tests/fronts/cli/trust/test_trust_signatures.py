"""`lading trust sign`, `revoke`, `inspect` and `forget`, at a registry and a trust server in this process."""

from __future__ import annotations

from lading.proof.signing_keys import PublicKey
from tests.fakes.service_folder import ServiceFolder
from tests.fronts.cli.trust.trust_places import Place


def test_what_is_signed_is_what_the_registry_has(place: Place, lading: ServiceFolder) -> None:
    signed = lading.json("trust", "sign", f"{place.app}:1")
    held = lading.json("digest", f"{place.app}:1")["digest"]

    assert (signed["reference"], signed["roles"], signed["initialised"]) == (f"{place.app}:1", ["targets"], True)
    assert signed["digest"] == held
    assert [tag["digest"] for tag in lading.json("trust", "inspect", place.app)["signedTags"]] == [signed["digest"]]


def test_several_tags_are_signed_in_one_call(place: Place, lading: ServiceFolder) -> None:
    told = lading("trust", "sign", f"{place.app}:1", f"{place.app}:2")

    assert [line.split()[0] for line in told.out.splitlines()] == [f"{place.app}:1", f"{place.app}:2"]
    assert set(place.signed()) == {"1", "2"}


def test_what_the_registry_does_not_have_is_not_signed(place: Place, lading: ServiceFolder) -> None:
    refused = lading.run("trust", "sign", f"{place.app}:9")

    assert refused.code == 5
    assert place.trust.server.files == {}


def test_a_digest_is_not_signed(place: Place, lading: ServiceFolder) -> None:
    refused = lading.run("trust", "sign", f"{place.app}@sha256:{'0' * 64}")

    assert refused.code == 2
    assert "tags are what is signed" in refused.err


def test_a_tag_is_taken_back(place: Place, lading: ServiceFolder) -> None:
    lading("trust", "sign", f"{place.app}:1", f"{place.app}:2")

    told = lading.json("trust", "revoke", f"{place.app}:1")

    assert told == {"repository": place.app, "tag": "1", "revoked": ["targets"], "stillSignedBy": []}
    assert set(place.signed()) == {"2"}
    assert lading.run("trust", "revoke", f"{place.app}:1").code == 6


def test_all_tags_are_taken_back_where_it_is_meant(place: Place, lading: ServiceFolder) -> None:
    lading("trust", "sign", f"{place.app}:1", f"{place.app}:2")

    refused = lading.run("trust", "revoke", place.app)
    meant = lading("trust", "revoke", place.app, "--yes")

    assert refused.code == 2
    assert "Say --yes" in refused.err
    assert len(meant.out.splitlines()) == 2
    assert place.signed() == {}


def test_a_repository_where_nothing_is_signed_is_told(place: Place, lading: ServiceFolder) -> None:
    refused = lading.run("trust", "inspect", place.app)

    assert refused.code == 6
    assert f"nothing is signed in {place.app}" in refused.err


def test_a_tag_is_shown_with_all_its_signatures(place: Place, lading: ServiceFolder) -> None:
    lading("sign", f"{place.app}:1", "--key", f"{place.pair('team')}.key")
    before = lading.json("trust", "inspect", f"{place.app}:1")
    lading("trust", "sign", f"{place.app}:1")

    after = lading.json("trust", "inspect", f"{place.app}:1")

    assert before["notary"] is None
    assert after["notary"]["signers"] == ["Repo Admin"]
    assert after["notary"]["accepted"] is True
    told = lading("trust", "inspect", f"{place.app}:1").out
    assert "signed by Repo Admin" in told
    (beside,) = after["signatures"]
    key = PublicKey.parse((place.folder / "team.pub").read_bytes())
    assert (beside["form"], beside["keyId"], beside["tag"]) == ("sigstore-bundle", key.key_id, "1")
    assert (beside["repository"], beside["accepted"]) == (place.app, False)
    assert f"says key {key.key_id[:12]}, tag 1, at " in told
    assert "it was not held against any key" in told


def test_a_tag_that_moved_is_told(place: Place, lading: ServiceFolder) -> None:
    lading("copy", f"{place.app}:1", f"{place.app}:moves")
    lading("trust", "sign", f"{place.app}:moves")
    lading("copy", f"{place.app}:2", f"{place.app}:moves")

    told = lading.json("trust", "inspect", f"{place.app}:moves")

    assert told["notary"]["accepted"] is False
    assert (
        told["notary"]["reason"] == f"it is signed as {told['notary']['digest']}, and the registry has {told['digest']}"
    )


def test_a_repository_that_was_set_up_anew_is_refused_until_the_old_one_is_forgotten(
    place: Place, lading: ServiceFolder
) -> None:
    lading("trust", "sign", f"{place.app}:1")
    place.trust.server.files, place.trust.server.roots = {}, {}
    place.other("another")("trust", "sign", f"{place.app}:2")

    refused = lading.run("trust", "inspect", place.app)
    asked = lading.run("trust", "forget", place.app)
    lading("trust", "forget", place.app, "--yes")

    assert (refused.code, asked.code) == (6, 2)
    assert "lading trust forget" in refused.err
    assert place.signed() == {"2": ["Repo Admin"]}
