"""What policies stop through the API: pulls, pushes, copies and promotions; and what the trail says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.scanner_program import installed
from tests.fronts.rest_api.caller import JSON, Answer, House, done
from tests.fronts.rest_api.caller import house as house_of
from tests.fronts.rest_api.gating import POLICY, made, opened, pull, records


@pytest.fixture(autouse=True)
def open_gates(house: House) -> Iterator[None]:
    yield
    opened(house)


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
