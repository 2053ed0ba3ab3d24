"""Attacks on `lading serve`, a process of its own on real sockets: what a foreign page, a hostile registry, another
user and a rude client try, and what they get."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from lading.oci.digest import Digest
from tests.fakes.certificates import Authority
from tests.fakes.docker_archives import docker_archive
from tests.fakes.raw_client import RawClient
from tests.fakes.scripted_server import Asked, Reply, ScriptedServer
from tests.fronts.rest_api.caller import DENIED, UNAUTHORIZED, Answer, Caller, address, logged_in
from tests.peers import programs
from tests.peers.service_process import PASSWORD, Service

JSON = "application/json"
SECRET = "s3cret-0f-the-registry"


@dataclass(frozen=True)
class Besieged:
    """A service that runs, and who is there: the admin by cookie, and people with little."""

    service: Service
    admin: Caller
    image: str
    registry: int

    @property
    def nobody(self) -> Caller:
        return Caller(self.admin.api)

    @property
    def own(self) -> str:
        """host:port of the registry that it serves itself."""
        return f"127.0.0.1:{self.service.registry_port}"

    def user(self, name: str, *grants: Mapping[str, object]) -> Caller:
        """Somebody with these grants alone, by cookie."""
        role = self.admin.post("/api/roles", {"name": name, "grants": list(grants)}).json["id"]
        made = self.admin.post("/api/users", {"username": name, "password": PASSWORD, "roles": [role]})
        assert made.status == 201, made.text
        return logged_in(self.admin.api, name)

    def load(self, *names: str, label: str) -> str:
        archive = docker_archive(names, label=label)
        answer = self.admin("POST", "/api/images/import", raw=archive, headers={"Accept": JSON})
        assert answer.status == 200, answer.text
        return str(answer.json["images"][0]["id"])


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    service = Service(tmp_path_factory.mktemp("besieged") / "data")
    with service.running():
        admin = logged_in(f"http://127.0.0.1:{service.port}")
        form = {"name": "own", "url": f"http://127.0.0.1:{service.registry_port}", "username": "admin"}
        made = admin.post("/api/registries", {**form, "password": service.token})
        built = Besieged(service, admin, "", int(made.json["id"]))
        yield replace(built, image=built.load("team/app:1", label="team"))


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
        assert besieged.admin.get(path, Host=sent).status == 421, path
    registry = Caller(f"http://{besieged.own}", {"Authorization": basic("admin", besieged.service.token)})
    assert registry.get("/v2/").status == 200
    assert registry.get("/v2/", Host=sent).status in {400, 403, 421}
    assert registry.get("/v2/_catalog", Host=sent).status in {400, 403, 421}


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


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
def test_a_browser_is_no_way_in(besieged: Besieged) -> None:
    """The page stands on another port of the same host: cookies do not tell ports apart, so the browser sends ours."""
    name, _, value = besieged.admin.headers["Cookie"].partition("=")
    api, rebound = besieged.admin.api, f"http://evil.test:{besieged.service.port}"
    page_of = PAGE.format(api=api, password=PASSWORD).encode()
    with (
        ScriptedServer(lambda asked: Reply(200, [("Content-Type", "text/html")], page_of)) as site,
        sync_playwright() as p,
    ):
        browser = p.chromium.launch(
            executable_path=programs.find("chromium"), args=["--host-resolver-rules=MAP evil.test 127.0.0.1"]
        )
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": value, "url": api, "httpOnly": True, "sameSite": "Lax"}])
        page = context.new_page()
        own = page.goto(f"{api}/api/auth/session")
        page.goto(site.url("/"))
        told = page.evaluate("attack()")
        page.wait_for_load_state("networkidle")
        kept = {cookie["value"] for cookie in context.cookies(api) if cookie["name"] == name}
        led_here = page.goto(f"{rebound}/api/images")
        browser.close()

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


# ── paths

TRICKS = [
    "/api/../api/images",
    "/api/%2e%2e/images",
    "/api/./images",
    "//api/images",
    "/api//images",
    "/API/IMAGES",
    "/api/images%00",
    "/api/images/%00",
    "/api/images/a%00b",
    "/api/images/..%2f..%2f..%2fetc%2fpasswd",
    "/api/images/..%5c..%5cwindows",
    "/api/images/%2e%2e%2f%2e%2e%2fsecret.key/export",
    "/pages/../../../etc/passwd",
    "/pages/..%2f..%2frest_api%2fpages%2fstyle.css",
    "/pages/%2e%2e/routes.py",
    "/api/images/imports/..%2f..%2fsecret.key",
    "/api/images/imports/../secret.key",
    "/api/images/imports/%2e%2e",
    "/api/jobs/..%2f..%2fusers",
    "/api/jobs/" + "a" * 20_000,
    "/api/images/" + "a" * 20_000,
    "/api/images/" + "a%2F" * 5_000,
    "/api/images/%ff%fe",
    "/api/images/%",
    "/api/images/%zz",
    "/api/images/a?env=1%00",
    "/api/images/%E2%80%AE",
    "/api/users/1;drop",
    "/api/users/1%20or%201=1",
    "/api/audit?username='%20or%20'1'='1",
    "/api/images?filter=" + "%25" * 500,
]


@pytest.mark.parametrize("path", TRICKS, ids=lambda path: path[:50])
def test_a_path_leads_nowhere_but_to_its_route(besieged: Besieged, path: str) -> None:
    for method in ("GET", "DELETE", "PATCH", "PUT"):
        answer = besieged.admin(method, path)
        assert answer.status in {200, 400, 404, 405, 413} if method == "GET" else {400, 404, 405}, (method, answer.text)
        assert b"root:" not in answer.body
    if "?" not in path:
        assert besieged.nobody.get(path).status != 200
    assert besieged.service.data.joinpath("secret.key").exists()


@pytest.mark.parametrize(
    "line",
    [
        "GET http://evil.test/api/images HTTP/1.1",
        "GET /api/images\x01 HTTP/1.1",
        "GET /api/images HTTP/9.9",
        "GET api/images HTTP/1.1",
        "FOO /api/images HTTP/1.1",
        "GET  /api/images HTTP/1.1",
        "GET /\xff HTTP/1.1",
        "CONNECT evil.test:443 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "TRACE /api/images HTTP/1.1",
        "PRI * HTTP/2.0",
    ],
)
def test_an_odd_request_line_is_refused(besieged: Besieged, line: str) -> None:
    with RawClient(address(besieged.admin.api)) as client:
        client.send(line.encode("latin-1") + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        status = client.socket.recv(4096).partition(b"\r\n")[0]
    assert status.split(b" ")[1] in {b"400", b"401", b"404", b"405"}, status


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Length: 5\nContent-Length: 6\n",
        "Content-Length: 5\nTransfer-Encoding: chunked\n",
        "Transfer-Encoding: chunked, identity\n",
        "Content-Length: -1\n",
        "Content-Length: 1e3\n",
        "X: a\x00b\n",
    ],
)
def test_a_body_whose_end_is_two_things_is_refused(besieged: Besieged, fields: str) -> None:
    with RawClient(address(besieged.admin.api)) as client:
        client.send(f"POST /api/auth/login HTTP/1.1\nHost: localhost\n{fields}Connection: close\n\n0\n\n")
        status = client.socket.recv(4096).partition(b"\r\n")[0]
    assert status.split(b" ")[1] == b"400", status


# ── being sent into private networks

LINK = [
    "169.254.169.254",
    "169.254.169.254:80",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[fe80::1]:80",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "168.63.129.16",
]
"""Where clouds keep a machine's secrets, by their spellings."""


