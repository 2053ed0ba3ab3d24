"""Findings of all images and of one, an exception that takes one away, policies and what they decided, scanner data."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lading.services.embedded.samples import SAMPLE_ADVISORY, SAMPLE_PACKAGE
from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.fakes.advisory_files import advisory, folder_of
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.peers.service_process import PASSWORD, Service

HIGH = {"severity": "HIGH"}
FIRST, SECOND, IMAGE = "CVE-2099-0001", "CVE-2099-0002", "secure/app:1"


def packages(**versions: str) -> bytes:
    """A layer with these Python packages."""
    all_of = versions.items()
    said = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"
    return tar_of(
        {f"lib/{name}-{version}.dist-info/METADATA": said.format(name, version).encode() for name, version in all_of}
    )


@pytest.fixture(scope="module", autouse=True)
def findings(service: Service, program: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Advisories, a policy, and two images with the packages they speak of, both scanned; a push that was stopped."""
    records = folder_of(
        tmp_path_factory.mktemp("known") / "advisories",
        advisory("PYSEC-1", aliases=[FIRST], database_specific={"severity": "CRITICAL"}),
        advisory("PYSEC-2", "other", aliases=[SECOND], fixed="9.0", database_specific=HIGH),
        dict(SAMPLE_ADVISORY),
    )
    imported = subprocess.run(
        [*program, "advisories", "import", str(records)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(records.parent), "LADING_DATA": str(service.data)},
        capture_output=True,
        check=False,
    )
    assert imported.returncode == 0, imported.stderr.decode()
    assert service.ask("PUT", "/api/settings/scanner", {"scanner": "osv"})[0] == 200
    service.load(docker_archive([IMAGE], [packages(demo="1.0", other="1.0"), packages(**{SAMPLE_PACKAGE: "1.0"})]))
    service.load(docker_archive(["secure/app:2"], [packages(demo="2.0", other="1.0")], label="2"))
    host = f"127.0.0.1:{service.registry_port}"
    service.registry(host, username="admin", password=PASSWORD)
    rule = {"name": "no-critical", "action": "push", "mode": "enforce", "maxSeverity": "high", "onlyFixed": True}
    assert service.ask("POST", "/api/policies", rule)[0] == 201
    jobs = [service.started("/api/images/scan", {"image": image}) for image in (IMAGE, "secure/app:2")]
    assert {job["status"] for job in service.ended(jobs).values()} == {"done"}
    push = {"imageId": IMAGE, "target": f"{host}/secure/app:1"}
    assert service.ask("POST", "/api/images/push", push, {"Accept": "application/json"})[0] == 409


def narrow(visit: Visit) -> None:
    """Nothing is wider than a phone."""
    visit.page.set_viewport_size({"width": 390, "height": 844})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_exception_takes_a_finding_out_of_the_count(visit: Visit) -> None:
    page = visit.page
    visit.open("/security/findings")
    rows = page.get_by_role("table", name="Findings").locator("tbody tr")
    expect(rows).to_have_count(4)
    expect(page.get_by_role("img", name=re.compile("^1 critical"))).to_be_visible()
    expect(page.get_by_text(re.compile("days old: what became known since is missing"))).to_be_visible()
    visit.check("security-findings")
    page.get_by_label("Severity").select_option("high")
    expect(rows).not_to_have_count(4)
    page.get_by_label("Severity").select_option("")
    page.get_by_role("button", name=FIRST).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("PYSEC-1")
    visit.check("security-finding")
    dialog.get_by_role("button", name="Except it…").click()
    expect(page.get_by_label("In image")).to_have_value(IMAGE)
    page.get_by_label("Reason").fill("It never runs here.")
    visit.check("security-exception")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text(f"{FIRST} is excepted.")).to_be_visible()
    expect(rows).to_have_count(3)
    expect(page.get_by_role("img", name=re.compile("critical"))).to_have_count(0)
    page.get_by_label("excepted").check()
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(FIRST)
    narrow(visit)
    visit.check("security-findings-phone")
    visit.open("/")
    expect(page.get_by_role("img", name=re.compile("critical"))).to_have_count(0)


