"""Accepted keys and trust rules over REST: what they are, who may, and what rules say of tags."""

from __future__ import annotations

import base64
import json
import secrets

import pytest

from lading.proof.key_files import encrypted_pem
from lading.proof.signing_keys import PublicKey
from tests.fakes.signing_house import ANN, BOB
from tests.fronts.rest_api.caller import DENIED, JSON, House

HERE = "/api/repositories/trusted%2Fapp"
KEYS = "/api/trust/keys"
NO_RULE = {"rule": None, "verdict": None}


def pem(key: PublicKey) -> str:
    return key.pem.decode()


@pytest.fixture
def app(house: House) -> str:
    """A repository with the tag 1.0, without a trust rule, and ann's key; its path here."""
    for row in house.admin.get(KEYS).json:
        house.admin("PUT", f"{HERE}/trust", {"mode": "off"})
        house.admin("DELETE", f"{KEYS}/{row['id']}")
    assert house.admin.post(KEYS, {"name": "ann", "publicKey": pem(ANN.public)}).status == 201
    image = house.load("trusted:1.0")
    form = {"imageId": image, "registryId": house.own_registry(), "newTag": "trusted/app:1.0"}
    assert house.admin.post("/api/images/push", form, Accept=JSON).status == 200
    return HERE


def test_a_key_is_accepted_shown_and_removed(house: House, app: str) -> None:
    made = house.admin.post(KEYS, {"name": "bob", "publicKey": pem(BOB.public)}).json
    one = f"{KEYS}/{made['id']}"

    assert (made["name"], made["type"], made["createdBy"]) == ("bob", "ed25519", "admin")
    assert made["keyId"] == BOB.public.key_id
    assert house.admin.get(one).json == made
    assert made in house.admin.get(KEYS).json
    assert house.admin.get(f"{KEYS}?filter=bob&page=1").json == {"items": [made], "total": 1}
    assert house.admin("DELETE", one).status == 204
    assert house.admin.get(one).brief == (404, "Trust key not found")
    removed, added = house.admin.get("/api/audit?limit=2").json
    assert (added["action"], removed["action"], removed["entityType"]) == ("create", "delete", "trust key")
    assert removed["details"] == {"keyId": BOB.public.key_id}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "ann", "publicKey": pem(BOB.public)}, (409, "there is a trust key 'ann' already")),
        (
            {"name": " ", "publicKey": pem(BOB.public)},
            (400, "the key's name must have 1 to 100 characters, all of them visible"),
        ),
        ({"name": "x", "publicKey": "x"}, (400, "the key cannot be used: the file is no public key in PEM")),
        ({"name": "x"}, (400, "the key cannot be used: the file is no public key in PEM")),
    ],
)
def test_what_is_no_key_is_refused(house: House, app: str, form: dict[str, str], said: tuple[int, str]) -> None:
    assert house.admin.post(KEYS, form).brief == said


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_private_key_that_is_pasted_by_mistake_is_kept_and_told_nowhere(
    house: House, app: str, encrypted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    body = base64.encodebytes(BOB.der).decode()
    plain = f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n"
    pasted = encrypted_pem(BOB, "secret", secrets.token_bytes).decode() if encrypted else plain

    refused = house.admin.post(KEYS, {"name": "oops", "publicKey": pasted})
    assert (refused.status, "the key cannot be used" in refused.text) == (400, True)
    line = pasted.splitlines()[1]
    assert line not in caplog.text + refused.text
    assert line not in json.dumps(house.admin.get("/api/audit?limit=5").json)
    assert [row["name"] for row in house.admin.get(KEYS).json] == ["ann"]


def test_a_rule_is_written_whole_and_told_with_its_repository(house: House, app: str) -> None:
    assert house.admin.get(f"{app}/trust").json == NO_RULE
    rule = {
        "mode": "report",
        "keys": ["ann"],
        "notary": True,
        "rootKeys": ["ab" * 32],
        "threshold": 2,
        "bindTag": True,
        "maxAgeDays": 30,
        "signedAs": ["dev/*"],
    }

    assert house.admin("PUT", f"{app}/trust", rule).json == {"rule": rule, "verdict": None}
    assert house.admin.get(app).json["trust"] == rule
    changed = house.admin("PUT", app, {"trust": {"mode": "enforce", "keys": ["ann"]}}).json["trust"]
    assert (changed["mode"], changed["threshold"], changed["bindTag"]) == ("enforce", 1, False)
    assert house.admin("PUT", app, {"visibility": "private"}).json["trust"] == changed
    assert house.admin("PUT", f"{app}/trust", {"mode": "off"}).json == NO_RULE
    assert house.admin.get("/api/audit?limit=1").json[0]["details"]["trust"]["mode"] == "off"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            {"mode": "enforce", "keys": ["nobody"]},
            "keys of a trust rule name 'nobody', and no accepted key is called so",
        ),
        ({"mode": "enforce"}, "keys of a trust rule name nobody: an accepted key is needed, or notary"),
        ({"mode": "enforce", "keys": ["ann"], "threshold": 2}, "keys of a trust rule must be 2 or more"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(house: House, app: str, rule: dict[str, object], said: str) -> None:
    assert house.admin("PUT", f"{app}/trust", rule).brief == (400, said)
    assert house.admin("PUT", app, {"trust": rule}).brief == (400, said)


def test_a_key_that_a_rule_names_stays(house: House, app: str) -> None:
    house.admin("PUT", f"{app}/trust", {"mode": "report", "keys": ["ann"]})
    (key,) = house.admin.get(KEYS).json

    refused = house.admin("DELETE", f"{KEYS}/{key['id']}")

    assert refused.brief == (409, "the key 'ann' is named by the trust rule of trusted/app")
    assert refused.json["hint"] == "Take the key out of the rules first."
    assert house.admin.get("/api/audit?limit=1&result=denied").json[0]["entityName"] == "ann"


def test_a_rule_says_what_it_thinks_of_a_tag(house: House, app: str) -> None:
    (tag,) = house.admin.get(f"{app}/tags").json
    assert tag["signed"] is None
    verdict = house.admin.get(f"{app}/trust?tag=1.0").json["verdict"]
    assert (verdict["mode"], verdict["trusted"]) == ("off", None)

    told = house.admin("PUT", f"{app}/trust?tag=1.0", {"mode": "enforce", "keys": ["ann"]}).json["verdict"]

    assert told["reference"] == "localhost/trusted/app:1.0"
    assert (told["mode"], told["trusted"], told["signatures"]) == ("enforce", False, [])
    assert told["digest"] == tag["digest"]
    assert house.admin.get(f"{app}/tags").json[0]["signed"] is False
    assert house.admin.get(f"{app}/trust?tag=2").brief == (404, "trusted/app has no manifest 2")


def test_who_may_see_may_not_write(house: House, app: str) -> None:
    viewer, nobody = house.user("seer", "viewer"), house.user("blind")

    assert len(viewer.get(KEYS).json) == 1
    assert viewer.get(f"{app}/trust").json == NO_RULE
    for caller, method, path, body in (
        (viewer, "POST", KEYS, {"name": "x", "publicKey": "x"}),
        (viewer, "DELETE", f"{KEYS}/1", None),
        (viewer, "PUT", f"{app}/trust", {"mode": "off"}),
        (nobody, "GET", KEYS, None),
        (nobody, "GET", f"{app}/trust", None),
    ):
        answer = caller(method, path, body)
        assert (answer.status, answer.json) == (403, DENIED)


def test_a_copy_out_of_our_registry_is_held_to_the_rule(house: House, app: str) -> None:
    here = house.running.address
    body = {"source": f"{here}/trusted/app:1.0", "targets": [f"{here}/trusted/copied:1.0"], "own": True}
    house.admin("PUT", f"{app}/trust", {"mode": "enforce", "keys": ["ann"]})

    refused = house.admin.post("/api/images/copy", body, Accept=JSON)

    said = "trusted/app:1.0 is not signed as the repository trusted/app asks for: nobody signed it"
    assert refused.brief == (409, said)
    house.admin("PUT", f"{app}/trust", {"mode": "off"})
    assert house.admin.post("/api/images/copy", body, Accept=JSON).status == 200
    house.admin("DELETE", "/api/repositories/trusted%2Fcopied")


def test_a_promotion_says_which_signature_is_missing(house: House, app: str) -> None:
    house.admin("PUT", "/api/repositories/trusted%2Fprod/trust", {"mode": "enforce", "keys": ["ann"]})

    refused = house.admin.post(f"{app}/promote", {"tag": "1.0", "to": "trusted/prod"})

    said = "trusted/app:1.0 is not signed as the repository trusted/prod asks for: nobody signed it"
    assert refused.brief == (409, said)
    house.admin("DELETE", "/api/repositories/trusted%2Fprod")
