"""The frame around every page, the overview, the activity and the settings."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.fakes.docker_archives import docker_archive
from tests.peers.service_process import PASSWORD, Service


def test_the_overview_leads_whoever_is_new_through_three_steps(visit: Visit, service: Service) -> None:
    page = visit.page
    expect(page.get_by_role("heading", name="Three steps")).to_be_visible()
    expect(page.get_by_text("Nothing is running.")).to_be_visible()
    visit.check("overview-new", full=True)
    page.get_by_role("link", name="Add a registry").click()
    expect(page.get_by_role("dialog", name="Add registry")).to_be_visible()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    service.load(docker_archive(["overview/app:1"]))
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Ended lately")).to_be_visible()
    expect(page.get_by_text("import").first).to_be_visible()
    visit.check("overview", full=True)


def test_keys_lead_everywhere(visit: Visit, service: Service) -> None:
    service.load(docker_archive(["keys/app:1"], label="keys"))
    page = visit.page
    for keys, path in (("j", "/jobs"), ("e", "/environments"), (",", "/settings"), ("o", "/")):
        page.keyboard.press("g")
        page.keyboard.press(keys)
        page.wait_for_url(f"{visit.url}{path}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    visit.check("keys")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Name of a page").fill("keys/app")
    expect(page.get_by_role("option", name="keys/app:1")).to_be_visible()
    visit.check("palette")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="keys/app:1")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url(f"{visit.url}/images")
    page.get_by_role("table").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("keys")
    page.wait_for_url("**/images?filter=keys")
    page.go_back()


def test_what_the_address_says_is_shown_and_what_is_nowhere_is_said(visit: Visit) -> None:
    visit.open("/nowhere/at/all")
    expect(visit.page.get_by_text("There is no such page.")).to_be_visible()
    assert visit.page.title() == "No such page · Lading"


def test_the_theme_and_the_time_zone_are_kept_in_this_browser(visit: Visit) -> None:
    visit.open("/settings/appearance")
    page = visit.page
    page.get_by_label("Dark").check()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    page.reload()
    expect(page.get_by_label("Dark")).to_be_checked()
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_user_is_added_given_a_role_and_shut_out(visit: Visit, visiting: Visiting) -> None:
    page = visit.page
    visit.open("/settings/roles")
    page.get_by_role("button", name="Add role").click()
    page.get_by_role("textbox", name="Name").fill("scanning")
    page.get_by_label("Scans: run").check()
    page.get_by_label("Scans: view").check()
    visit.check("role")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("row", name=re.compile("scanning.*scans:run, scans:view"))).to_be_visible()
    visit.open("/settings/users")
    page.get_by_role("button", name="Add user").click()
    page.get_by_role("textbox", name="Name").fill("eve")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("scanning").check()
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    row = page.get_by_role("row", name=re.compile("eve"))
    expect(row).to_contain_text("scanning")
    visit.check("users")

    theirs = visiting(visit.url)
    theirs.log_in("eve", PASSWORD)
    main = theirs.page.get_by_role("navigation", name="Main")
    expect(main.get_by_role("link", name="Security")).to_be_visible()
    assert main.get_by_role("link", name="Registries").count() == 0
    row.get_by_role("button", name="Actions on eve").click()
    page.get_by_role("menuitem", name="Shut out").click()
    expect(row).to_contain_text("shut out")
    theirs.expects("401 ")
    theirs.page.get_by_role("link", name="Security").click()
    theirs.page.wait_for_url("**/login?next=**")


def test_activity_is_live_filtered_and_verified(visit: Visit, service: Service) -> None:
    visit.open("/activity")
    page = visit.page
    page.get_by_role("table").wait_for()
    made = service.ask("POST", "/api/roles", {"name": "seen at once"})
    assert made[0] == 201, made
    expect(page.get_by_role("row", name=re.compile("seen at once"))).to_be_visible()
    page.get_by_role("button", name="seen at once").click()
    expect(page.get_by_role("dialog")).to_contain_text("127.0.0.1")
    visit.check("activity-record")
    page.keyboard.press("Escape")
    page.get_by_label("How it ended").select_option("denied")
    page.wait_for_url("**/activity?result=denied")
    page.get_by_label("How it ended").select_option("")
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_text("The chain is sound")).to_be_visible()
    visit.check("activity")


@pytest.mark.parametrize("subject", ["account", "tokens", "sign-on", "storage", "backup", "server"])
def test_settings_are_for_everybody_to_read(visit: Visit, subject: str) -> None:
    visit.open(f"/settings/{subject}")
    visit.page.get_by_role("heading", level=1, name="Settings").wait_for()
    visit.check(f"settings-{subject}")


def test_a_phone_shows_nothing_wider_than_itself(visiting: Visiting, service: Service) -> None:
    service.load(docker_archive(["registry.example.com/some/long/path/of/an/application:2026.11.22-1"], label="phone"))
    visit = visiting(f"http://127.0.0.1:{service.port}", viewport={"width": 360, "height": 740})
    visit.log_in("admin", PASSWORD)
    for path in ("/", "/images", "/jobs", "/activity", "/environments", "/settings/tokens", "/settings/server"):
        visit.open(path)
        visit.page.get_by_role("heading", level=1).wait_for()
        visit.page.wait_for_function("() => !document.querySelector('[aria-busy=\"true\"]')")
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360, path
    visit.page.get_by_role("button", name="More").click()
    visit.page.get_by_role("link", name="Registries").click()
    visit.page.wait_for_url("**/registries")
    visit.check("phone")
