"""grype and trivy by the command line over a data folder: their databases, and a scan with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import scanner_program
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.fakes.service_folder import ServiceFolder


@pytest.fixture
def lading(tmp_path: Path) -> ServiceFolder:
    (tmp_path / "data").mkdir()
    environment = {
        f"LADING_{name.upper()}": str(scanner_program.installed(tmp_path / name, name))
        for name in scanner_program.VERSIONS
    }
    return ServiceFolder(tmp_path / "data", environment)


@pytest.fixture
def archive(tmp_path: Path) -> str:
    path = tmp_path / "image.tar"
    path.write_bytes(docker_archive(["team/app:1"], [tar_of({"etc/os-release": b"ID=debian\n"})]))
    return f"archive:{path}"


def test_a_database_is_fetched_once(lading: ServiceFolder) -> None:
    first = lading("advisories", "update", "--scanner", "grype")
    second = lading.json("advisories", "update", "--scanner", "grype")

    assert first.out == "grype   its database is new, of 2026-11-20T01:02:03.000Z\n"
    assert "Downloading the database" in first.err
    assert second == {"scanner": "grype", "updated": False, "dbVersion": "2026-11-20T01:02:03.000Z"}


def test_a_database_has_no_ecosystems(lading: ServiceFolder) -> None:
    assert lading.run("advisories", "update", "--scanner", "grype", "npm").code == 2


def test_of_two_scanners_the_one_that_failed_is_named(lading: ServiceFolder, archive: str) -> None:
    lading("advisories", "update", "--scanner", "grype")
    missing = "trivy: it has no database yet; lading advisories update --scanner trivy fetches it"

    said = lading("scan", archive, "--scanner", "both", "--fail-on", "critical")

    assert f"  note: {missing}" in said.out.splitlines()
    assert f"was not assessed whole: {missing}" in said.err


def test_a_name_that_is_not_here_is_said_to_be_why_its_registry_was_asked(lading: ServiceFolder) -> None:
    said = lading.run("scan", "127.0.0.1:1/web:1", "--progress", "none")

    assert said.code == 7
    assert "why:   It is not in the local store, so its registry was asked." in said.err


def test_an_image_is_scanned_by_both(lading: ServiceFolder, archive: str) -> None:
    for name in scanner_program.VERSIONS:
        lading("advisories", "update", "--scanner", name)

    said = lading.json("scan", archive, "--scanner", "both")

    assert (said["scanner"], said["status"]) == ("both", "ok")
    [found] = said["vulnerabilities"]
    assert (found["id"], found["severity"]) == ("CVE-2099-0001", "critical")


def test_a_flag_names_the_program(lading: ServiceFolder, archive: str, tmp_path: Path) -> None:
    plain = ServiceFolder(lading.data)
    program = str(tmp_path / "grype" / "grype")
    cache = str(tmp_path / "cache")

    plain("advisories", "update", "--scanner", "grype", "--grype", program, "--scan-cache", cache)
    said = plain.json("scan", archive, "--scanner", "grype", "--grype", program, "--scan-cache", cache)

    assert (said["scanner"], said["status"]) == ("grype", "ok")
    assert (tmp_path / "cache" / "grype" / "000001").is_dir()


def test_without_a_database_it_says_how_to_get_one(lading: ServiceFolder, archive: str) -> None:
    said = lading.run("scan", archive, "--scanner", "grype")

    assert said.code == 1
    assert "it has no database yet" in said.out + said.err
