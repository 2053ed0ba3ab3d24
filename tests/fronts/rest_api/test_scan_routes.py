"""Scans over the API: a whole product with our own scanner, real layers, and advisories from a bucket on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fakes.advisory_files import Bucket, advisory
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.fakes.scripted_server import ScriptedServer
from tests.fronts.rest_api import caller
from tests.fronts.rest_api.caller import EVENTS, JSON, House, done

PACKAGE = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
OTHER = b"Metadata-Version: 2.1\nName: other\nVersion: 3.0\n"
SITE = "usr/local/lib/python3.11/site-packages"
BASE = tar_of({"etc/os-release": b"ID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian 12\n"})
DEMO = tar_of({f"{SITE}/demo-1.0.dist-info/METADATA": PACKAGE})
ADDED = tar_of({f"{SITE}/other-3.0.dist-info/METADATA": OTHER})
SEVERITY: dict[str, Any] = {"database_specific": {"severity": "HIGH"}}


@dataclass
class Place:
    """A product, the bucket of its advisories, and its own registry as a configured one."""

    house: House
    bucket: Bucket
    registry: int

    def remote(self, name: str) -> str:
        return f"{self.house.running.address}/{name}"

    def publish(self, name: str, *layers: bytes) -> None:
        """In the registry, and nowhere else."""
        archive = docker_archive([name], layers)
        admin = self.house.admin
        loaded = admin("POST", "/api/images/import", raw=archive, headers={"Accept": JSON})
        assert loaded.status == 200, loaded.text
        push = {"imageId": name, "registryId": self.registry, "newTag": name}
        assert admin.post("/api/images/push", push, Accept=JSON).status == 200
        for each in (name, self.remote(name)):
            admin("DELETE", f"/api/images/{each.replace('/', '%2F')}?force=true")

    def pull(self, name: str, **fields: object) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The lines of a pull, as a browser is told them, and the job at its end."""
        made = self.house.admin.post("/api/images/pull", {"image": self.remote(name), **fields})
        assert made.status == 200, made.text
        told = self.house.admin.get(f"/api/jobs/{made.json['jobId']}", Accept=EVENTS).text
        events = events_of(told)
        lines = [json.loads(each["data"])["data"] for each in events if each["event"] == "data"]
        bare = [
            line
            for each in events
            if each["event"] == "progress" and "layers" not in (line := json.loads(each["data"]))
        ]
        assert bare == lines  # what both samples of the mission read is one story
        return lines, done(self.house.admin, made.json["jobId"])


def events_of(stream: str) -> list[dict[str, str]]:
    parts = [part.strip().splitlines() for part in stream.split("\n\n")]
    events = [dict(line.split(": ", 1) for line in part if not line.startswith(":")) for part in parts]
    return [event for event in events if "event" in event]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    bucket = Bucket()
    bucket.records["PyPI"] = [advisory("PYSEC-1", aliases=["CVE-2099-0001"], details="Buffer overflow", **SEVERITY)]
    folder = tmp_path_factory.mktemp("scans")
    with (
        ScriptedServer(bucket) as server,
        caller.house(folder, advisories_url=server.url(""), advisories_ecosystems=("PyPI",)) as house,
    ):
        made = Place(house, bucket, house.own_registry())
        assert house.admin.post("/api/advisories/update", {}, Accept=JSON).status == 200
        made.publish("team/app:1", BASE, DEMO)
        made.publish("team/app:2", BASE, DEMO, ADDED)
        yield made


@pytest.fixture
def choose(place: Place) -> Iterator[Any]:
    def chosen(scanner: str | None, env: int | None = None) -> Any:
        query = f"?env={env}" if env else ""
        return place.house.admin("PUT", f"/api/settings/scanner{query}", {"scanner": scanner})

    yield chosen
    chosen("none")
    chosen(None, 1)


SCANNING = ("scanning", "scan-progress", "scan-complete")


def scan_lines(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line.get("status") in SCANNING]


def test_nothing_is_scanned_until_somebody_chooses(place: Place) -> None:
    assert place.house.admin.get("/api/settings/scanner").json["scanner"] == "none"
    lines, job = place.pull("team/app:1")

    assert job["status"] == "done"
    assert scan_lines(lines) == []