@pytest.mark.parametrize("host", LINK)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_registry_is_a_metadata_service(besieged: Besieged, host: str, scheme: str) -> None:
    tested = besieged.admin.post("/api/registries/test", {"url": f"{scheme}://{host}"})
    pulled = besieged.admin.post("/api/images/pull", {"image": f"{host}/latest/meta-data:1"}, Accept=JSON)
    pushed = besieged.admin.post(
        "/api/images/push", {"imageId": besieged.image, "target": f"{host}/latest/meta-data:1"}, Accept=JSON
    )

    if tested.status != 400:  # this one is no host at all
        assert (tested.status, tested.json["success"]) == (200, False)
        assert [step["name"] for step in tested.json["steps"]] == ["resolve"]
        assert not tested.json["steps"][-1].get("detail")
    for answer in (pulled, pushed):
        assert answer.status in {400, 500}
        assert answer.json["status" if answer.status == 500 else "code"] in {"error", "invalid"}


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "2852039166", "0251.0376.0251.0376"]
)
def test_no_docker_host_is_a_metadata_service(besieged: Besieged, host: str) -> None:
    form = {"name": f"link {host}", "connectionType": "direct", "host": host, "port": 80, "protocol": "http"}
    made = besieged.admin.post("/api/environments", form)
    if made.status == 400:
        return
    tested = besieged.admin.post(f"/api/environments/{made.json['id']}/test")
    used = besieged.admin.get(f"/api/images?env={made.json['id']}")
    besieged.admin("DELETE", f"/api/environments/{made.json['id']}")

    assert tested.json["success"] is False
    assert [step["name"] for step in tested.json["steps"]] == ["resolve"]
    assert used.status == 503


