"""What a foreign page tries on `lading serve`, and whoever prepares a session for somebody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.fakes.scripted_server import Reply, ScriptedServer
from tests.fronts.rest_api.caller import UNAUTHORIZED, Caller, logged_in
from tests.peers import chromium
from tests.peers.besieged import JSON, Besieged, basic, siege
from tests.peers.service_process import PASSWORD, Service


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    with siege(tmp_path_factory.mktemp("besieged") / "data") as running:
        yield running


# ── pages of other sites

CHANGES: list[tuple[str, str, dict[str, object]]] = [
    ("POST", "/api/users", {"username": "mallory", "password": "correct horse 2"}),
    ("POST", "/api/images/pull", {"image": "evil.test/a"}),
    ("POST", "/api/auth/tokens", {"name": "stolen"}),
    ("POST", "/api/auth/logout", {}),
    ("PATCH", "/api/users/1", {"password": "known to mallory"}),
    ("DELETE", "/api/images/team%2Fapp:1", {}),
]


@pytest.mark.parametrize(
    "origin", ["http://evil.test", "null", "http://127.0.0.1:1", "http://localhost", "https://evil.test:3000"]
)
def test_a_page_of_another_site_changes_nothing(besieged: Besieged, origin: str) -> None:
    """Whatever cookie the browser sends along: other sites', other ports' of this host, and pages of no site."""
    for method, path, body in CHANGES:
        for kind in ("text/plain", JSON, "application/x-www-form-urlencoded"):
            headers = {"Origin": origin, "Content-Type": kind, "Sec-Fetch-Site": "cross-site"}
            answer = besieged.admin(method, path, raw=json.dumps(body).encode(), headers=headers)
            assert (answer.status, answer.json["error"]) == (403, "Permission denied"), (path, kind)
            assert "set-cookie" not in answer.headers
    for path, form in [("/login", {"username": "admin", "password": PASSWORD}), ("/logout", {}), ("/setup", {})]:
        page = besieged.admin("POST", path, form=form, headers={"Origin": origin})
        assert page.status == 403
        assert "set-cookie" not in page.headers

    assert besieged.admin.get("/api/auth/session").json["username"] == "admin"
    assert besieged.admin.get("/api/users?filter=mallory").json == []
    assert besieged.admin.get("/api/images/team%2Fapp:1").status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_browser_that_withholds_its_origin_changes_nothing_either(besieged: Besieged, site: str) -> None:
    for method, path, body in CHANGES:
        assert besieged.admin(method, path, body, headers={"Sec-Fetch-Site": site}).status == 403
    assert besieged.admin.get("/api/auth/session", Sec_Fetch_Site=site).status == 200  # a link may lead here


def test_a_form_that_passes_for_json_is_not_taken(besieged: Besieged) -> None:
    """The three kinds that a form can send without asking first (CORS), should a browser name no origin."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        body = b'{"username":"mallory","password":"correct horse 2"}'
        answer = besieged.admin("POST", "/api/users", raw=body, headers={"Content-Type": kind})
        assert answer.status == 400, kind
    assert besieged.admin.get("/api/users?filter=mallory").json == []


def test_no_other_site_may_read_an_answer(besieged: Besieged) -> None:
    asked = besieged.admin(
        "OPTIONS", "/api/images", headers={"Origin": "http://evil.test", "Access-Control-Request-Method": "GET"}
    )
    answer = besieged.admin.get("/api/images")

    for each in (asked, answer):
        assert not [name for name in each.headers if name.startswith("access-control-")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:3000",
        "127.0.0.1.evil.test",
        "localhost.evil.test",
        "0x7f000001",
        "",
        "localhost@evil.test",
        "\u00e9vil.test",
    ],
)
def test_a_name_that_was_made_to_lead_here_opens_nothing(besieged: Besieged, host: str) -> None:
    """DNS rebinding: the browser believes that we are the foreign site. At both doors."""
    sent = host.encode().decode("latin-1")
    for path in ("/api/images", "/login", "/healthz", "/api/auth/session"):
        assert besieged.admin.get(path, Host=sent).status in {400, 421}, path
    registry = Caller(f"http://{besieged.own}", {"Authorization": basic("admin", besieged.service.token)})
    assert registry.get("/v2/").status == 200
    assert registry.get("/v2/", Host=sent).status in {400, 403, 421}
    assert registry.get("/v2/_catalog", Host=sent).status in {400, 403, 421}


def test_a_page_of_another_site_reaches_no_registry(besieged: Besieged) -> None:
    registry = Caller(f"http://{besieged.own}", {"Authorization": basic("admin", besieged.service.token)})

    assert registry.get("/v2/_catalog", Origin="http://evil.test").status == 403
    assert registry("POST", "/v2/x/blobs/uploads/", headers={"Origin": "null"}).status == 403
    assert registry("POST", "/v2/x/blobs/uploads/", headers={"Sec-Fetch-Site": "same-site"}).status == 403


