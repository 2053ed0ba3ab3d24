"""`lading scan` at a server that knows of a vulnerability."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.advisory_files import Bucket, advisory
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.service_folder import ServiceFolder
from tests.fronts.rest_api import caller

PACKAGE = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
SITE = "usr/local/lib/python3.11/site-packages"
BASE = tar_of({"etc/os-release": b"ID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian 12\n"})
DEMO = tar_of({f"{SITE}/demo-1.0.dist-info/METADATA": PACKAGE})


@pytest.fixture
def away(tmp_path: Path) -> Iterator[ServiceFolder]:
    """The program of an admin elsewhere; the server has team/app:1."""
    bucket = Bucket()
    bucket.records["PyPI"] = [
        advisory("PYSEC-1", aliases=["CVE-2099-0001"], details="Overflow", database_specific={"severity": "HIGH"})
    ]
    with (
        ScriptedServer(bucket) as advisories,
        caller.house(tmp_path / "house", advisories_url=advisories.url(""), advisories_ecosystems=("PyPI",)) as house,
    ):
        assert house.admin.post("/api/advisories/update", {}, Accept=caller.JSON).status == 200
        archive = docker_archive(["team/app:1"], [BASE, DEMO])
        loaded = house.admin("POST", "/api/images/import", raw=archive, headers={"Accept": caller.JSON})
        assert loaded.status == 200, loaded.text
        token = house.admin.post("/api/auth/tokens", {"name": "tests"}).json["token"]
        (tmp_path / "data").mkdir()
        yield ServiceFolder(tmp_path / "data", {"LADING_SERVER": house.running.api, "LADING_TOKEN": token})


def test_what_scans_know_is_the_servers(away: ServiceFolder) -> None:
    updated = away("advisories", "update", "PyPI")
    (row,) = away.json("advisories", "status")
    here = away.run("advisories", "import", "/srv/osv.zip")
    gone = away("advisories", "forget", row["source"])

    assert "job " in updated.err
    assert (row["ecosystem"], row["records"]) == ("PyPI", 1)
    assert here.code == 2
    assert "forgotten" in gone.out
    assert away.json("advisories", "status") == []


def test_findings_are_the_servers_and_stop_a_build_as_they_would_here(away: ServiceFolder) -> None:
    said = away.run("scan", "team/app:1", "--fail-on", "high")
    passed = away("scan", "team/app:1", "--fail-on", "critical", "--format", "json").json
    mended = away.run("scan", "team/app:1", "--fixable", "--format", "json").json
    refused = away.run("scan", "team/app:1", "--export", "sarif")

    assert said.code == 9
    assert "team/app:1 has 1 finding at or above high" in said.err
    assert said.out.splitlines()[1].split()[:4] == ["high", "CVE-2099-0001", "demo", "1.0"]
    assert [each["id"] for each in passed["vulnerabilities"]] == ["CVE-2099-0001"]
    assert all(each.get("fixedVersion") for each in mended["vulnerabilities"])
    assert refused.code == 2
