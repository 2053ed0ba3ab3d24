"""Logins that end while the page is open, tabs of several users, and a server that goes and comes back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.peers.service_process import PASSWORD, Service

SOON = 20_000
"""Milliseconds."""


def test_what_was_typed_outlives_the_end_of_a_session(visit: Visit) -> None:
    """Logged out in another tab, and in again."""
    page, other = visit.page, visit.page.context.new_page()
    visit.expects("401 ")
    visit.open("/jobs")
    page.get_by_role("banner").get_by_role("button", name="Pull", exact=True).click()
    image = page.get_by_role("dialog").get_by_label("Image").first
    image.fill("127.0.0.1:9/typed/by-hand:1")
    pulling = page.get_by_role("dialog").locator("form").get_by_role("button", name="Pull", exact=True)
    expect(pulling).to_be_enabled()
    assert page.context.request.post(f"{visit.url}/api/auth/logout").ok
    pulling.click()
    expect(page.get_by_role("dialog").get_by_text("You are not logged in any more.").first).to_be_visible()
    expect(image).to_have_value("127.0.0.1:9/typed/by-hand:1")

    other.goto(f"{visit.url}/login")
    other.fill("#username", "admin")
    other.fill("#password", PASSWORD)
    other.click("button[type=submit]")
    other.wait_for_url(f"{visit.url}/")
    page.evaluate("dispatchEvent(new Event('focus'))")
    pulling.click()
    page.wait_for_url("**/jobs/*")


def test_a_wrong_password_in_a_form_is_no_end_of_the_session(visit: Visit) -> None:
    visit.expects("401 POST /api/auth/password")
    visit.open("/settings/account")
    page = visit.page
    for field, text in enumerate(("not mine at all", "another horse battery", "another horse battery")):
        page.locator("input[type=password]").nth(field).fill(text)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    assert page.url.endswith("/settings/account")


def test_who_logs_in_in_another_tab_is_who_both_show(visiting: Visiting, service: Service) -> None:
    service.ask("POST", "/api/users", {"username": "second", "password": PASSWORD})
    visit = visiting(f"http://127.0.0.1:{service.port}")
    visit.expects("40[13] ")
    visit.log_in("admin", PASSWORD)
    expect(visit.page.get_by_text("Live", exact=True)).to_be_visible()
    other = visit.page.context.new_page()
    other.goto(f"{visit.url}/login")
    other.fill("#username", "second")
    other.fill("#password", PASSWORD)
    other.click("button[type=submit]")
    expect(other.get_by_role("banner").get_by_role("button", name="second")).to_be_visible()
    expect(visit.page.get_by_role("banner").get_by_role("button", name="second")).to_be_visible(timeout=SOON)


@pytest.mark.proof
def test_a_server_that_goes_and_comes_back_is_told_of(visiting: Visiting, service: Service) -> None:
    own = Service(service.data.parent / "restarted", program=service.program)
    with own.running():
        visit = visiting(f"http://127.0.0.1:{own.port}")
        visit.expects("error: Failed to load|ERR_|Connection")
        visit.log_in("admin", PASSWORD, "/jobs")
        mark = visit.page.get_by_role("banner").get_by_role("status")
        expect(mark).to_have_text("Live")
    expect(mark).to_have_text("Reconnecting", timeout=SOON)
    with own.running():
        expect(mark).to_have_text("Live", timeout=SOON)
        job = own.started("/api/images/pull", {"image": "127.0.0.1:9/after:1"})
        expect(visit.page.get_by_text("127.0.0.1:9/after:1").first).to_be_visible()
        assert job
        visit.page.goto("about:blank")
