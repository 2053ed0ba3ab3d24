"""The switch for content trust at a server that signs and verifies by Notary, against the trust server beside its own
registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fronts.rest_api import caller
from tests.fronts.rest_api.caller import JSON, House
from tests.fronts.rest_api.test_content_trust import pull, pushed


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With the switch on, and passphrases for keys that it makes."""
    settings = {"trust_root_passphrase": "of the root", "trust_repository_passphrase": "of repositories"}
    with caller.house(tmp_path_factory.mktemp("notary"), content_trust=True, **settings) as running:
        running.own_registry()
        yield running


def test_what_is_pushed_is_signed_at_the_trust_server_and_verified_there(house: House) -> None:
    name = pushed(house, "team/signed:1")

    job = pull(house, name)

    assert job["status"] == "done", job["result"]
    trust = job["result"]["trust"]
    assert (trust["trusted"], trust["mode"], trust["signers"]) == (True, "enforce", ["notary"])
    (signature,) = trust["signatures"]
    assert (signature["form"], signature["digest"], signature["tag"]) == ("notary", None, "1")


def test_a_tag_that_nobody_signed_is_refused_beside_one_that_is(house: House) -> None:
    name = pushed(house, "team/app:1")
    _retagged(house, "team/app", "1", "2")

    refused = house.admin.post("/api/images/pull", {"image": name.removesuffix("1") + "2"}, Accept=JSON)

    assert (refused.status, refused.json["code"]) == (409, "not_trusted")


def test_a_tag_that_is_another_image_than_the_signed_one_is_refused(house: House) -> None:
    name = pushed(house, "team/swapped:1")
    pushed(house, "team/swapped:2")
    _retagged(house, "team/swapped", "2", "1")

    refused = house.admin.post("/api/images/pull", {"image": name}, Accept=JSON)

    assert (refused.status, refused.json["code"]) == (409, "not_trusted")


def test_a_digest_is_its_own_proof(house: House) -> None:
    name = pushed(house, "team/pinned:1")
    digest = pull(house, name)["result"]["digest"]

    pinned = house.admin.post("/api/images/pull", {"image": f"{name.removesuffix(':1')}@{digest}"}, Accept=JSON)

    assert pinned.status == 200, pinned.text


def test_what_no_key_may_sign_is_refused_before_anything_is_sent(house: House) -> None:
    name = pushed(house, "team/lost:1")
    for key in Path(house.running.folder, "trust", "private").glob("*.key"):
        if b"team/lost" in key.read_bytes():
            key.unlink()
    before = house.admin.get("/api/repositories/team%2Flost").json
    image = house.load("local/team/lost:2", label="another image")

    body = {"imageId": image, "target": name.removesuffix("1") + "2"}
    refused = house.admin.post("/api/images/push", body, Accept=JSON)

    assert (refused.status, refused.json["code"]) == (400, "trust_signer")
    assert house.admin.get("/api/repositories/team%2Flost").json == before


def _retagged(house: House, repository: str, tag: str, to: str) -> None:
    """As who holds the registry's storage can: past every client."""
    body = {"tag": tag, "to": repository, "toTag": to}
    answer = house.admin.post(f"/api/repositories/{repository.replace('/', '%2F')}/promote", body)
    assert answer.status in (200, 201), answer.text
