"""Single sign-on with a real provider and a real browser: in by the groups' role, and out when switched off."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.peers import chromium, programs
from tests.peers.openid_provider import CLIENT, SECRET, OpenIdPeer, openid_provider
from tests.peers.service_process import BOUND_SECONDS, Json, Service

pytestmark = pytest.mark.peer("node", "npm", "chromium")

GONE_SECONDS = [60.0, pytest.param(5.0, marks=pytest.mark.proof(reason="how fast; that it ends, 60.0 shows"))]
"""Within so long whoever is switched off is out everywhere."""


@dataclass(frozen=True)
class House:
    """A service, its provider, and a browser."""

    service: Service
    provider: OpenIdPeer
    browser: Browser

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.service.port}"

    def user(self, name: str) -> Json | None:
        return next((user for user in self.rows("/api/users") if user["username"] == name), None)

    def roles_of(self, name: str) -> object:
        user = self.user(name)
        return None if user is None else user["roles"]

    def role(self, name: str) -> int:
        return next(int(str(role["id"])) for role in self.rows("/api/roles") if role["name"] == name)

    def rows(self, path: str) -> list[Json]:
        status, text = self.service.text("GET", path)
        assert status == 200, text
        found: list[Json] = json.loads(text)
        return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, playing: Playwright) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("sign-on")
    service = Service(folder / "data")
    redirect = f"http://127.0.0.1:{service.port}/api/auth/oidc/callback"
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(openid_provider(folder, redirect))
        service.settings = {
            "LADING_OIDC_ISSUER": provider.issuer,
            "LADING_OIDC_CLIENT_ID": CLIENT,
            "LADING_OIDC_CLIENT_SECRET": SECRET,
            "LADING_OIDC_SCOPES": "openid,profile,groups",
            "LADING_OIDC_ROLES": "ops=operator,readers=viewer,bosses=admin",
            "LADING_OIDC_NAME": "the house",
        }
        stack.enter_context(service.running())
        yield House(service, provider, stack.enter_context(chromium.launched(playing)))


@contextlib.contextmanager
def a_browser(house: House) -> Iterator[tuple[BrowserContext, Page]]:
    context = house.browser.new_context()
    context.set_default_timeout(BOUND_SECONDS * 1000)
    try:
        yield context, context.new_page()
    finally:
        context.close()


def log_in(house: House, page: Page, subject: str, begin: str = "/login") -> str:
    """As a person does; the address that the provider sent the browser back to."""
    returned: list[str] = []
    page.on("request", lambda asked: returned.append(asked.url) if "/callback?" in asked.url else None)
    page.goto(f"{house.api}{begin}")
    page.get_by_role("link", name="Log in with the house").click()
    page.locator("input[name=login]").fill(subject)
    page.locator("input[name=password]").fill("whatever")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{house.api}/**")
    return returned[-1]


def session(context: BrowserContext, house: House) -> tuple[int, Json]:
    answer = context.request.get(f"{house.api}/api/auth/session")
    return answer.status, answer.json()


@pytest.mark.parametrize("seconds", GONE_SECONDS)
def test_a_person_of_a_group_has_its_role_until_switched_off(house: House, seconds: float) -> None:
    house.provider.knows({"ada": ["ops", "choir"]})
    with a_browser(house) as (context, page):
        log_in(house, page, "ada", "/login?next=%2Fapi%2Fdocs")
        assert page.url == f"{house.api}/api/docs"
        page.goto(f"{house.api}/status")
        assert page.get_by_text("ada").first.is_visible()
        status, known = session(context, house)
        ada = house.user("ada")
        assert ada is not None
        made = context.request.post(f"{house.api}/api/auth/tokens", data={"name": "ci"})
        token = made.json()["token"]
        assert (status, known["username"], known["issuer"]) == (200, "ada", house.provider.issuer)
        assert ada["roles"] == [house.role("operator")]
        assert (_status(house, token), _registry_status(house, token)) == (200, 200)

        with _follower(house, context) as ended:
            assert house.service.ask("PATCH", f"/api/users/{ada['id']}", {"active": False})[0] == 200
            by = time.monotonic() + seconds
            _until(lambda: session(context, house)[0] == 401, by)
            _until(lambda: _status(house, token) == 401, by)
            _until(lambda: _registry_status(house, token) == 401, by)
            page.goto(f"{house.api}/status")
            assert page.url == f"{house.api}/login?next=/status"
            assert ended.wait(by - time.monotonic())

        page.get_by_role("link", name="Log in with the house").click()
        page.wait_for_url(f"{house.api}/api/auth/oidc/callback?**")
        assert page.get_by_role("alert").inner_text() == "This user has been deactivated."
        assert session(context, house)[0] == 401


def _status(house: House, token: str) -> int:
    return house.service.text("GET", "/api/environments", headers={"Authorization": f"Bearer {token}"})[0]


def _registry_status(house: House, token: str) -> int:
    """As docker logs in, with the token for a password."""
    login = base64.b64encode(f"ada:{token}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", house.service.registry_port, timeout=BOUND_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", "/v2/", headers={"Authorization": f"Basic {login}"})
        return connection.getresponse().status


def _until(true: object, by: float) -> None:
    assert callable(true)
    while not true():
        assert time.monotonic() < by
        programs.select_nothing(0.05)


@contextlib.contextmanager
def _follower(house: House, context: BrowserContext) -> Iterator[threading.Event]:
    """The stream of a job that goes on, held open with the browser's cookie; set when the server ends it."""
    cookie = next(each["value"] for each in context.cookies() if each["name"] == "session")
    ended = threading.Event()
    connection = house.service.connection()
    with _job_that_waits(house, context) as job, contextlib.closing(connection):
        connection.request("GET", job, headers={"Cookie": f"session={cookie}", "Accept": "text/event-stream"})
        answer = connection.getresponse()
        assert answer.status == 200
        assert b"snapshot" in answer.read1(65536)

        def read() -> None:
            while answer.read1(65536):
                pass
            ended.set()

        thread = threading.Thread(target=read)
        thread.start()
        yield ended
        thread.join(BOUND_SECONDS)


