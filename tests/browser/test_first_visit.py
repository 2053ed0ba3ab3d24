"""From the first start to the app, by the pages without script; who is kept out; below a path; and in plain HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.fakes.certificates import Authority
from tests.peers import chromium, programs
from tests.peers.documented_proxies import configured
from tests.peers.service_process import PASSWORD, Service, until


@contextmanager
def not_set_up(folder: Path, program: Sequence[str]) -> Iterator[str]:
    """A service that nobody has been at; its one-time link."""
    service = Service(folder / "data", {"LADING_ADMIN_PASSWORD": ""}, program=program)
    with service.running(ready=False):
        until(lambda: service.log.exists() and "/setup?token=" in service.log.read_text(), "it tells its link")
        found = re.search(r"http://\S+(/setup\?token=\S+)", service.log.read_text())
        assert found is not None
        yield f"http://127.0.0.1:{service.port}{found[1]}"


def is_shown(visit: Visit, path: str = "/") -> None:
    """The app, at this path."""
    visit.page.wait_for_url(f"{visit.url}{path}")
    visit.page.get_by_role("navigation").first.wait_for()


def test_the_first_start_leads_to_the_app(tmp_path: Path, program: Sequence[str], visiting: Visiting) -> None:
    with not_set_up(tmp_path, program) as link:
        visit = visiting(link.partition("/setup")[0])
        visit.page.goto(link)
        visit.check("setup")
        visit.page.get_by_label("User name").fill("ann")
        visit.page.get_by_label("Password (").fill(PASSWORD)
        visit.page.get_by_label("Password, again").fill(PASSWORD)
        visit.page.get_by_role("button", name="Make the user and log in").click()
        is_shown(visit)
        assert visit.page.get_by_text("ann").first.is_visible()
        visit.page.goto(link)
        assert visit.page.get_by_role("heading").inner_text() == "That did not work"
        visit.check("setup-link-over")
        visit.expects("404 GET /setup")


def test_the_app_sends_whoever_is_not_logged_in_to_the_login_and_back(visiting: Visiting, service: Service) -> None:
    visit = visiting(f"http://127.0.0.1:{service.port}")
    visit.expects("401 GET /api/auth/session")
    visit.open("/images?filter=team")
    visit.page.wait_for_url("**/login?next=**")
    visit.check("login")
    visit.page.fill("#username", "admin")
    visit.page.fill("#password", "not this one")
    visit.page.click("button")
    visit.expects("401 POST /login")
    assert visit.page.get_by_role("alert").inner_text() == "The user name or the password is wrong."
    visit.check("login-refused")
    visit.page.fill("#password", PASSWORD)
    visit.page.click("button")
    is_shown(visit, "/images?filter=team")


def test_the_pages_without_script_do_without_it(visiting: Visiting, service: Service) -> None:
    visit = visiting(f"http://127.0.0.1:{service.port}", java_script_enabled=False)
    visit.log_in("admin", PASSWORD, "/status")
    for path, heading in (("/status", "Status"), ("/agents", "Hosts behind NAT"), ("/api/docs", "The API of Lading")):
        visit.open(path)
        assert visit.page.get_by_role("heading", name=heading).is_visible(), path
    visit.open("/status")
    visit.page.get_by_role("button", name="Log out").click()
    assert visit.page.url.endswith("/login")


LONG = pytest.param("/api/docs", "reference", marks=pytest.mark.proof)


@pytest.mark.parametrize(("path", "name"), [("/status", "status"), ("/agents", "agents"), LONG])
def test_the_pages_without_script_are_for_everybody(visit: Visit, path: str, name: str) -> None:
    visit.open(path)
    visit.check(name)


def test_who_may_nothing_is_told_so(visiting: Visiting, service: Service) -> None:
    made = service.ask("POST", "/api/users", {"username": "bob", "password": PASSWORD})
    assert made[0] == 201, made
    visit = visiting(f"http://127.0.0.1:{service.port}")
    visit.expects("403 ")
    visit.log_in("bob", PASSWORD, "/activity")
    visit.page.get_by_text("Permission denied").first.wait_for()
    visit.check("denied")


def goes_about(visit: Visit) -> None:
    """Log in, load a page anew, follow a link, and be sent to the login where the session is over."""
    visit.log_in("admin", PASSWORD, "/images")
    is_shown(visit, "/images")
    visit.page.reload()
    is_shown(visit, "/images")
    visit.page.get_by_role("link", name="Jobs").first.click()
    is_shown(visit, "/jobs")
    assert {each["path"] for each in visit.page.context.cookies()} == {"/lading"}
    visit.page.context.clear_cookies()
    visit.expects("401 GET /lading/api/")
    visit.open("/jobs")
    visit.page.wait_for_url("**/lading/login?next=**")


@pytest.mark.proof
@pytest.mark.peer("nginx")
def test_below_a_path_of_another_host_as_documented(tmp_path: Path, program: Sequence[str], visiting: Visiting) -> None:
    """All that nginx lets through is below it: nothing can be right by chance."""
    port = programs.free_port()
    url = f"https://localhost:{port}/lading"
    settings = {"LADING_PUBLIC_URL": url, "LADING_TRUSTED_PROXIES": "127.0.0.1"}
    service = Service(tmp_path / "data", settings, program=program)
    configuration = configured("nginx", Authority(tmp_path).server("localhost"), tmp_path, service, port, number=1)
    with service.running(), programs.nginx(tmp_path / "nginx", configuration, port):
        goes_about(visiting(url, ignore_https_errors=True))


PLAIN = """
server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1;
    proxy_buffering off;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    location /lading/ {{ proxy_pass http://127.0.0.1:{there}/; }}
}}
"""


@pytest.mark.peer("nginx")
def test_below_a_path_in_plain_http_all_works_and_is_copied(
    tmp_path: Path, program: Sequence[str], playing: Playwright, pictures: Path
) -> None:
    """By a name that is not this machine's own, so that the browser gives pages no clipboard."""
    port = programs.free_port()
    url = f"http://lading.test:{port}/lading"
    service = Service(tmp_path / "data", {"LADING_PUBLIC_URL": url}, program=program)
    configuration = PLAIN.format(port=port, there=service.port)
    with (
        service.running(),
        programs.nginx(tmp_path / "nginx", configuration, port),
        chromium.launched(playing, "--host-resolver-rules=MAP lading.test 127.0.0.1") as browser,
    ):
        visit = Visit(browser.new_page(), url, pictures)
        visit.begin()
        goes_about(visit)
        visit.log_in("admin", PASSWORD, "/settings/tokens")
        assert visit.page.evaluate("() => window.isSecureContext") is False
        visit.page.get_by_role("button", name="Make a token").click()
        visit.page.get_by_label("Name").fill("ci")
        visit.page.get_by_role("button", name="Make", exact=True).click()
        shown = visit.page.get_by_role("dialog")
        token = shown.get_by_text(re.compile("^lad_[A-Za-z0-9_-]{43}$")).inner_text()
        shown.get_by_role("button", name="Copy").click()
        visit.page.get_by_role("button", name="Done").click()
        visit.page.get_by_placeholder("Filter tokens").click()
        visit.page.keyboard.press("Control+V")
        expect(visit.page.get_by_placeholder("Filter tokens")).to_have_value(token)
        visit.clean()