def test_a_pull_is_scanned_with_the_events_of_the_mission(place: Place, choose: Any) -> None:
    assert choose("osv").json["scanner"] == "osv"
    lines, job = place.pull("team/app:1")

    told = scan_lines(lines)
    assert told[0] == {"status": "scanning", "message": "Starting vulnerability scan..."}
    assert [line["status"] for line in told[1:-1]] == ["scan-progress"] * (len(told) - 2)
    assert all(set(line) >= {"status", "stage", "message", "progress"} for line in told[1:-1])
    percents = [line["progress"] for line in told[1:-1]]
    assert percents == sorted(percents)
    complete = told[-1]
    assert set(complete) == {"status", "message", "results"}
    assert complete["message"].startswith("Scan complete - found 1 vulnerabilities")
    (result,) = complete["results"]
    image = place.house.admin.get(f"/api/images/{place.remote('team/app:1').replace('/', '%2F')}").json
    assert (result["imageId"], result["imageName"]) == (image["id"], place.remote("team/app:1"))
    assert (result["scanner"], result["summary"]["high"]) == ("osv", 1)
    assert isinstance(result["scanDuration"], int)
    assert result["scannedAt"].endswith("Z")
    (found,) = result["vulnerabilities"]
    assert {name: found[name] for name in ("id", "severity", "package", "version", "fixedVersion", "description")} == {
        "id": "CVE-2099-0001",
        "severity": "high",
        "package": "demo",
        "version": "1.0",
        "fixedVersion": "2.0",
        "description": "About demo\n\nBuffer overflow",
    }
    after = lines[lines.index(complete) + 1 :]
    assert [line["status"] for line in after] == ["complete"]
    assert lines[-1]["status"] == "complete"
    assert job["status"] == "done"


def test_who_wants_no_scan_gets_no_scan_event(place: Place, choose: Any) -> None:
    choose("osv")
    lines, _ = place.pull("team/app:1", scanAfterPull=False)

    assert scan_lines(lines) == []


def test_an_environments_own_choice_counts(place: Place, choose: Any) -> None:
    choose("osv")
    assert choose("none", 1).json == {**choose("none", 1).json, "scanner": "none", "inherited": False}
    lines, _ = place.pull("team/app:1")
    assert scan_lines(lines) == []

    assert choose(None, 1).json["inherited"]
    assert scan_lines(place.pull("team/app:1")[0])


def test_a_scan_that_fails_leaves_the_pull_whole(place: Place, choose: Any) -> None:
    choose("grype")  # which is not here
    lines, job = place.pull("team/app:1")

    complete = scan_lines(lines)[-1]
    assert complete["message"].startswith("Scan failed - ")
    (result,) = complete["results"]
    assert (result["status"], result["summary"], result["vulnerabilities"]) == ("failed", None, [])
    assert (job["status"], lines[-1]["status"]) == ("done", "complete")


def test_a_scan_that_is_asked_for(place: Place) -> None:
    place.pull("team/app:2")
    name = place.remote("team/app:2")
    answer = place.house.admin.post("/api/images/scan", {"image": name, "scanner": "osv"}, Accept=JSON)

    assert (answer.status, answer.json["status"]) == (200, "complete")
    assert answer.json["message"].startswith("Scan complete - found 1 vulnerabilities")
    (scan,) = answer.json["scans"]
    whole = place.house.admin.get(f"/api/scans/{scan['id']}").json
    assert {name: whole[name] for name in scan} == scan
    assert len(whole["vulnerabilities"]) == 1
    assert whole["coverage"]["packages"] == 2
    (latest,) = [
        each for each in place.house.admin.get(f"/api/images/scan?image={name}").json if each["scanner"] == "osv"
    ]
    assert latest == whole


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, "Image name is required"),
        ({"image": "nothing:1"}, 404, "Image not found"),
        ({"image": "team/app:1", "scanner": "clam"}, 400, "there is no scanner 'clam'"),
        ({"image": "team/app:1", "scanner": "none"}, 400, "the scanner none scans nothing"),
        ({"image": "team/app:1", "image_name": "x"}, 400, "image_name is not known here"),
    ],
)
def test_what_cannot_be_scanned(place: Place, body: dict[str, str], status: int, text: str) -> None:
    answer = place.house.admin.post("/api/images/scan", body, Accept=JSON)

    assert answer.status == status
    assert text in answer.text


def test_an_image_of_which_nothing_can_be_known_is_told_as_such(place: Place) -> None:
    place.publish("team/bare:1", BASE)
    place.pull("team/bare:1")

    name, admin = place.remote("team/bare:1"), place.house.admin
    told = admin.post("/api/images/scan", {"image": name}, Accept=JSON).json
    admin("DELETE", f"/api/images/{name.replace('/', '%2F')}?force=true")

    assert told["code"] == "not_assessed"
    assert "advisories" in told["hint"]