@dataclass
class Lure:
    """A registry that sends whoever asks it somewhere else, in one of the ways that registries may."""

    way: str
    to: str

    def __call__(self, asked: Asked) -> Reply:
        if self.way == "realm":
            return Reply(401, [("WWW-Authenticate", f'Bearer realm="{self.to}",service="x"')])
        if self.way == "redirect" or "/blobs/" in asked.path:
            return Reply(307, [("Location", self.to)])
        if "/uploads" in asked.path or asked.method == "POST":
            return Reply(202, [("Location", self.to)])
        return Reply(200 if asked.path == "/v2/" else 404)


@pytest.mark.parametrize("way", ["realm", "redirect", "upload"])
@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/",
        "http://[fe80::1]/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//169.254.169.254/",
    ],
)
def test_a_registry_sends_us_to_no_such_place(besieged: Besieged, way: str, to: str) -> None:
    with ScriptedServer(Lure(way, to)) as lure:
        host = lure.authority
        answers = [
            besieged.admin.post(
                "/api/registries/test", {"url": f"http://{host}", "username": "me", "password": SECRET}
            ),
            besieged.admin.post("/api/images/pull", {"image": f"{host}/a/b:1"}, Accept=JSON),
            besieged.admin.post(
                "/api/images/push", {"imageId": besieged.image, "target": f"{host}/a/b:1"}, Accept=JSON
            ),
        ]
    if way != "upload":
        assert answers[0].json["success"] is False
    assert answers[1].status in {404, 500}
    assert answers[2].status == 500
    for answer in answers:
        assert b"root:" not in answer.body
        assert SECRET not in answer.text


def test_what_an_inner_service_says_is_not_passed_on(besieged: Besieged) -> None:
    """A test of a connection says whether there is a registry, not what else there is."""
    inner = b'{"AccessKeyId":"AKIA-inner","Token":"inner-token"}'
    with ScriptedServer(lambda asked: Reply(200 if asked.path == "/v2/" else 400, [], inner)) as server:
        row = besieged.admin.post("/api/registries", {"name": "inner", "url": server.url("")}).json["id"]
        form = {"name": "inner", "connectionType": "direct", "host": "127.0.0.1", "port": server.port}
        environment = besieged.admin.post("/api/environments", form).json["id"]
        answers = [
            besieged.admin.post("/api/registries/test", {"id": row}),
            besieged.admin.get(f"/api/registry/catalog?registry={row}"),
            besieged.admin.get(f"/api/registry/tags?registry={row}&repository=a"),
            besieged.admin.post("/api/images/pull", {"image": f"{server.authority}/a:1"}, Accept=JSON),
            besieged.admin.post(f"/api/environments/{environment}/test"),
            besieged.admin.get(f"/api/images?env={environment}"),
        ]
    for answer in answers:
        assert b"inner-token" not in answer.body, answer.text
        assert b"AKIA-inner" not in answer.body, answer.text


