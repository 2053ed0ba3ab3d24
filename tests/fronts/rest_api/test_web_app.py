"""The built web app as it is served: one page for all its paths, files that are kept, and what stays without it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.fronts.rest_api.web_app import POLICY, WebApp
from tests.fronts.rest_api import caller
from tests.fronts.rest_api.caller import House
from tests.peers import programs

PAGE = '<!doctype html><base href="/" /><script type="module" src="./assets/main-1a.js"></script>'
SCRIPT = b"console.log('loaded');\n" * 100


def built(folder: Path) -> Path:
    """A tiny app, as the real one is laid out."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "mark.svg").write_text("<svg/>")
    (folder / "assets/main-1a.js").write_bytes(SCRIPT)
    (folder / "assets/main-1a.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets/small-2b.css").write_text("a{}")
    (folder / "assets/small-2b.css.gz").write_bytes(gzip.compress(b"a{}"))
    return folder


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A product with a web app."""
    folder = tmp_path_factory.mktemp("shown")
    with caller.house(folder / "data", web=built(folder / "web"), trusted_proxies=("127.0.0.1",)) as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/images", "/images/team%2Fapp:1?env=1", "/no/such/page", "/logout"])
def test_the_app_answers_every_path_that_nothing_else_owns(shown: House, path: str) -> None:
    answer = shown.nobody.get(path, Accept="text/html,*/*;q=0.8")

    assert (answer.status, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("path", ["/api/nothing", "/assets/gone-3c.js", "/pages/gone.css", "/api/images/x/nothing"])
def test_what_is_part_of_something_is_not_the_app(shown: House, path: str) -> None:
    answer = shown.admin.get(path, Accept="text/html,*/*;q=0.8")

    assert answer.status in {404, 405}
    assert answer.headers["content-type"] == "application/json"


def test_who_wants_no_page_is_told_that_there_is_nothing(shown: House) -> None:
    assert shown.nobody.get("/images", Accept="application/json").brief == (404, "Not found")
    assert shown.nobody.post("/images", {}, Accept="text/html").status == 404


def test_pages_without_script_stay(shown: House) -> None:
    for path, text in (("/login", "Log in to Lading"), ("/status", "Environments"), ("/api/docs", "The API")):
        page = shown.admin.get(path, Accept="text/html")
        assert (page.status, text in page.text, "<script" in page.text) == (200, True, False), path
        assert "script-src" not in page.headers["content-security-policy"]


def test_files_that_are_named_by_their_content_are_kept_for_good(shown: House) -> None:
    plain = shown.nobody.get("/assets/main-1a.js")
    compressed = shown.nobody.get("/assets/main-1a.js", Accept_Encoding="br, gzip;q=0.8")
    head = shown.nobody("HEAD", "/assets/main-1a.js")

    assert (plain.status, plain.body) == (200, SCRIPT)
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"] == "max-age=31536000, immutable"
    assert (plain.headers["vary"], "content-encoding" in plain.headers) == ("Accept-Encoding", False)
    assert (compressed.headers["content-encoding"], gzip.decompress(compressed.body)) == ("gzip", SCRIPT)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(SCRIPT)))


def test_a_file_is_answered_as_it_is_where_that_is_better(shown: House) -> None:
    smaller = shown.nobody.get("/assets/small-2b.css", Accept_Encoding="gzip")
    unwanted = shown.nobody.get("/assets/main-1a.js", Accept_Encoding="gzip;q=0, br")
    named = shown.nobody.get("/mark.svg")

    assert (smaller.body, unwanted.body) == (b"a{}", SCRIPT)
    assert (named.headers["content-type"], named.headers["cache-control"]) == ("image/svg+xml", "max-age=3600")
    assert shown.nobody.get("/assets/main-1a.js.gz").status == 404
    assert shown.nobody.get("/assets/../index.html").status == 404


def test_without_the_app_the_status_page_stands_in(house: House) -> None:
    front = house.nobody.get("/")
    status = house.admin.get("/status", Accept="text/html")
    nowhere = house.admin.get("/images", Accept="text/html")

    assert (front.status, front.headers["location"]) == (303, "/status")
    assert "installed without its web app" in status.text
    assert (nowhere.status, "There is no such page" in nowhere.text) == (404, True)
    assert house.admin.get("/images").brief == (404, "Not found")


def test_a_folder_without_its_page_is_no_app(tmp_path: Path) -> None:
    assert WebApp.of(tmp_path) is None
    assert WebApp.of(tmp_path / "gone") is None
    assert WebApp.of(built(tmp_path / "web")) is not None


def test_the_pages_have_the_colours_of_the_app() -> None:
    root = Path(__file__).resolve().parents[3]
    app = (root / "ui/src/app.css").read_text().partition("prefers-contrast")[0]
    pages = (root / "src/lading/fronts/rest_api/pages/style.css").read_text().partition("prefers-contrast")[0]
    known, used = (re.findall(r"(--[a-z-]+): ([^;]+);", text) for text in (app, pages))

    assert len(used) > 20
    assert set(used) <= set(known)


# ── below a path of somebody else's host


def test_a_proxy_says_below_which_path_it_is(shown: House) -> None:
    told = {"X-Forwarded-Prefix": "/lading", "Accept": "text/html"}
    page = shown.nobody("GET", "/images", headers=told)
    login = shown.nobody("GET", "/login", headers=told)
    away = shown.nobody("GET", "/status", headers=told)
    form = {"username": "admin", "password": caller.PASSWORD, "next": "/status"}
    into = shown.nobody("POST", "/login", form=form, headers=told)

    assert page.text == PAGE.replace('href="/"', 'href="/lading/"')
    assert 'action="/lading/login"' in login.text
    assert 'href="/lading/pages/style.css"' in login.text
    assert away.headers["location"] == "/lading/login?next=/status"
    assert into.headers["location"] == "/lading/status"
    assert "Path=/lading;" in into.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/..", "/a/../b", '/"><script>', "/a, /b", "lading", "//evil.test"])
def test_a_doubtful_path_of_a_proxys_is_none(shown: House, path: str) -> None:
    page = shown.nobody("GET", "/images", headers={"X-Forwarded-Prefix": path, "Accept": "text/html"})

    assert page.text == PAGE


def test_only_a_trusted_proxy_says_below_which_path_it_is(house: House) -> None:
    assert house.nobody.get("/", X_Forwarded_Prefix="/lading").headers["location"] == "/status"


def test_the_public_url_says_below_which_path_it_is(tmp_path: Path) -> None:
    web, port = built(tmp_path / "web"), programs.free_port()
    with caller.unset(tmp_path / "data", web=web, port=port, public_url="https://corp/lading") as running:
        assert running.setup is not None
        assert running.setup.startswith("https://corp/lading/setup?token=")
        local = caller.Caller(f"http://127.0.0.1:{port}")
        html = {"Accept": "text/html"}
        kept = local("GET", "/lading/images", headers=html)
        whole = local("GET", "/lading", headers=html)
        script = local("GET", "/lading/assets/main-1a.js")
        taken_off = local("GET", "/images", headers={"Host": "corp", **html})
        beside = local("GET", "/images", headers=html)
        api = local("GET", "/lading/api/images")
        pages = local("GET", "/lading/login", headers=html)

    moved = PAGE.replace('href="/"', 'href="/lading/"')
    assert kept.text == whole.text == taken_off.text == moved
    assert beside.text == PAGE
    assert (script.status, api.status) == (200, 401)
    assert 'action="/lading/login"' in pages.text