def test_lists_findings_and_comparison(place: Place) -> None:
    admin = place.house.admin
    for name in ("team/app:1", "team/app:2"):
        place.pull(name)
        assert (
            admin.post("/api/images/scan", {"image": place.remote(name), "scanner": "osv"}, Accept=JSON).status == 200
        )

    page = admin.get("/api/scans?page=1&limit=1&scanner=osv").json
    assert (len(page["items"]), page["next"]) == (1, 2)
    assert page["total"] == len(admin.get("/api/scans?scanner=osv").json)
    findings = admin.get("/api/findings?page=1&severity=high&package=demo&fixable=true&id=PYSEC-1").json
    assert findings["total"] == len(findings["items"]) == findings["summary"]["high"]
    assert {each["imageName"] for each in findings["items"]} == {
        place.remote("team/app:1"),
        place.remote("team/app:2"),
    }
    assert admin.get("/api/findings?severity=low").json == []
    assert admin.get("/api/findings?page=1&id=pysec-1").json["total"] == findings["total"]
    (first,) = admin.get(f"/api/scans?image={place.remote('team/app:1')}&scanner=osv&limit=1").json
    (second,) = admin.get(f"/api/scans?image={place.remote('team/app:2')}&scanner=osv&limit=1").json
    compared = admin.get(f"/api/scans/{first['id']}/compare/{second['id']}").json
    assert compared["counts"] == {"new": 0, "fixed": 0, "same": 1}
    assert admin.get("/api/scans/999999").brief == (404, "Scan not found")


def test_newer_advisories_are_held_against_what_is_known(place: Place) -> None:
    """The job that brought them has it done; no image is read."""
    admin = place.house.admin
    place.pull("team/app:2")
    name = place.remote("team/app:2")
    admin.post("/api/images/scan", {"image": name, "scanner": "osv"}, Accept=JSON)
    place.bucket.records["PyPI"].append(
        advisory("PYSEC-9", "other", fixed="4.0", modified="2027-01-02T03:04:05Z", **SEVERITY)
    )
    assert admin.post("/api/advisories/update", {}, Accept=JSON).status == 200
    caller.until(lambda: bool(admin.get("/api/jobs?kind=rematch&status=done").json), "it has been matched again")

    (rematch, *_) = admin.get("/api/jobs?kind=rematch").json
    told = [line["data"] for line in admin.get(f"/api/jobs/{rematch['id']}").json["lines"]]
    (changed,) = [line for line in told if line.get("status") == "rematched"]
    assert (changed["image"], changed["new"], changed["fixed"]) == (name, ["PYSEC-9"], [])
    assert {each["id"] for each in admin.get("/api/findings?package=other").json} == {"PYSEC-9"}
    assert admin.get(f"/api/scans/{changed['scanId']}").json["occasion"] == "advisories"


def test_a_round_over_all_images(place: Place, choose: Any) -> None:
    place.pull("team/app:1")
    choose("osv")
    answer = place.house.admin.post("/api/scans/rounds", None, Accept=JSON)

    assert (answer.status, answer.json["status"]) == (200, "complete")
    assert answer.json["images"] >= 1
    assert answer.json["failed"] == 0
    records = place.house.admin.get("/api/audit?action=scan&entityType=environment").json
    assert {record["result"] for record in records} == {"started", "done"}


def test_what_looks_and_whether_it_can(place: Place) -> None:
    told = place.house.admin.get("/api/settings/scanner").json

    by_name = {each["name"]: each for each in told["scanners"]}
    assert by_name["osv"]["available"]
    assert by_name["osv"]["dbVersion"]
    assert not by_name["grype"]["available"]
    assert by_name["grype"]["reason"]
    assert place.house.admin("PUT", "/api/settings/scanner", {"scanner": "clam"}).status == 400
    assert place.house.admin("PUT", "/api/settings/scanner", {}).brief == (400, "scanner is required")
    assert place.house.admin("PUT", "/api/settings/scanner?env=99", {"scanner": "osv"}).brief == (
        404,
        "Environment not found",
    )


def test_findings_are_counted_for_who_watches(place: Place) -> None:
    assert 'lading_findings{severity="critical"} ' in place.house.admin.get("/metrics").text


def test_what_nobody_has_any_more_is_forgotten_with_the_garbage(place: Place) -> None:
    assert place.house.admin.post("/api/prune/content", {"dryRun": False}, Accept=JSON).status == 200
    assert place.pull("team/app:1")[1]["status"] == "done"
