"""What other users try on `lading serve`: jobs that are not theirs, names beyond their patterns, secrets."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lading.oci.digest import Digest
from tests.fakes.certificates import Authority
from tests.fakes.scripted_server import Reply, ScriptedServer
from tests.fronts.rest_api.caller import DENIED, UNAUTHORIZED, Answer, Caller
from tests.peers import programs
from tests.peers.besieged import JSON, SECRET, Besieged, basic, siege
from tests.peers.service_process import PASSWORD


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    with siege(tmp_path_factory.mktemp("besieged") / "data") as running:
        yield running


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
    kept = {str(path): content for path, content in programs.contents_below(besieged.service.data)}
    kept[str(besieged.service.log)] = besieged.service.log.read_bytes()
    answered = {f"{number} {answer.text[:80]}": answer.body for number, answer in enumerate(told)}
    found = [(place, each) for place, text in {**kept, **answered}.items() for each in spelled if each in text]
    assert found == []


def _forms(secret: str) -> list[bytes]:
    """Plain, and as base64 shows it wherever it begins."""
    shifted = [base64.b64encode(b"x" * pad + secret.encode())[4:-4] for pad in range(3)]
    return [secret.encode(), *shifted]