@contextlib.contextmanager
def _job_that_waits(house: House, context: BrowserContext) -> Iterator[str]:
    """A pull from a registry that never answers, by who is logged in there; ended by the admin."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host = f"127.0.0.1:{mute.getsockname()[1]}"
        house.service.registry(host)
        made = context.request.post(f"{house.api}/api/images/pull", data={"image": f"{host}/team/app:1"})
        assert made.status == 200, made.text()
        job = f"/api/jobs/{made.json()['jobId']}"
        try:
            yield job
        finally:
            assert house.service.ask("DELETE", job)[0] == 200


def test_roles_follow_the_groups_at_each_login(house: House) -> None:
    house.provider.knows({"bob": ["readers"]})
    with a_browser(house) as (context, page):
        log_in(house, page, "bob")
        assert house.roles_of("bob") == [house.role("viewer")]

        house.provider.knows({"bob": ["ops", "readers"]})
        page.goto(f"{house.api}/api/auth/oidc/login")
        assert house.roles_of("bob") == sorted([house.role("operator"), house.role("viewer")])

        house.provider.knows({"bob": ["choir"]})
        page.goto(f"{house.api}/api/auth/oidc/login")
        assert page.get_by_role("alert").inner_text() == "None of your groups has a role here."
        assert house.roles_of("bob") == []
        assert session(context, house)[0] == 401


def test_who_logs_out_here_is_asked_whether_to_log_out_there_too(house: House) -> None:
    house.provider.knows({"eve": ["ops"]})
    with a_browser(house) as (context, page):
        log_in(house, page, "eve")
        eve = house.user("eve")
        assert eve is not None
        assert isinstance(eve["signOn"], dict)
        assert eve["signOn"]["issuer"] == house.provider.issuer
        page.goto(f"{house.api}/status")
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("button", name="Yes, sign me out").click()
        page.wait_for_url(f"{house.api}/login*")
        assert session(context, house)[0] == 401
        page.get_by_role("link", name="Log in with the house").click()
        page.locator("input[name=login]").wait_for()  # the provider knows nobody in this browser any more


def test_a_name_proves_nobody(house: House) -> None:
    """Who is called `admin` at the provider is not the admin here, and two people of one name are two users."""
    house.provider.knows({"mallory": ["readers"], "trent": ["readers"]}, name="admin")
    for subject, name in (("mallory", "admin-2"), ("trent", "admin-3")):
        with a_browser(house) as (context, page):
            log_in(house, page, subject)
            assert session(context, house)[1]["username"] == name


def test_what_comes_back_counts_once_and_in_its_own_browser(house: House) -> None:
    house.provider.knows({"carol": ["readers"]})
    with a_browser(house) as (context, page):
        address = log_in(house, page, "carol")
        assert session(context, house)[0] == 200
    asked = parse_qs(urlsplit(address).query)
    assert asked["iss"] == [house.provider.issuer]

    begun = house.service.connection()
    with contextlib.closing(begun):
        begun.request("GET", "/api/auth/oidc/login")
        answer = begun.getresponse()
        answer.read()
    cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
    own = parse_qs(urlsplit(answer.getheader("location") or "").query)["state"][0]
    taken = asked["code"][0]

    def back(state: str, code: str, cookie: str | None, issuer: str = house.provider.issuer) -> tuple[int, str]:
        path = f"/api/auth/oidc/callback?state={state}&code={code}&iss={issuer}"
        status, told = house.service.ask("GET", path, headers={"Authorization": "", "Cookie": cookie or ""})
        return status, str(told["message"])

    assert back(asked["state"][0], taken, None) == (401, NOT_BEGUN)
    assert back(asked["state"][0], taken, cookie) == (401, NOT_BEGUN)
    assert back(own, taken, cookie)[1].endswith("the code was used before, has ended, or is another's")
    assert back(own, "made-up", cookie)[0] == 401
    assert back(own, taken, cookie, "http://127.0.0.1:9")[1].endswith("another provider sent it")


NOT_BEGUN = "this login was not begun in this browser, or too long ago: begin again"


ELSEWHERE = ("//evil.test/", "https://evil.test/", "/\\evil.test", "%2F%2Fevil.test", "/%5Cevil.test")


def test_nobody_is_sent_to_another_site(house: House) -> None:
    house.provider.knows({"dave": ["readers"]})
    with a_browser(house) as (_context, page):
        log_in(house, page, "dave")
        for elsewhere in ELSEWHERE:
            page.goto(f"{house.api}/api/auth/oidc/login?next={elsewhere}")  # the provider knows him still
            assert urlsplit(page.url).netloc == urlsplit(house.api).netloc, elsewhere


def test_no_secret_is_written_down(house: House) -> None:
    log = house.service.log.read_text()

    assert SECRET not in log
    assert "code=" not in log