PAGE = """<!doctype html><title>evil</title>
<iframe name="hidden"></iframe>
<form id="form" target="hidden" method="post" enctype="text/plain" action="{api}/api/users">
<input name='{{"username":"mallory","password":"correct horse 2","x":"' value='"}}'></form>
<form id="login" target="hidden" method="post" action="{api}/login">
<input name="username" value="admin"><input name="password" value="{password}"></form>
<script>
const told = {{}};
const user = JSON.stringify({{username: "mallory", password: "correct horse 2"}});
async function attempt(name, path, options) {{
  try {{ told[name] = (await fetch("{api}" + path, {{credentials: "include", ...options}})).type; }}
  catch (error) {{ told[name] = "refused"; }}
}}
async function attack() {{
  document.getElementById("form").submit();
  document.getElementById("login").submit();
  await attempt("read", "/api/users");
  await attempt("post", "/api/users", {{method: "POST", body: user, headers: {{"Content-Type": "application/json"}}}});
  await attempt("blind", "/api/users", {{method: "POST", body: user, mode: "no-cors"}});
  await attempt("delete", "/api/images/team%2Fapp:1", {{method: "DELETE"}});
  told.events = await new Promise((done) => {{
    const source = new EventSource("{api}/api/audit/events", {{withCredentials: true}});
    source.onopen = () => {{ source.close(); done("open"); }};
    source.onerror = () => {{ source.close(); done("refused"); }};
  }});
  return told;
}}
</script>"""


@pytest.mark.peer("chromium")
def test_a_browser_is_no_way_in(besieged: Besieged, playing: Playwright) -> None:
    """The page stands on another port of the same host: cookies do not tell ports apart, so the browser sends ours."""
    name, _, value = besieged.admin.headers["Cookie"].partition("=")
    api, rebound = besieged.admin.api, f"http://evil.test:{besieged.service.port}"
    page_of = PAGE.format(api=api, password=PASSWORD).encode()
    with (
        ScriptedServer(lambda asked: Reply(200, [("Content-Type", "text/html")], page_of)) as site,
        chromium.launched(playing, "--host-resolver-rules=MAP evil.test 127.0.0.1") as browser,
    ):
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": value, "url": api, "httpOnly": True, "sameSite": "Lax"}])
        page = context.new_page()
        own = page.goto(f"{api}/api/auth/session")
        page.goto(site.url("/"))
        told = page.evaluate("attack()")
        page.wait_for_load_state("networkidle")
        kept = {cookie["value"] for cookie in context.cookies(api) if cookie["name"] == name}
        led_here = page.goto(f"{rebound}/api/images")

    assert own is not None
    assert own.status == 200  # the cookie works
    assert told == dict.fromkeys(("read", "post", "blind", "delete", "events"), "refused")
    assert kept == {value}
    assert led_here is not None
    assert led_here.status == 421
    assert besieged.admin.get("/api/users?filter=mallory").json == []
    assert besieged.admin.get("/api/images/team%2Fapp:1").status == 200


# ── sessions


def test_a_session_that_somebody_prepared_is_not_the_one_of_the_login(besieged: Besieged) -> None:
    """Session fixation: with a made-up cookie, and with the attacker's own."""
    besieged.user("mara")
    made_up = "session=" + "A" * 43
    attacker = logged_in(besieged.admin.api, "mara")
    for planted in (made_up, attacker.headers["Cookie"]):
        victim = logged_in(besieged.admin.api, Cookie=planted)
        assert victim.headers["Cookie"] != planted
        assert besieged.nobody.get("/api/auth/session", Cookie=planted).json == UNAUTHORIZED
        assert victim.get("/api/auth/session").json["username"] == "admin"


@pytest.mark.parametrize(
    "cookie", ["session=", "session=;", "session=" + "x" * 5000, "session=\xff\xfe", "session=a; session=b", "=", ";;;"]
)
def test_an_odd_cookie_opens_nothing(besieged: Besieged, cookie: str) -> None:
    answer = besieged.nobody.get("/api/images", Cookie=cookie)
    assert (answer.status, answer.json) == (401, UNAUTHORIZED)


def test_the_cookie_is_for_tls_alone_where_the_browser_speaks_it(tmp_path: Path) -> None:
    behind = Service(tmp_path / "behind", {"LADING_TRUSTED_PROXIES": "127.0.0.1"})
    bare = Service(tmp_path / "bare")
    for service, secure in ((behind, True), (bare, False)):
        with service.running():
            form = {"username": "admin", "password": PASSWORD}
            forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
            answer = Caller(f"http://127.0.0.1:{service.port}")("POST", "/api/auth/login", form, headers=forwarded)
            who = service.ask("GET", "/api/audit?action=login&limit=1")[1]
        flags = {flag.strip().lower() for flag in answer.headers["set-cookie"].split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= flags
        assert ("secure" in flags) is secure
        assert not any(flag.startswith("domain") for flag in flags)
        assert who[0]["ipAddress"] == ("198.51.100.7" if secure else "127.0.0.1")  # type: ignore[index]  # JSON
