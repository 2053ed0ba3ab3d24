"""The images of an environment, one of them from all sides, two side by side; removing the last copy; who may not."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from lading.oci.platform import Platform
from lading.services.embedded.samples import sample_archive
from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.peers.service_process import PASSWORD, Service

PHONE = {"width": 390, "height": 844}
BASE, OWN = tar_of({"base": b"b" * 400_000}), tar_of({"own": b"o" * 90_000})


@pytest.fixture(scope="module", autouse=True)
def images(service: Service) -> None:
    """Two that share a base, one with two names, one in our registry too, and two samples."""
    service.load(docker_archive(["pages/one:1"], [BASE, OWN], label="one"))
    service.load(docker_archive(["pages/two:1", "pages/two:latest"], [BASE], label="two"))
    for version in ("1.0", "1.1"):
        service.load(sample_archive(f"pages/hello:{version}", version, Platform.parse("linux/amd64"), version))
    host = f"127.0.0.1:{service.registry_port}"
    service.registry(host, username="admin", password=PASSWORD)
    job = service.started("/api/images/push", {"imageId": "pages/one:1", "target": f"{host}/pages/one:1"})
    assert service.ended([job])[job]["status"] == "done"


def narrow(visit: Visit) -> None:
    """Nothing is wider than a phone."""
    visit.page.set_viewport_size({"width": 390, "height": 844})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_list_is_filtered_ordered_and_shared_by_its_address(visit: Visit) -> None:
    visit.open("/images?filter=pages")
    page = visit.page
    rows = page.get_by_role("table", name="Images").locator("tbody tr")
    expect(rows).to_have_count(4)
    visit.check("images-list")
    page.get_by_role("button", name="Size").click()
    page.wait_for_url("**sort=size**")
    expect(rows.first).to_contain_text("pages/two:1")
    page.get_by_placeholder("Filter images").fill("hello")
    expect(rows).to_have_count(2)
    page.wait_for_url("**filter=hello**")
    page.reload()
    expect(rows).to_have_count(2)
    narrow(visit)
    visit.check("images-list-phone")


def test_an_image_from_all_sides(visit: Visit, service: Service) -> None:
    visit.open("/images/pages%2Fone%3A1")
    page = visit.page
    expect(page.get_by_role("heading", name="pages/one:1")).to_be_visible()
    layers = page.get_by_role("table", name="Layers").locator("tbody tr")
    expect(layers).to_have_count(2)
    expect(layers.first).to_contain_text("1 other")
    page.get_by_role("listitem", name=re.compile("step 1")).focus()
    expect(page.get_by_text(re.compile("· step 1"))).to_be_visible()
    visit.check("image-layers")
    page.get_by_role("link", name="Configuration").click()
    expect(page.get_by_role("table", name="Configuration")).to_contain_text("/bin/true")
    page.get_by_role("link", name="Where it is").click()
    expect(page.get_by_role("table", name="Places").get_by_role("link", name="pages/one", exact=True)).to_be_visible()
    visit.check("image-places")
    page.get_by_role("link", name="Timeline").click()
    expect(page.get_by_role("table", name="Timeline")).to_contain_text("push")
    page.get_by_role("button", name="Pull command").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"docker pull 127.0.0.1:{service.registry_port}/pages/one:1")
    visit.check("image-pull-commands")


@pytest.mark.proof
@pytest.mark.parametrize("tab", ["layers", "config", "findings", "places", "timeline"])
def test_an_image_fits_a_phone(visit: Visit, tab: str) -> None:
    visit.open(f"/images/pages%2Fone%3A1/{tab}")
    expect(visit.page.get_by_role("heading", name=re.compile("one:1"))).to_be_visible()
    narrow(visit)
    visit.check(f"image-{tab}-phone")


def test_two_are_compared_and_swapped(visit: Visit) -> None:
    visit.open("/images?filter=pages")
    page = visit.page
    for name in ("one:1", "two:1"):
        page.get_by_role("row", name=re.compile(name)).get_by_role("checkbox").check()
    page.get_by_role("link", name="Compare the two").click()
    expect(page.get_by_text(re.compile("1 layer the same"))).to_be_visible()
    expect(page.get_by_role("table", name="Settings that differ")).to_contain_text("label")
    visit.check("images-compared", full=True)
    first = page.get_by_label("First image")
    before = first.input_value()
    page.get_by_role("button", name="Swap the two").click()
    expect(page.get_by_label("Second image")).to_have_value(before)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export JSON").click()
    assert download.value.suggested_filename == "comparison.json"
    narrow(visit)


def test_a_name_is_given_and_taken_and_the_last_copy_only_goes_by_its_name(visit: Visit, service: Service) -> None:
    gone = service.ask("GET", "/api/images/pages%2Fhello%3A1.1")[1]["id"]
    visit.open("/images?filter=hello:1.1")
    page = visit.page
    page.get_by_role("button", name="Actions on pages/hello:1.1").click()
    page.get_by_role("menuitem", name="Tag").click()
    page.get_by_label("Name").fill("pages/greeting")
    page.get_by_role("button", name="Tag", exact=True).click()
    expect(page.get_by_text("It is called pages/greeting:latest as well now.")).to_be_visible()
    row = page.get_by_role("row", name=re.compile("hello:1.1"))
    expect(row).to_contain_text("greeting:latest")
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Remove", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This is the last copy")
    removing = dialog.get_by_role("button", name="Remove")
    expect(removing).to_be_disabled()
    visit.check("images-remove")
    typed = dialog.get_by_label(re.compile("^Type "))
    typed.fill(str(re.sub("^Type | to confirm$", "", dialog.locator("label").inner_text())))
    removing.click()
    expect(page.get_by_text("was removed.")).to_be_visible()
    visit.expects("404 GET /api/images/sha256")
    visit.open(f"/images/{gone}")
    expect(page.get_by_text(re.compile("removed.*admin|admin.*removed"))).to_be_visible()
    visit.check("image-gone")


def test_who_may_only_look_is_offered_nothing_else(visiting: Visiting, service: Service) -> None:
    role = service.ask("POST", "/api/roles", {"name": "looks", "grants": [{"permissions": ["images:view"]}]})[1]
    made = service.ask("POST", "/api/users", {"username": "carl", "password": PASSWORD, "roles": [role["id"]]})
    assert made[0] == 201, made
    visit = visiting(f"http://127.0.0.1:{service.port}")
    visit.log_in("carl", PASSWORD, "/images")
    page = visit.page
    page.get_by_role("link", name="pages/one:1").click()
    expect(page.get_by_role("heading", name="pages/one:1")).to_be_visible()
    expect(page.get_by_role("link", name="Layers")).to_be_visible()
    assert not page.get_by_role("link", name="Findings").is_visible()
    assert not page.get_by_role("button", name="Scan", exact=True).is_visible()
    assert not page.get_by_role("button", name="Push").first.is_visible()
    visit.expects("403 POST /api/auth/|403 GET /api/overview")