def test_a_scan_counts_what_it_lists(visit: Visit) -> None:
    page = visit.page
    visit.open("/images/secure%2Fapp%3A2/findings")
    table = page.get_by_role("table", name="Findings")
    expect(page.get_by_role("button", name="1 of 1 have a fix")).to_be_visible()
    table.get_by_role("button", name=SECOND).click()
    expect(table.get_by_role("link", name="Every image with it")).to_be_visible()
    visit.check("image-findings")
    page.get_by_label("Filter findings").fill("nothing like it")
    expect(table).to_contain_text("Nothing with this filter.")
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    visit.open("/compare?a=secure/app:1&b=secure/app:2")
    expect(page.get_by_role("table", name="Fixed in the second")).to_contain_text("DEMO-2026-1")
    expect(page.get_by_role("table", name="Packages that differ")).to_contain_text("demo")
    visit.open("/security/images")
    expect(page.get_by_role("table", name="Scans").locator("tbody tr")).to_have_count(2)
    visit.check("security-scans")
    page.get_by_role("link", name="secure/app:2").click()
    expect(page.get_by_role("heading", name=re.compile("^Scan of .*app:2"))).to_be_visible()
    narrow(visit)


def test_policies_say_what_they_stopped_and_are_changed(visit: Visit) -> None:
    page = visit.page
    visit.open("/security/policies")
    expect(page.get_by_role("table", name="Verdicts")).to_contain_text("1 critical with a fix")
    expect(page.get_by_role("table", name="Verdicts")).to_contain_text("by no-critical")
    visit.check("security-policies")
    page.get_by_role("button", name="Add policy").click()
    page.get_by_label("Name").fill("look")
    page.get_by_label("Before a").select_option("pull")
    page.get_by_label("count only what has a fix").uncheck()
    expect(page.get_by_text("Before a pull, this is looked at and reported: nothing above high.")).to_be_visible()
    visit.check("security-policy")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("look holds from now on.")).to_be_visible()
    page.get_by_role("button", name="Actions on look").click()
    page.get_by_role("menuitem", name="Remove").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("look holds again.")).to_be_visible()
    expect(page.get_by_role("button", name="Actions on look")).to_be_visible()
    narrow(visit)
    visit.check("security-policies-phone")


@pytest.mark.proof
def test_scanners_tell_their_data_and_exceptions_go_out_and_come_in(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    visit.open("/security/scanner")
    expect(page.get_by_role("table", name="Advisories")).to_contain_text("PyPI")
    expect(page.get_by_role("radio", name=re.compile("osv"))).to_be_checked()
    visit.check("security-scanners")
    narrow(visit)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("link", name="Exceptions").click()
    page.get_by_role("button", name="Add exception").click()
    page.get_by_label("Vulnerability").fill("CVE-2099-7777")
    page.get_by_label("Reason").fill("Not ours.")
    page.get_by_role("button", name="Add", exact=True).click()
    row = page.get_by_role("row", name=re.compile("CVE-2099-7777"))
    expect(row).to_contain_text("every image")
    visit.check("security-exceptions")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export OpenVEX").click()
    download.value.save_as(tmp_path / "vex.json")
    page.get_by_role("button", name="Actions on CVE-2099-7777").click()
    page.get_by_role("menuitem", name="Remove").click()
    expect(row).to_have_count(0)
    page.locator("input[type=file]").set_input_files(tmp_path / "vex.json")
    expect(row).to_have_count(1)
    narrow(visit)


def test_who_may_not_see_scans_is_told_so(visiting: Visiting, service: Service) -> None:
    made = service.ask("POST", "/api/users", {"username": "dora", "password": PASSWORD})
    assert made[0] == 201, made
    visit = visiting(f"http://127.0.0.1:{service.port}")
    visit.expects("403 GET /api/")
    visit.log_in("dora", PASSWORD, "/security/findings")
    expect(visit.page.get_by_text("Permission denied").first).to_be_visible()
    assert not visit.page.get_by_role("link", name="Policies").is_visible()
