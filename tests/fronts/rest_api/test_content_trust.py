"""Content trust at the server: what is pulled was signed, what is pushed is, and both are told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lading.proof.key_files import encrypted_pem
from lading.proof.signing_keys import KeyKind, PrivateKey
from lading.services.trust.policy_file import PolicyInvalid
from tests.fronts.rest_api import caller
from tests.fronts.rest_api.caller import JSON, Caller, House, done

PASSPHRASE = "only a test's"
POLICY = """
[[rule]]
images = ["*/must/*"]
mode = "enforce"
keys = ["own.pub"]
bind-tag = true

[[rule]]
images = ["*/told/*"]
mode = "report"
keys = ["own.pub"]
"""


def written_key(folder: Path) -> Path:
    """Both halves of a new key pair."""
    key = PrivateKey.generate(KeyKind.ECDSA_P256, os.urandom)
    (folder / "own.key").write_bytes(encrypted_pem(key, PASSPHRASE, os.urandom))
    (folder / "own.pub").write_bytes(key.public.pem)
    return folder / "own.key"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With a policy, a key, and the switch off: so that there is something unsigned."""
    folder = tmp_path_factory.mktemp("trusting")
    key = written_key(folder)
    (folder / "policy.toml").write_text(POLICY)
    settings = {"trust_policy": str(folder / "policy.toml"), "trust_key": str(key), "trust_passphrase": PASSPHRASE}
    with caller.house(folder / "data", **settings) as running:
        running.own_registry()
        yield running


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With the switch on, and nothing to sign with."""
    with caller.house(tmp_path_factory.mktemp("switched"), content_trust=True) as running:
        running.own_registry()
        yield running


def pushed(house: House, name: str, **options: object) -> str:
    """An image of its own at our registry, and nowhere else; its name there."""
    target = f"{house.running.address}/{name}"
    image = house.load(f"local/{name}", label=name)
    body = {"imageId": image, "target": target, **options}
    answer = house.admin.post("/api/images/push", body, Accept=JSON)
    assert answer.status == 200, answer.text
    house.admin("DELETE", f"/api/images/{image}?force=true")
    return target


def pull(house: House, name: str, **options: object) -> dict[str, Any]:
    """The job, once it has ended."""
    started = house.admin.post("/api/images/pull", {"image": name, **options})
    return done(house.admin, started.json["jobId"])


def statuses(job: dict[str, Any]) -> list[str]:
    return [line["data"].get("status") for line in job["lines"]]


def listed(house: House, name: str) -> list[dict[str, Any]]:
    found = house.admin.get(f"/api/images?page=1&filter={quote(name)}").json
    return [image for image in found["items"] if name in image["tags"]]


def test_what_the_rule_accepts_is_pulled_and_told(house: House) -> None:
    name = pushed(house, "must/signed:1", sign=True)

    job = pull(house, name)

    assert job["status"] == "done"
    trust = job["result"]["trust"]
    assert (trust["trusted"], trust["mode"], trust["signers"]) == (True, "enforce", ["own.pub"])
    assert [(each["form"], each["accepted"], each["tag"]) for each in trust["signatures"]] == [
        ("sigstore-bundle", True, "1")
    ]
    assert trust["digest"] == job["result"]["digest"]
    assert [status for status in statuses(job) if status in ("verifying", "verified")] == ["verifying", "verified"]
    (image,) = listed(house, name)
    assert image["signed"] is True


def test_what_was_signed_is_on_record_and_not_signed_twice(house: House) -> None:
    name = pushed(house, "must/twice:1", sign=True)
    (row, *_) = house.admin.get("/api/audit?action=push&limit=1").json
    image = house.load("local/must/twice:1", label="must/twice:1")
    again = house.admin.post("/api/images/push", {"imageId": image, "target": name, "sign": True}, Accept=JSON)

    assert (row["result"], row["details"]["signed"]) == ("done", True)
    assert again.json["signed"] is True
    assert len(pull(house, name)["result"]["trust"]["signatures"]) == 1


def test_what_it_does_not_accept_leaves_nothing_here(house: House) -> None:
    name = pushed(house, "must/unsigned:1")

    answer = house.admin.post("/api/images/pull", {"image": name}, Accept=JSON)
    job = pull(house, name)

    assert (answer.status, answer.json["code"]) == (409, "not_trusted")
    assert "no signature that is accepted" in answer.json["error"]
    assert job["status"] == "error"
    assert "Nobody signed it" in job["result"]["detail"]
    assert listed(house, name) == []
    (row, *_) = house.admin.get("/api/audit?action=pull&limit=1").json
    assert (row["result"], row["details"]["error"]) == ("failed", "not_trusted")


def test_a_name_that_is_here_keeps_its_image_where_the_new_one_is_refused(house: House) -> None:
    name = pushed(house, "must/moved:1", sign=True)
    assert pull(house, name)["status"] == "done"
    (before,) = listed(house, name)
    other = house.load("local/other:1", label="other")
    house.admin.post("/api/images/push", {"imageId": other, "target": name}, Accept=JSON)

    assert pull(house, name)["result"]["code"] == "not_trusted"
    (after,) = listed(house, name)
    assert after["id"] == before["id"]


def test_a_rule_that_only_reports_lets_it_through_and_says_so(house: House) -> None:
    name = pushed(house, "told/unsigned:1")

    job = pull(house, name)

    assert job["status"] == "done"
    assert (job["result"]["trust"]["trusted"], job["result"]["trust"]["mode"]) == (False, "report")
    assert "unverified" in statuses(job)
    (image,) = listed(house, name)
    assert image["signed"] is False


def test_who_asks_to_verify_gets_what_the_switch_would_give(house: House) -> None:
    unsigned, signed = pushed(house, "free/unsigned:1"), pushed(house, "free/signed:1", sign=True)

    plain = pull(house, unsigned)
    refused = pull(house, unsigned, verify=True)
    verified = pull(house, signed, verify=True)

    assert (plain["status"], "trust" in plain["result"]) == ("done", False)
    assert refused["result"]["code"] == "not_trusted"
    assert (verified["status"], verified["result"]["trust"]["signers"]) == ("done", ["own.pub"])
    assert listed(house, unsigned)[0]["signed"] is False


def test_what_somebody_asked_of_an_image_without_a_rule_is_told_with_it(house: House) -> None:
    name = pushed(house, "free/asked:1", sign=True)
    pull(house, name, verify=True)
    (image,) = listed(house, name)

    items = house.admin.get(f"/api/images/{image['id']}/signatures").json["items"]

    (told,) = (item for item in items if item["reference"].startswith(name))
    assert (image["signed"], told["trusted"], told["signers"]) == (True, True, ["own.pub"])


def test_nobody_asks_for_less_than_the_policy_does(house: House) -> None:
    name = pushed(house, "must/insisted:1")

    assert pull(house, name, verify=False)["result"]["code"] == "not_trusted"


def test_a_signature_of_another_tag_does_not_count(house: House) -> None:
    pushed(house, "must/tags:1", sign=True)
    name = pushed(house, "must/tags:2")
    image = house.load("local/must/tags:1", label="must/tags:1")
    house.admin.post("/api/images/push", {"imageId": image, "target": name}, Accept=JSON)

    refused = pull(house, name)

    assert "the signature is of the tag 1" in refused["result"]["detail"]


def test_a_copy_verifies_its_source_and_signs_at_its_targets(house: House) -> None:
    unsigned, signed = pushed(house, "must/source:1"), pushed(house, "must/source:2", sign=True)
    target = f"{house.running.address}/must/copied:1"

    refused = house.admin.post("/api/images/copy", {"source": unsigned, "targets": [target]}, Accept=JSON)
    copied = house.admin.post("/api/images/copy", {"source": signed, "targets": [target], "sign": True}, Accept=JSON)

    assert (refused.status, refused.json["code"]) == (409, "not_trusted")
    assert (copied.status, copied.json["trust"]["trusted"], copied.json["signed"]) == (200, True, True)
    assert pull(house, target)["result"]["trust"]["trusted"] is True


def test_a_copy_of_our_own_registry_is_verified_there(house: House) -> None:
    unsigned, signed = pushed(house, "must/own:1"), pushed(house, "must/own:2", sign=True)
    target = f"{house.running.address}/free/own:1"

    def copy(source: str) -> int:
        body = {"source": source, "targets": [target], "own": True}
        return house.admin.post("/api/images/copy", body, Accept=JSON).status

    assert (copy(unsigned), copy(signed)) == (409, 200)


def test_signatures_are_looked_for_under_each_name(house: House) -> None:
    name = pushed(house, "told/looked:1", sign=True)
    pull(house, name)
    (image,) = listed(house, name)
    house.admin.post(f"/api/images/{image['id']}/tag", {"repo": "gone.invalid/must/looked", "tag": "1"})
    house.admin.post(f"/api/images/{image['id']}/tag", {"repo": "nobody.invalid/free/looked", "tag": "1"})

    found = house.admin.get(f"/api/images/{image['id']}/signatures").json["items"]

    told = {item["reference"].split("@")[0]: item for item in found}
    assert told[name]["trusted"] is True
    gone, nobody = told["gone.invalid/must/looked:1"], told["nobody.invalid/free/looked:1"]
    assert (gone["trusted"], gone["error"] != "") == (None, True)
    assert (nobody["trusted"], nobody["mode"], "error" in nobody) == (None, "off", False)


def test_an_image_whose_tag_went_on_is_not_said_to_be_unsigned_for_that(house: House) -> None:
    name = pushed(house, "must/older:1", sign=True)
    pull(house, name)
    (image,) = listed(house, name)
    newer = house.load("local/newer:1", label="newer")
    house.admin.post("/api/images/push", {"imageId": newer, "target": name, "sign": True}, Accept=JSON)

    (item,) = house.admin.get(f"/api/images/{image['id']}/signatures").json["items"]

    assert (item["trusted"], "the tag 1 of" in item["error"]) == (None, True)
    assert listed(house, name)[0]["signed"] is True


def test_the_servers_key_signs_for_whom_a_role_lets_sign_there(house: House) -> None:
    pushes = {"permissions": ["images:view", "images:pull", "images:push"]}
    house.role("pushes", pushes)
    house.role("signs", pushes, {"permissions": ["trust:sign"], "repositories": ["must/*"]})
    pusher, signer = house.user("pusher", "pushes"), house.user("signer", "signs")
    image = house.load("local/role:1", label="role")

    def push(by: Caller, name: str, **options: object) -> tuple[int, object]:
        target = f"{house.running.address}/{name}"
        answer = by.post("/api/images/push", {"imageId": image, "target": target, **options}, Accept=JSON)
        return answer.status, answer.json.get("signed") if answer.status == 200 else answer.json["error"]

    denied = (403, "Permission denied")
    assert push(pusher, "must/role:1", sign=True) == denied
    assert push(signer, "free/role:1", sign=True) == denied
    assert push(pusher, "must/role:1") == (200, None)
    assert push(signer, "must/role:1", sign=True) == (200, True)
    (row, *_) = house.admin.get("/api/audit?result=denied&limit=1").json
    elsewhere = f"{house.running.address}/free/role"
    assert (row["username"], row["action"], row["entityName"]) == ("signer", "sign", elsewhere)

    source, target = (f"{house.running.address}/{name}" for name in ("must/role:1", "must/role:copied"))
    copies = [
        by.post("/api/images/copy", {"source": source, "targets": [target], "sign": True}) for by in (pusher, signer)
    ]
    assert [answer.status for answer in copies] == [403, 200]
    job: dict[str, Any] = done(house.admin, copies[1].json["jobId"])
    assert job["result"]["signed"] is True


def test_where_all_is_signed_who_may_not_sign_pushes_nothing(switched: House) -> None:
    switched.role("pushes", {"permissions": ["images:view", "images:pull", "images:push"]})
    pusher = switched.user("pusher", "pushes")
    body = {"imageId": switched.load("team/all:1", label="all"), "target": f"{switched.running.address}/team/all:1"}

    assert pusher.post("/api/images/push", body).brief == (403, "Permission denied")
    assert switched.admin.post("/api/images/push", body).json["code"] == "signing_key_missing"


def test_who_may_not_see_the_image_does_not_see_its_signatures(house: House) -> None:
    house.load("hidden/app:1", label="hidden")
    house.role("blind", {"permissions": ["images:view"], "repositories": ["docker.io/other/*"]})
    blind = house.user("blind", "blind")

    assert blind.get("/api/images/hidden%2Fapp:1/signatures").status == 403
    assert house.nobody.get("/api/images/hidden%2Fapp:1/signatures").status == 401
    assert house.admin.get("/api/images/nothing:1/signatures").status == 404


def test_a_policy_that_cannot_be_understood_lets_no_server_begin(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('[[rule]]\nimages = ["*"]\nmode = "enforced"\n')

    with pytest.raises(PolicyInvalid), caller.unset(tmp_path / "data", trust_policy=str(tmp_path / "policy.toml")):
        raise AssertionError("it has begun")


def test_a_push_that_cannot_be_signed_gives_no_tag_and_is_signed_when_it_is_tried_again(tmp_path: Path) -> None:
    key = written_key(tmp_path)
    away = key.rename(tmp_path / "away.key")
    settings = {"content_trust": True, "trust_key": str(key), "trust_passphrase": PASSPHRASE}
    with caller.house(tmp_path / "data", **settings) as house:
        house.own_registry()
        target = f"{house.running.address}/team/again:1"
        body = {"imageId": house.load("local/again:1"), "target": target}
        failed = done(house.admin, house.admin.post("/api/images/push", body).json["jobId"])
        tags = house.admin.get("/api/repositories/team%2Fagain/tags").json
        away.rename(key)
        retried = house.admin.post(f"/api/jobs/{failed['id']}/retry").json["jobId"]

        assert (failed["status"], tags) == ("error", [])
        assert done(house.admin, retried)["result"]["signed"] is True  # type: ignore[index]  # a JSON object
        assert pull(house, target)["result"]["trust"]["trusted"] is True


def test_a_server_without_a_key_refuses_to_push_unsigned(switched: House) -> None:
    image = switched.load("team/app:1", label="unsigned")
    target = f"{switched.running.address}/team/app:1"

    pushes = [
        switched.admin.post("/api/images/push", {"imageId": image, "target": target, **asked})
        for asked in ({"sign": True}, {}, {"sign": False})
    ]
    copied = switched.admin.post("/api/images/copy", {"source": "team/app:1", "targets": [target]})

    for answer in (*pushes, copied):
        assert (answer.status, answer.json["code"]) == (409, "signing_key_missing")
        assert "LADING_TRUST_KEY" in answer.json["hint"]


def test_the_switch_refuses_what_no_trust_server_vouches_for(switched: House) -> None:
    refused = pull(switched, f"{switched.running.address}/team/none:1")

    assert refused["status"] == "error"