# ── other people's jobs


def test_another_users_job_is_closed(besieged: Besieged) -> None:
    grants = {"permissions": ["images:pull", "images:push"]}
    owner, other = besieged.user("olga", grants), besieged.user("otto", grants)
    job = owner.post("/api/images/pull", {"image": f"{besieged.own}/nothing/here:1"}, Idempotency_Key="key").json[
        "jobId"
    ]
    token = owner.post("/api/auth/tokens", {"name": "narrow", "scopes": ["images:pull"]}).json["token"]
    for thief in (other, besieged.nobody.bearing(token)):
        assert thief.get(f"/api/jobs/{job}").json == DENIED
        assert thief.get(f"/api/jobs/{job}?after=0").json == DENIED
        assert thief.get(f"/api/jobs/{job}", Accept="text/event-stream").json == DENIED
        assert thief.get(f"/api/jobs/{job}", Accept="text/event-stream", Last_Event_ID="1").json == DENIED
        assert thief("DELETE", f"/api/jobs/{job}").json == DENIED
        assert thief.post(f"/api/jobs/{job}/retry").json == DENIED
        assert job not in thief.get("/api/jobs").text
        assert job not in thief.get("/api/jobs?page=1&filter=nothing").text
    again = other.post("/api/images/pull", {"image": f"{besieged.own}/nothing/here:1"}, Idempotency_Key="key")
    assert again.json["jobId"] != job
    assert besieged.nobody.get(f"/api/jobs/{job}").json == UNAUTHORIZED
    denied = {
        (row["username"], row["entityId"]) for row in besieged.admin.get("/api/audit?result=denied&entityType=job").json
    }
    assert {("otto", job), ("olga", job)} <= denied


# ── roles with patterns


def test_no_spelling_of_a_name_is_more_than_the_pattern(besieged: Besieged) -> None:
    secret = besieged.load("secret/app:1", label="secret")
    digest = besieged.admin.get("/api/images/secret%2Fapp:1").json["digest"]
    team = besieged.user("tess", {"permissions": ["images:*"], "repositories": ["team/*"], "environments": [1]})
    assert team.get("/api/images/team%2Fapp:1").status == 200
    spellings = [
        "secret/app:1",
        "docker.io/secret/app:1",
        "index.docker.io/secret/app:1",
        "registry-1.docker.io/secret/app",
        "hub.docker.com/secret/app:1",
        f"secret/app@{digest}",
        secret,
        secret.removeprefix("sha256:"),
        secret.removeprefix("sha256:")[:12],
        secret[:20],
        digest,
        f"team/app@{digest}",
        "team/../secret/app:1",
        "team/%2e%2e/secret/app:1",
        "SECRET/app:1",
        "secret//app:1",
        "team/app/../../secret/app:1",
    ]
    for name in spellings:
        quoted = urllib.parse.quote(name, safe="")
        answers = [
            team.get(f"/api/images/{quoted}"),
            team.get(f"/api/images/{quoted}/history"),
            team.get(f"/api/images/{quoted}/export"),
            team("DELETE", f"/api/images/{quoted}?force=true"),
            team.post(f"/api/images/{quoted}/tag", {"repo": "team/stolen"}),
            team.post("/api/images/push", {"imageId": name, "target": f"{besieged.own}/team/stolen:1"}),
            team.get(f"/api/images/team%2Fapp:1/export?image={quoted}"),
        ]
        assert {answer.status for answer in answers} <= {400, 403, 404}, (name, [a.status for a in answers])
    assert besieged.admin.get("/api/images/secret%2Fapp:1").json["id"] == secret
    assert [row["tags"] for row in team.get("/api/images").json] == [["team/app:1"]]


