"""Gates through the API: policies, what they stop, exceptions, OpenVEX, exports; and what the trail says of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scanner_program import installed
from tests.fronts.rest_api.caller import JSON, Answer, House, done
from tests.fronts.rest_api.caller import house as house_of

POLICY = {"name": "p", "action": "pull", "mode": "enforce"}


@pytest.fixture(autouse=True)
def open_gates(house: House) -> Iterator[None]:
    yield
    opened(house)


def opened(house: House) -> None:
    """No policy and no exception is left of a test."""
    for noun in ("policies", "exceptions"):
        for row in house.admin.get(f"/api/{noun}").json:
            assert house.admin("DELETE", f"/api/{noun}/{row['id']}").status == 204


def made(house: House, **fields: object) -> dict[str, Any]:
    answer = house.admin.post("/api/policies", {**POLICY, **fields})
    assert answer.status == 201, answer.text
    policy: dict[str, Any] = answer.json
    return policy


def pull(house: House, image: str, **fields: object) -> Answer:
    return house.admin.post("/api/images/pull", {"image": image, **fields}, Accept=JSON)


def push(house: House, image: str, registry: int, tag: str) -> Answer:
    form = {"imageId": image, "registryId": registry, "newTag": tag}
    return house.admin.post("/api/images/push", form, Accept=JSON)


def tags(house: House) -> set[str]:
    return {tag for image in house.admin.get("/api/images").json for tag in image["tags"]}


def in_registry(house: House, registry: int, name: str) -> str:
    """A new image that only our registry has; its reference."""
    image = house.load(f"gates/{name}:here", label=name)
    assert push(house, image, registry, f"gates/{name}:1").status == 200
    house.admin("DELETE", f"/api/images/{image}?force=true")
    return f"{house.running.address}/gates/{name}:1"


def records(house: House, **wanted: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    found: list[dict[str, Any]] = house.admin.get(f"/api/audit?{query}&limit=200").json
    return found


# ── policies


def test_a_policy_is_a_row_like_others(house: House) -> None:
    policy = made(
        house,
        environments=[1],
        repositories=["team/*"],
        maxSeverity="medium",
        onlyFixed=True,
        minAgeDays=7,
        compare=f"not_worse_than:sha256:{'a' * 64}",
        kevBlocks=True,
        unscanned="warn",
        dbMaxAgeH=24,
    )
    one = f"/api/policies/{policy['id']}"

    assert policy["scanFailed"] is None
    assert house.admin.get(one).json == policy
    assert house.admin.get("/api/policies").json == [policy]
    changed = house.admin("PUT", one, {**POLICY, "counts": {"critical": 0}})
    assert (changed.status, changed.json["maxSeverity"], changed.json["counts"]) == (200, None, {"critical": 0})
    assert house.admin.post("/api/policies", POLICY).brief == (409, "there is a policy 'p' already")
    assert house.admin("DELETE", one).status == 204
    assert house.admin.get(one).brief == (404, "Policy not found")
    told = records(house, entityType="policy", entityId=str(policy["id"]))
    assert [row["action"] for row in told] == ["delete", "update", "create"]
    assert told[1]["details"]["before"] == policy


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"name": ""}, "the policy's name must have 1 to 100 characters, all of them visible"),
        ({"action": None}, "the policy's action is one of pull, push, promote"),
        ({"maxSeverity": "low", "counts": {"high": 1}}, "the policy's counts and maxSeverity both say what may pass"),
        ({"counts": {"high": -1}}, "the policy's counts are whole numbers from 0"),
        ({"compare": "not_worse_than:x"}, "the policy's compare is none or not_worse_than:<digest>"),
        ({"minAgeDays": 0}, "the policy's minAgeDays is a number above 0"),
        ({"repositories": ["a b"]}, "the policy's repositories are names in which * stands"),
        ({"action": "promote", "environments": [1]}, "the policy's scope of a promotion is repositories alone"),
        ({"unscanned": "perhaps"}, "unscanned must be one of 'allow', 'warn' or 'block'"),
        ({"counts": {"hihg": 1}}, "counts.hihg must be one of 'critical', 'high'"),
        ({"minAgeDays": "7"}, "minAgeDays must be a number"),
        ({"maxseverity": "low"}, "maxseverity is not known here"),
    ],
)
def test_a_policy_that_cannot_be_taken(house: House, fields: Mapping[str, object], text: str) -> None:
    answer = house.admin.post("/api/policies", {**POLICY, **fields})

    assert answer.status == 400
    assert text in answer.json["error"]


def test_who_may_only_look_changes_nothing(house: House) -> None:
    policy = made(house)
    viewer = house.user("gates-viewer", "viewer")

    assert viewer.get("/api/policies").json == [policy]
    assert viewer.get("/api/exceptions").status == 200
    assert viewer.get("/api/policies/verdicts").status == 200
    assert viewer("DELETE", f"/api/policies/{policy['id']}").status == 403
    assert viewer.post("/api/exceptions", {"vulnerability": "CVE-2026-1", "reason": "x"}).status == 403
    assert viewer.post("/api/exceptions/openvex", {}).status == 403


# ── what they stop


def test_an_image_that_nobody_scanned_is_not_pulled_past_a_policy_that_enforces(house: House, registry: int) -> None:
    image = in_registry(house, registry, "unscanned")
    made(house)

    refused = pull(house, image)

    assert refused.status == 409
    assert refused.json["code"] == "denied"
    assert refused.json["error"] == (
        f"the policy p does not let {image} be pulled: it was not scanned for vulnerabilities"
    )
    assert "scanner" in refused.json["hint"]
    (verdict,) = refused.json["verdicts"]
    assert (verdict["allowed"], verdict["mode"], verdict["blocking"]) == (False, "enforce", [])
    assert image not in tags(house)
    (kept,) = house.admin.get(f"/api/policies/verdicts?policy={verdict['policyId']}").json
    assert (kept["image"], kept["allowed"], kept["username"]) == (image, False, "admin")
    (told,) = records(house, action="judge", entityName=image)
    assert (told["result"], told["details"]["verdict"]) == ("denied", kept["id"])
    assert records(house, action="pull", entityName=image)[0]["result"] == "failed"


def test_a_job_ends_with_the_verdict(house: House, registry: int) -> None:
    image = in_registry(house, registry, "job")
    made(house, mode="report")

    job = done(house.admin, house.admin.post("/api/images/pull", {"image": image}).json["jobId"])

    assert job["status"] == "done"
    (verdict,) = job["result"]["verdicts"]  # type: ignore[index]  # a job that is done has one
    assert (verdict["policy"], verdict["allowed"], verdict["doubts"]) == (
        "p",
        True,
        ["it was not scanned for vulnerabilities"],
    )
    assert image in tags(house)


def test_a_push_is_stopped_before_a_byte_moves(house: House, registry: int) -> None:
    image = house.load("gates/push:1", label="push")
    policy = made(house, action="push", registries=[registry])

    refused = push(house, image, registry, "gates/push:1")

    assert refused.status == 409
    assert "POST /api/images/scan" in refused.json["hint"]
    assert house.admin.get("/api/repositories/gates%2Fpush").status == 404
    house.admin("PUT", f"/api/policies/{policy['id']}", {**POLICY, "action": "push", "unscanned": "warn"})
    pushed = push(house, image, registry, "gates/push:1")
    assert pushed.status == 200
    assert pushed.json["verdicts"][0]["doubts"] == ["it was not scanned for vulnerabilities"]


def test_a_copy_is_a_push(house: House, registry: int) -> None:
    image = in_registry(house, registry, "copied")
    made(house, action="push", repositories=["gates/copies/*"])
    target = f"{house.running.address}/gates/copies/app:1"

    refused = house.admin.post("/api/images/copy", {"source": image, "targets": [target]}, Accept=JSON)

    assert refused.status == 409
    assert "gates/copies/app:1 be pushed" in refused.json["error"]
    free = f"{house.running.address}/gates/elsewhere:1"
    assert house.admin.post("/api/images/copy", {"source": image, "targets": [free]}, Accept=JSON).status == 200


def test_a_promotion_is_stopped_before_anything_is_written(house: House, registry: int) -> None:
    in_registry(house, registry, "promoted")
    policy = made(house, action="promote", repositories=["prod/*"])
    route = "/api/repositories/gates%2Fpromoted/promote"

    refused = house.admin.post(route, {"tag": "1", "to": "prod/app"})

    assert refused.status == 409
    assert refused.json["error"].startswith("the policy p does not let prod/app:1 be promoted")
    assert house.admin.get("/api/repositories/prod%2Fapp").status == 404
    assert house.admin.post(route, {"tag": "1", "to": "test/app"}).status == 200
    house.admin("PUT", f"/api/policies/{policy['id']}", {**POLICY, "action": "promote", "mode": "report"})
    promoted = house.admin.post(route, {"tag": "1", "to": "prod/app"})
    assert (promoted.status, promoted.json["verdicts"][0]["allowed"]) == (200, True)


# ── exceptions


def test_an_exception_is_a_row_like_others(house: House) -> None:
    form = {"vulnerability": "CVE-2026-1", "reason": "not called", "status": "not_affected", "image": "team/*"}
    answer = house.admin.post("/api/exceptions", form)
    assert answer.status == 201, answer.text
    one, row = f"/api/exceptions/{answer.json['id']}", answer.json

    assert (row["author"], row["expires"], row["packageUrl"]) == ("admin", None, None)
    assert house.admin.get(one).json == row
    later = {"vulnerability": "CVE-2026-1", "reason": "known", "expires": "2099-01-01T00:00:00Z"}
    changed = house.admin("PUT", one, later)
    assert (changed.status, changed.json["status"]) == (200, "accepted")
    assert changed.json["expires"] == "2099-01-01T00:00:00.000Z"
    assert house.admin("DELETE", one).status == 204
    assert house.admin.get(one).brief == (404, "Exception not found")
    told = records(house, entityType="exception", entityId=str(row["id"]))
    assert [record["action"] for record in told] == ["delete", "update", "create"]
    assert told[1]["details"]["before"]["reason"] == "not called"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "the exception's expires is missing: what is accepted is accepted until a day"),
        ({"vulnerability": "a b"}, "the exception's vulnerability is an id like CVE-2026-1234"),
        ({"reason": " "}, "the exception's reason has 1 to 2000 characters"),
        ({"expires": "2001-01-01T00:00:00Z"}, "the exception's expires is over already"),
        ({"expires": "9999-12-31T23:59:59-23:59"}, "the exception's expires is after the year 9998"),
        ({"justification": "component_not_present"}, "the exception's justification goes with the status not_affected"),
        ({"status": "fixed", "packageUrl": "urllib3"}, "the exception's packageUrl is one like pkg:pypi/urllib3@1.26"),
        ({"expires": "2001-01-01"}, "expires must be a time with its zone, like 2026-11-21T10:00:00Z"),
    ],
)
def test_an_exception_that_cannot_be_taken(house: House, fields: Mapping[str, object], text: str) -> None:
    answer = house.admin.post("/api/exceptions", {"vulnerability": "CVE-2026-1", "reason": "x", **fields})

    assert answer.status == 400
    assert text in answer.json["error"]


def test_openvex_goes_out_as_it_came_in(house: House) -> None:
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.test/vex/1",
        "author": "Example",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "CVE-2026-1"},
                "products": [
                    {"@id": f"pkg:oci/app@sha256%3A{'a' * 64}?repository_url=registry.example/team/app"},
                    {"@id": "https://example.test/something"},
                ],
                "status": "not_affected",
                "justification": "component_not_present",
            }
        ],
    }
    taken = house.admin.post("/api/exceptions/openvex?expires=2099-01-01T00:00:00Z", document)

    assert taken.status == 201, taken.text
    (row,) = taken.json["exceptions"]
    assert taken.json["leftOut"] == ["https://example.test/something"]
    assert (row["image"], row["origin"]) == (f"registry.example/team/app@sha256:{'a' * 64}", document["@id"])
    again = house.admin.post("/api/exceptions/openvex", document)
    assert again.status == 201
    assert len(house.admin.get("/api/exceptions").json) == 1
    out = house.admin.get("/api/exceptions/openvex").json
    assert out["@context"] == document["@context"]
    (statement,) = out["statements"]
    assert statement["vulnerability"] == {"name": "CVE-2026-1"}
    assert statement["products"][0]["@id"].startswith("pkg:oci/app@sha256%3A")
    assert house.admin.post("/api/exceptions/openvex", {"@context": "x"}).status == 400


# ── exports


def test_a_scan_is_exported_in_every_form(house: House) -> None:
    image = house.load("gates/exported:1", label="exported")
    house.admin.post("/api/images/scan", {"image": image, "scanner": "osv"}, Accept=JSON)
    (scan,) = house.admin.get(f"/api/images/scan?image={image}").json
    route = f"/api/scans/{scan['id']}/export"

    answers = {
        name: house.admin.get(f"{route}?format={name}") for name in ("json", "csv", "sarif", "cyclonedx", "openvex")
    }

    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert answers["json"].json == scan
    assert next(csv.reader(io.StringIO(answers["csv"].text)))[0] == "id"
    assert answers["sarif"].json["version"] == "2.1.0"
    assert answers["cyclonedx"].json["specVersion"] == "1.6"
    assert json.loads(answers["openvex"].text)["statements"] == []
    assert answers["sarif"].headers["content-disposition"] == f'attachment; filename="scan-{scan["id"]}.sarif"'
    assert house.admin.get("/api/scans/99999/export").brief == (404, "Scan not found")
    assert house.admin.get(f"{route}?format=pdf").status == 400


# ── all of it together: a scanner that is a program, our own registry, an enforcing policy


@pytest.fixture(scope="module")
def scanning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Path]]:
    """A product whose images are scanned by a program that plays grype."""
    folder = tmp_path_factory.mktemp("scanned")
    grype = installed(folder / "programs", "grype")
    with house_of(folder / "data", grype=str(grype)) as running:
        assert running.admin("PUT", "/api/settings/scanner", {"scanner": "grype"}).status == 200
        assert (
            done(running.admin, running.admin.post("/api/scanners/update", {"scanner": "grype"}).json["jobId"])[
                "status"
            ]
            == "done"
        )
        yield running, folder / "programs"


@pytest.fixture
def scanned(scanning: tuple[House, Path]) -> Iterator[tuple[House, Path]]:
    yield scanning
    opened(scanning[0])


def test_a_finding_stops_a_pull_until_somebody_answers_for_it(scanned: tuple[House, Path]) -> None:
    house, _ = scanned
    registry = house.own_registry()
    image = in_registry(house, registry, "found")
    policy = made(house, maxSeverity="medium")

    refused = pull(house, image)

    assert refused.status == 409, refused.text
    assert "CVE-2099-0001 (high in demo 2.0.1, fixed in 2.0.3)" in refused.json["error"]
    assert refused.json["verdicts"][0]["blocking"] == [
        {
            "id": "CVE-2099-0001",
            "package": "demo",
            "version": "2.0.1",
            "severity": "high",
            "fixedVersion": "2.0.3",
        }
    ]
    assert image not in tags(house)
    (scan,) = house.admin.get("/api/scans").json
    assert scan["summary"]["high"] == 1

    form = {"vulnerability": "GHSA-aaaa-bbbb-cccc", "reason": "until the update", "expires": "2099-01-01T00:00:00Z"}
    exception = house.admin.post("/api/exceptions", form).json
    pulled = pull(house, image)
    assert pulled.status == 200, pulled.text
    assert (pulled.json["verdicts"][0]["allowed"], pulled.json["verdicts"][0]["suppressed"]) == (True, 1)
    assert image in tags(house)
    (finding,) = house.admin.get("/api/findings?suppressed=true").json
    assert finding["suppressedBy"] == f"exception {exception['id']}: accepted"
    (newest, *_) = house.admin.get("/api/scans").json
    assert newest["summary"]["high"] == 0
    assert house.admin.get("/api/overview").json["findings"]["high"] == 0
    route = f"/api/scans/{newest['id']}/export"
    assert house.admin.get(f"{route}?format=sarif").json["runs"][0]["results"][0]["suppressions"]
    (statement,) = house.admin.get(f"{route}?format=openvex").json["statements"]
    assert statement["action_statement"] == "until the update"

    house.admin("DELETE", f"/api/exceptions/{exception['id']}")
    assert house.admin.get("/api/findings?suppressed=true").json == []
    assert pull(house, image).status == 409
    assert image in tags(house)
    assert push(house, image, registry, "gates/out:1").status == 200
    house.admin("PUT", f"/api/policies/{policy['id']}", {**POLICY, "action": "push", "maxSeverity": "medium"})
    stopped = push(house, image, registry, "gates/out:2")
    assert (stopped.status, "CVE-2099-0001" in stopped.json["error"]) == (409, True)


@pytest.mark.parametrize("play", ["no report", "truncates", "killed"])
def test_a_scanner_that_fails_lets_nothing_through(scanned: tuple[House, Path], play: str) -> None:
    house, programs = scanned
    image = in_registry(house, house.own_registry(), f"failing-{play.replace(' ', '-')}")
    policy = made(house)
    installed(programs, "grype", play)
    try:
        refused = pull(house, image)
        assert refused.status == 409, refused.text
        assert "the scan by grype failed" in refused.json["error"]
        assert image not in tags(house)
        house.admin("PUT", f"/api/policies/{policy['id']}", {**POLICY, "scanFailed": "warn"})
        passed = pull(house, image)
        assert (passed.status, len(passed.json["verdicts"][0]["doubts"])) == (200, 1)
    finally:
        installed(programs, "grype")
