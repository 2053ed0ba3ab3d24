"""grype and trivy by the API: played programs over a whole product, its real content, its jobs and its trail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import scanner_program
from tests.fronts.rest_api import caller
from tests.fronts.rest_api.caller import DENIED, JSON, UNAUTHORIZED, House


@dataclass
class Place:
    """A product with an image, and where its scanners are."""

    house: House
    programs: Path
    data: Path

    def play(self, name: str, play: str) -> None:
        scanner_program.installed(self.programs / name, name, play)

    def update(self, body: object = None) -> caller.Answer:
        return self.house.admin.post("/api/scanners/update", body or {}, Accept=JSON)

    def scanned(self, image: str) -> Any:
        """By both; what each of them says."""
        done = self.house.admin.post("/api/images/scan", {"image": image, "scanner": "both"}, Accept=JSON)
        assert done.status == 200, done.text
        return self.house.admin.get(f"/api/images/scan?image={image}").json


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    programs = tmp_path_factory.mktemp("programs")
    paths = {name: str(scanner_program.installed(programs / name, name)) for name in scanner_program.VERSIONS}
    folder = tmp_path_factory.mktemp("scanned")
    with caller.house(folder, scan_timeout=60.0, **paths) as house:
        house.load("team/app:1", label="scanned")
        yield Place(house, programs, Path(house.running.folder))


def test_scanners_are_told_and_updated_and_scan(place: Place) -> None:
    before = {each["name"]: each for each in place.house.admin.get("/api/scanners").json}
    assert [before[name]["available"] for name in ("grype", "trivy")] == [False, False]
    assert before["grype"]["reason"].startswith("it has no database yet")

    updated = place.update()
    assert (updated.status, sorted(updated.json["scanners"])) == (200, ["grype", "trivy"])
    after = {each["name"]: each for each in place.house.admin.get("/api/scanners").json}
    assert after["grype"] == {
        "name": "grype",
        "available": True,
        "version": "0.116.0",
        "dbVersion": "2026-11-20T01:02:03.000Z",
        "reason": None,
    }
    (record, *_) = place.house.admin.get("/api/audit?filter=scanner").json
    assert (record["action"], record["entityType"]) == ("update", "scanner")

    results = place.scanned("team/app:1")
    assert [result["scanner"] for result in results] == ["grype", "trivy"]
    for result in results:
        assert [found["id"] for found in result["vulnerabilities"]] == ["CVE-2099-0001"]
        assert result["coverage"]["packages"] == 3
        assert scanner_program.names_of_blobs(place.programs / result["scanner"]) == 2
    assert list((place.data / "scans").iterdir()) == []


def test_one_that_fails_has_a_row_of_its_own(place: Place) -> None:
    place.update()
    place.play("trivy", "truncates")
    place.house.load("team/other:1", label="another")

    results = place.scanned("team/other:1")

    assert [(each["scanner"], each["status"]) for each in results] == [("grype", "ok"), ("trivy", "failed")]
    assert results[1]["summary"] is None
    assert list((place.data / "scans").iterdir()) == []
    place.play("trivy", "sound")


def test_a_scanner_without_a_database_is_none(place: Place) -> None:
    refused = place.update({"scanner": "osv"})

    assert (refused.status, refused.json["error"]) == (400, "there is no scanner 'osv' that is updated")


def test_who_may(place: Place) -> None:
    viewer = place.house.user("looks", "viewer")

    assert place.house.nobody.get("/api/scanners").json == UNAUTHORIZED
    assert viewer.get("/api/scanners").status == 200
    assert viewer.post("/api/scanners/update", {}).json == DENIED
