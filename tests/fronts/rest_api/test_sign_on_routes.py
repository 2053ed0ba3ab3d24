"""What a browser is told and given on its way to a provider of single sign-on and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.fakes.scripted_server import Asked, Reply, ScriptedServer
from tests.fronts.rest_api.caller import Caller, House, house

JSON = [("Content-Type", "application/json")]
HTML = "text/html"


UNKNOWN_CODE = Reply(400, JSON, b'{"error": "invalid_grant"}')


class Provider:
    """Answers what `token` says of every code; nothing while it is `down`."""

    def __init__(self) -> None:
        self.server = ScriptedServer(self._answer)
        self.down, self.token = False, UNKNOWN_CODE

    def _answer(self, asked: Asked) -> Reply:
        if self.down:
            return Reply(503)
        if asked.target == "/token":
            return self.token
        url = self.server.url
        document = {
            "issuer": url(""),
            "authorization_endpoint": url("/auth"),
            "token_endpoint": url("/token"),
            "jwks_uri": url("/keys"),
        }
        return Reply(200, JSON, json.dumps(document).encode())


@dataclass(frozen=True)
class Place:
    """A service and its provider."""

    house: House
    provider: Provider


@contextmanager
def a_place(folder: Path) -> Iterator[Place]:
    provider = Provider()
    settings = {
        "oidc_issuer": provider.server.url(""),
        "oidc_client_id": "lading",
        "oidc_roles": ("ops=operator",),
        "oidc_name": "<the house>",
    }
    with provider.server, house(folder, **settings) as running:
        yield Place(running, provider)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with a_place(tmp_path_factory.mktemp("sign-on")) as made:
        yield made


def begun(place: Place, path: str = "/api/auth/oidc/login") -> tuple[Caller, str]:
    """A browser that was sent to the provider, and the state that it was sent with."""
    answer = place.house.nobody.get(path)
    assert answer.status == 303
    state = parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]
    return Caller(place.house.running.api, {"Cookie": answer.cookie, "Accept": HTML}), state


def test_the_login_page_offers_it(place: Place) -> None:
    page = place.house.nobody.get("/login?next=/api/docs%3Fa", Accept=HTML)
    offered = place.house.nobody.get("/api/auth/oidc")

    assert 'href="/api/auth/oidc/login?next=/api/docs%3Fa">Log in with &lt;the house&gt;</a>' in page.text
    assert offered.json == {"enabled": True, "name": "<the house>", "login": "/api/auth/oidc/login"}


def test_a_browser_is_sent_with_a_secret_that_no_script_reads(place: Place) -> None:
    answer = place.house.nobody.get("/api/auth/oidc/login")
    cookie = answer.headers["set-cookie"]
    asked = parse_qs(urlsplit(answer.headers["location"]).query)

    assert answer.headers["location"].startswith(place.provider.server.url("/auth?"))
    assert asked["redirect_uri"] == [f"{place.house.running.api}/api/auth/oidc/callback"]
    flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=900"} <= flags
    secret = answer.cookie.partition("=")[2].partition(".")[0]
    assert len(secret) == 43
    assert secret not in answer.headers["location"]


def test_a_code_that_is_none_is_told_on_the_login_page(place: Place) -> None:
    browser, state = begun(place)

    back = browser.get(f"/api/auth/oidc/callback?state={state}&code=abc")

    assert back.status == 401
    assert "The answer of single sign-on does not count" in back.text
    assert "Log in with" in back.text
    assert 'sign-on=""' in back.headers["set-cookie"]
    assert "session=" not in back.headers["set-cookie"]


def test_what_the_provider_says_is_not_shown_as_a_page(place: Place) -> None:
    browser, state = begun(place)

    back = browser.get(f"/api/auth/oidc/callback?state={state}&error=%3Cscript%3E&error_description=%3Cscript%3E")

    assert back.status == 401
    assert "<script>" not in back.text


def test_a_provider_that_is_down_is_told(tmp_path: Path) -> None:
    with a_place(tmp_path / "data") as place:
        place.provider.down = True
        page = place.house.nobody.get("/api/auth/oidc/login", Accept=HTML)
        program = place.house.nobody.get("/api/auth/oidc/login")

    assert (page.status, program.status) == (502, 502)
    assert "Log in with" in page.text
    assert place.provider.server.authority in program.json["error"]
    assert "set-cookie" not in page.headers


def test_a_client_that_the_provider_does_not_know_is_told_with_what_to_do(place: Place) -> None:
    browser, state = begun(place)
    place.provider.token = Reply(401, JSON, b'{"error": "invalid_client"}')

    back = browser.get(f"/api/auth/oidc/callback?state={state}&code=abc")
    place.provider.token = UNKNOWN_CODE

    assert back.status == 502
    assert "does not take this server as its client: invalid_client" in back.text
    assert "oidc-client-secret" in back.text


@pytest.mark.parametrize("query", ["state=" + "x" * 5000, "code=" + "x" * 5000])
def test_what_is_too_long_is_refused(place: Place, query: str) -> None:
    assert place.house.nobody.get(f"/api/auth/oidc/callback?{query}").status == 400
