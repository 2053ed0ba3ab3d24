"""What our content takes, and collecting garbage, by the API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.tree import digest_at
from lading.backends.database.catalogue import open_catalogue
from tests.fronts.rest_api import caller
from tests.fronts.rest_api.caller import DENIED, House

JSON = "application/json"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[House]:
    """A product whose content nobody else counts on."""
    with caller.house(tmp_path) as running:
        yield running


def test_what_images_take_is_told(empty: House) -> None:
    empty.load("team/app:1")
    figures = empty.admin.get("/api/storage").json

    assert set(figures) == {
        "countedAt",
        "repositories",
        "images",
        "logical",
        "stored",
        "shared",
        "reclaimable",
        "unfinished",
        "damaged",
        "free",
        "capacity",
    }
    assert (figures["repositories"], figures["images"]) == (0, 1)
    assert figures["logical"] == figures["stored"]["bytes"] > 0
    assert figures["reclaimable"] == figures["unfinished"] == figures["damaged"] == {"pieces": 0, "bytes": 0}
    assert 0 < figures["free"] < figures["capacity"]
    assert 'lading_store_bytes{kind="stored"}' in empty.admin.get("/metrics").text


def test_what_a_repository_takes_is_told_to_who_may_see_it(house: House) -> None:
    house.load("storage/app:1")
    pushed = house.admin.post(
        "/api/images/push",
        {"imageId": "storage/app:1", "registryId": house.own_registry()},
        Accept=JSON,
    )
    assert pushed.status == 200, pushed.text
    (row,) = house.admin.get("/api/storage/repositories?filter=storage/app").json
    role = house.role("elsewhere", {"permissions": ["repositories:view"], "repositories": ["other/*"]})

    assert (row["name"], row["tags"], row["manifests"]) == ("storage/app", 1, 1)
    assert row["logical"] == row["unique"] + row["shared"] > 0
    assert house.user("outsider", role).get("/api/storage/repositories").json == []
    assert house.user("inmate", role).get("/api/storage").json == DENIED


def test_an_image_that_is_deleted_frees_what_only_it_held(empty: House, tmp_path: Path) -> None:
    empty.load("team/app:1")
    assert empty.admin("DELETE", "/api/images/team%2Fapp:1").status == 200

    assert not list((tmp_path / "content/blobs/sha256").iterdir())
    assert empty.admin.get("/api/storage").json["stored"]["bytes"] == 0


def test_a_collection_is_a_job_that_says_why_nothing_went(empty: House, tmp_path: Path) -> None:
    empty.load("team/app:1")
    with closing(open_catalogue(tmp_path / "lading.db", time.time)) as other:
        other.leases.hold([digest_at(path) for path in (tmp_path / "content/blobs/sha256").iterdir()])
    assert empty.admin("DELETE", "/api/images/team%2Fapp:1").status == 200
    told = empty.admin.post("/api/prune/content", Accept=JSON)

    assert told.status == 200
    assert told.json["status"] == "complete"
    assert told.json["removed"] == 0
    assert told.json["usedLately"]["pieces"] > 0
    assert "stay until a day after somebody used them last" in told.json["notes"][0]
    job = empty.admin.get(f"/api/jobs/{told.headers['x-job-id']}").json
    assert (job["kind"], job["status"]) == ("gc", "done")
    assert [line["data"]["status"] for line in job["lines"]] == ["marking", "removing", "complete"]
    audit = empty.admin.get("/api/audit?page=1&limit=5").json["items"]
    assert {(row["action"], row["entityType"]) for row in audit} >= {("prune", "content")}


def test_collecting_takes_the_permission_to_change_settings(house: House) -> None:
    operator = house.user("sweeper", "publisher")

    assert operator.post("/api/prune/content").json == DENIED
    assert house.admin.post("/api/prune/content", {"dryRun": True}, Accept=JSON).json["dryRun"] is True