@pytest.mark.parametrize(
    "target",
    [
        "secret/app:1",
        "docker.io/secret/app",
        "{own}/secret/app:1",
        "evil.test/ghcr.io/team/app:1",
        "evil.test:443/ghcr.io/team/app:1",
        "GHCR.IO.evil.test/team/app:1",
        "ghcr.io:443/team/app:1",
        "ghcr.io/team:1",
        "ghcr.io/teams/app:1",
        "ghcr.io/team/../secret/app:1",
        "docker.io/ghcr.io/team/app:1",
    ],
)
def test_a_pattern_with_a_registry_reaches_no_other(besieged: Besieged, target: str) -> None:
    name = f"reg-{Digest.of(target.encode()).encoded[:12]}"
    grants = [{"permissions": ["images:push", "images:pull"], "repositories": ["ghcr.io/team/*"]}]
    user = besieged.user(name, *grants, {"permissions": ["images:view"]})
    to = target.format(own=besieged.own)
    answers = [
        user.post("/api/images/push", {"imageId": besieged.image, "target": to}),
        user.post("/api/images/push", {"imageId": besieged.image, "registryId": besieged.registry, "newTag": to}),
        user.post("/api/images/pull", {"image": to}),
        user.post("/api/images/copy", {"source": "ghcr.io/team/app:1", "targets": ["ghcr.io/team/b:1", to]}),
    ]
    assert {answer.status for answer in answers} <= {400, 403}, [answer.text for answer in answers]


@pytest.mark.parametrize(
    "query",
    ["env={0}", "env=1&env={0}", "env=0{0}", "env=%20{0}", "env={0}.0", "env=+{0}", "ENV=1&env={0}", "env=1%26env={0}"],
)
def test_an_environment_is_not_reached_by_another_spelling(besieged: Besieged, query: str) -> None:
    name = f"env-{Digest.of(query.encode()).encoded[:12]}"
    form = {"name": name, "connectionType": "socket", "socketPath": "/none"}
    closed = besieged.admin.post("/api/environments", form).json["id"]
    user = besieged.user(name, {"permissions": ["images:*", "environments:view"], "environments": [1]})

    assert user.get("/api/images?env=1").status == 200
    answer = user.get(f"/api/images?{query.format(closed)}")
    assert answer.status in {400, 403}, answer.text
    assert user.get(f"/api/environments/{closed}").status == 403


def test_no_spelling_of_a_repository_is_more_than_the_pattern(besieged: Besieged) -> None:
    """At the registry's own door."""
    pushed = besieged.admin.post(
        "/api/images/push", {"imageId": besieged.image, "target": f"{besieged.own}/secret/app:1"}, Accept=JSON
    )
    assert pushed.status == 200, pushed.text
    digest = pushed.json["digest"]
    grants = {"permissions": ["repositories:pull", "repositories:push"], "repositories": ["team/*"]}
    user = besieged.user("rita", grants)
    token = user.post("/api/auth/tokens", {"name": "ci"}).json["token"]
    rita = Caller(f"http://{besieged.own}", {"Authorization": basic("rita", token)})
    for path in (
        "/v2/secret/app/manifests/1",
        f"/v2/secret/app/manifests/{digest}",
        "/v2/secret/app/tags/list",
        "/v2/team/../secret/app/manifests/1",
        "/v2/team/%2e%2e/secret/app/manifests/1",
        "/v2/team%2F..%2Fsecret%2Fapp/manifests/1",
        "/v2/secret%2Fapp/manifests/1",
        "/v2//secret/app/manifests/1",
        "/v2/./secret/app/manifests/1",
        "/v2/SECRET/app/manifests/1",
        "/V2/secret/app/manifests/1",
        f"/v2/team/app/manifests/{digest}",
    ):
        answer = rita.get(path)
        assert answer.status in {400, 403, 404}, (path, answer.status)
        assert digest not in answer.headers.get("docker-content-digest", "")
    catalog = rita.get("/v2/_catalog")
    assert catalog.status == 403 or "secret/app" not in catalog.text
    mount = rita("POST", f"/v2/team/x/blobs/uploads/?mount={digest}&from=secret/app")
    assert mount.status == 202  # an upload begins, as if it were not there
    assert rita("PUT", "/v2/secret/app/manifests/2", raw=b"{}").status == 403
    assert rita("DELETE", "/v2/team/app/manifests/1").status == 403


