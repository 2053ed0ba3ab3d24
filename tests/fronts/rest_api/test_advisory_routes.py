"""Advisories by the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.advisories.importing import import_turn
from tests.fakes.advisory_files import Bucket, advisory
from tests.fakes.scripted_server import ScriptedServer
from tests.fronts.rest_api import caller
from tests.fronts.rest_api.caller import DENIED, JSON, UNAUTHORIZED, House


@dataclass
class Kept:
    """A product, and the bucket that its settings name."""

    house: House
    bucket: Bucket
    server: ScriptedServer


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    bucket = Bucket()
    bucket.records["PyPI"] = [advisory("PYSEC-1"), advisory("PYSEC-2", "other")]
    folder = tmp_path_factory.mktemp("advisories")
    with (
        ScriptedServer(bucket) as server,
        caller.house(folder, advisories_url=server.url(""), advisories_ecosystems=("PyPI",)) as house,
    ):
        yield Kept(house, bucket, server)


def data_of(house: House) -> Path:
    return Path(house.running.folder)


def test_an_update_is_a_job_and_its_data_is_told(kept: Kept) -> None:
    admin = kept.house.admin
    done = admin.post("/api/advisories/update", {}, Accept=JSON)

    assert (done.status, done.json["status"]) == (200, "complete")
    (source,) = done.json["sources"]
    assert (source["source"], source["records"], source["unread"]) == ("osv:PyPI", 2, 0)
    (feed,) = admin.get("/api/advisories?filter=osv:pypi").json
    assert (feed["ecosystem"], feed["records"], feed["newest"]) == ("PyPI", 2, "2026-01-02T03:04:05.000Z")
    assert feed["importedAt"] >= feed["built"] > feed["newest"]
    (record, *_) = admin.get("/api/audit?filter=advisories").json
    assert (record["action"], record["entityType"]) == ("update", "advisories")


def test_a_part_that_fails_is_told_and_the_rest_stays(kept: Kept) -> None:
    done = kept.house.admin.post("/api/advisories/update", {"ecosystems": ["PyPI", "npm"]}, Accept=JSON)

    assert done.status >= 400
    assert done.json["error"] == "not up to date: npm"


def test_a_url_is_imported(kept: Kept) -> None:
    body = {"url": kept.server.url("/PyPI/all.zip"), "name": "ours"}
    done = kept.house.admin.post("/api/advisories/import", body, Accept=JSON)

    assert done.status == 200, done.text
    assert [each["source"] for each in kept.house.admin.get("/api/advisories").json if each["source"] == "ours"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "is no http:// or https:// URL"),
        ({"url": "/etc/passwd"}, "is no http:// or https:// URL"),
        ({"url": "file:///etc/passwd"}, "is no http:// or https:// URL"),
        ({"url": "https://ann:pw@example.test/all.zip"}, "may hold a secret"),
        ({"url": "https://example.test/all.zip?sig=1"}, "may hold a secret"),
        ({"url": "https://example.test/all.zip", "path": "/etc"}, "path"),
    ],
    ids=range(6),
)
def test_nothing_but_a_plain_url_is_taken(body: object, error: str, kept: Kept) -> None:
    refused = kept.house.admin.post("/api/advisories/import", body)

    assert refused.status == 400
    assert error in refused.json["error"]
    assert "pw" not in refused.text


def test_an_import_that_meets_another_is_refused(kept: Kept) -> None:
    with import_turn(data_of(kept.house)):
        refused = kept.house.admin.post("/api/advisories/update", {}, Accept=JSON)

    assert (refused.status, refused.json["code"]) == (409, "busy")


def test_who_may_not_change_settings_changes_no_advisories(kept: Kept) -> None:
    viewer = kept.house.user("advisory-viewer", "viewer")

    assert viewer.get("/api/advisories").status == 200
    for path, body in (("update", {}), ("import", {"url": "http://127.0.0.1:1/x.zip"})):
        assert viewer.post(f"/api/advisories/{path}", body).json["error"] == DENIED["error"]
        assert kept.house.nobody.post(f"/api/advisories/{path}", body).json == UNAUTHORIZED
    assert kept.house.nobody.get("/api/advisories").json == UNAUTHORIZED


def test_a_source_is_let_go_of(kept: Kept) -> None:
    admin = kept.house.admin
    body = {"url": kept.server.url("/PyPI/all.zip"), "name": "a/mistake"}
    assert admin.post("/api/advisories/import", body, Accept=JSON).status == 200

    gone = admin("DELETE", "/api/advisories?source=a%2Fmistake")
    again = admin("DELETE", "/api/advisories?source=a%2Fmistake")

    assert (gone.status, gone.json) == (200, {"source": "a/mistake", "gone": 2})
    assert (again.status, again.json["error"]) == (404, "no advisories came from a/mistake")
    assert "a/mistake" not in {each["source"] for each in admin.get("/api/advisories").json}
    (record, *_) = admin.get("/api/audit?filter=a/mistake").json
    assert (record["action"], record["result"], record["details"]) == ("delete", "done", {"records": 2})
    assert admin("DELETE", "/api/advisories").brief == (400, "source is required")


def test_who_may_not_change_settings_lets_go_of_none(kept: Kept) -> None:
    viewer = kept.house.user("forgetful", "viewer")

    assert viewer("DELETE", "/api/advisories?source=osv:PyPI").json == DENIED
