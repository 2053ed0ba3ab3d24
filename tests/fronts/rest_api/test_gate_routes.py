"""Policies, exceptions, OpenVEX and exports through the API."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping

import pytest

from tests.fronts.rest_api.caller import JSON, House
from tests.fronts.rest_api.gating import POLICY, made, opened, records


@pytest.fixture(autouse=True)
def open_gates(house: House) -> Iterator[None]:
    yield
    opened(house)


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