# ── secrets


def test_no_secret_comes_out_anywhere(besieged: Besieged, tmp_path: Path) -> None:
    """Passwords, tokens, cookies and a TLS key: they are in no answer, log, event, audit row or file."""
    client = Authority(tmp_path).client()
    key = client.key.read_text()
    told: list[Answer] = []
    admin, nobody = besieged.admin, besieged.nobody

    def ask(who: Caller, method: str, path: str, body: object = None, **headers: str) -> Answer:
        told.append(who(method, path, body, headers=headers))
        return told[-1]

    with ExitStack() as stack:
        upstream = stack.enter_context(ScriptedServer(lambda asked: Reply(401, [("WWW-Authenticate", "Basic")])))
        login_form = {"name": "kept", "url": upstream.url("/kept"), "username": "me", "password": SECRET}
        row = ask(admin, "POST", "/api/registries", login_form).json["id"]
        ask(admin, "POST", "/api/registries", {**login_form, "tls": "wrong"})
        ask(admin, "POST", "/api/registries", {**login_form, "url": f"https://me:{SECRET}@h.test"})
        ask(admin, "POST", "/api/registries", {**login_form, "password": {"nested": SECRET}})
        ask(admin, "POST", "/api/registries", {**login_form, "pasword": SECRET})
        ask(admin, "PATCH", f"/api/registries/{row}", {"password": SECRET, "port": SECRET})
        ask(admin, "POST", "/api/registries/test", {"id": row})
        ask(admin, "POST", "/api/registries/test", login_form)
        ask(admin, "POST", "/api/registries/test", {**login_form, "url": "127.0.0.1:1"})
        push = {"imageId": besieged.image, "registryId": row, "newTag": "app:1"}
        ask(admin, "POST", "/api/images/push", push, Accept=JSON)
        job = ask(admin, "POST", "/api/images/push", push).json["jobId"]
        ask(admin, "GET", f"/api/jobs/{job}", Accept="text/event-stream")
        ask(admin, "GET", f"/api/registry/catalog?registry={row}")
        tls = {"name": "tls", "connectionType": "direct", "host": "127.0.0.1", "port": 1, "protocol": "https"}
        pair = {"tlsCert": client.certificate.read_text(), "tlsKey": key}
        environment = ask(admin, "POST", "/api/environments", {**tls, **pair}).json["id"]
        ask(admin, "POST", "/api/environments", {**tls, "name": "half", "tlsKey": key})
        ask(admin, "POST", f"/api/environments/{environment}/test")
        token = admin.post("/api/auth/tokens", {"name": "shown once"}).json["token"]
        bearer = nobody.bearing(token)
        ask(bearer, "GET", "/api/images")
        ask(bearer, "POST", "/api/images/pull", {"image": f"{token}/x"})
        ask(admin, "POST", "/api/auth/tokens", {"name": token, "scopes": [token]})
        ask(nobody, "POST", "/api/auth/login", {"username": token, "password": "typed-in-the-wrong-place"})
        ask(nobody, "POST", "/api/auth/login", {"username": "admin", "password": "guess-of-a-passw0rd"})
        ask(nobody.bearing("lad_madeUpButSecret123"), "GET", "/api/images")
        ask(nobody, "GET", "/api/images", Cookie="session=made-up-session-cookie")
        ask(nobody, "GET", "/setup?token=made-up-setup-token")
    for path in ("/api/registries", "/api/environments", "/api/auth/tokens", "/api/users", "/api/jobs", "/api/audit"):
        ask(admin, "GET", path)
    for form in ("json", "csv", "jsonl"):
        ask(admin, "GET", f"/api/audit/export?format={form}")
    ask(admin, "GET", "/metrics")
    ask(admin, "GET", f"/api/jobs/{job}")

    cookie = admin.headers["Cookie"].partition("=")[2]
    secrets = [SECRET, token, besieged.service.token, PASSWORD, cookie, key.splitlines()[1]]
    typed = ["typed-in-the-wrong-place", "guess-of-a-passw0rd", "lad_madeUpButSecret123", "made-up-session-cookie"]
    spelled = [text for secret in [*secrets, *typed] for text in _forms(secret)]
    files = [path for path in besieged.service.data.rglob("*") if path.is_file()]
    kept = {str(path): path.read_bytes() for path in [*files, besieged.service.log]}
    answered = {f"{number} {answer.text[:80]}": answer.body for number, answer in enumerate(told)}
    found = [(place, each) for place, text in {**kept, **answered}.items() for each in spelled if each in text]
    assert found == []


def _forms(secret: str) -> list[bytes]:
    """Plain, and as base64 shows it wherever it begins."""
    shifted = [base64.b64encode(b"x" * pad + secret.encode())[4:-4] for pad in range(3)]
    return [secret.encode(), *shifted]


# ── too much, too slow


def test_a_body_without_an_end_is_cut_short_for_strangers(besieged: Besieged) -> None:
    """Memory stays where it was: nothing is read beyond a megabyte, logged in or not."""
    before = resident(besieged)
    chunk = b"%x\r\n%s\r\n" % (1 << 16, b" " * (1 << 16))
    for path in (
        "/api/auth/login",
        "/login",
        "/api/images/pull",
        "/api/images/importx/tag",
        "/api/images/import%2F/tag",
    ):
        with RawClient(address(besieged.admin.api)) as client:
            client.send(f"POST {path} HTTP/1.1\nHost: localhost\nContent-Type: application/json\n")
            client.send("Transfer-Encoding: chunked\n\n")
            refused = b""
            try:
                for _ in range(2000):
                    client.send(chunk)
                refused = client.socket.recv(4096)
            except OSError:
                refused = b"hung up"
            assert refused == b"hung up" or b" 413 " in refused, path
    assert resident(besieged) - before < 64 << 20


def resident(besieged: Besieged) -> int:
    """Bytes of memory that the service's process holds."""
    line = next(
        line for line in besieged.admin.get("/metrics").text.splitlines() if line.startswith("process_resident_memory")
    )
    return int(float(line.split()[1]))


def test_an_import_takes_a_login_before_it_takes_bytes(besieged: Besieged) -> None:
    with RawClient(address(besieged.admin.api)) as client:
        client.send("POST /api/images/import HTTP/1.1\nHost: localhost\nContent-Length: 1000000000\n\n")
        assert client.head().status == 401
    assert not list((besieged.service.data / "imports").glob("0-*"))


def test_slow_clients_keep_nobody_waiting(besieged: Besieged) -> None:
    with ExitStack() as slow:
        for _ in range(200):
            client = slow.enter_context(RawClient(address(besieged.admin.api)))
            client.send("POST /api/auth/login HTTP/1.1\nHost: localhost\nX-Slow: ")
        assert besieged.nobody.get("/healthz").status == 200
        assert besieged.admin.get("/api/images").status == 200


@pytest.mark.parametrize(
    "text",
    ["=cmd|'/c calc'!A1", "a\r\nSet-Cookie: x=y", "\u202efdp.exe", "\x1b[31m", "<script>alert(1)</script>", "%s%s%n"],
)
def test_what_strangers_write_is_only_text(besieged: Besieged, text: str) -> None:
    besieged.nobody.post("/api/auth/login", {"username": text, "password": text})
    besieged.admin.post("/api/images/pull", {"image": text})
    besieged.admin.post("/api/auth/tokens", {"name": text})
    page = besieged.admin.get("/status", Accept="text/html")
    table = besieged.admin.get("/api/audit/export?format=csv")

    assert "<script" not in page.text
    assert "\n=cmd" not in table.text
    assert ",=cmd" not in table.text
    assert "\x1b" not in besieged.service.log.read_text()
    for answer in (page, table):
        assert "x=y" not in answer.headers.get("set-cookie", "")
