"""Registries and environments over the API: rows whose secrets go in and never come out, and the test of each."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from lading.oci.instants import parse_instant
from tests.fakes.certificates import Authority
from tests.fakes.scripted_server import Reply, ScriptedServer
from tests.fronts.rest_api.caller import Answer, House, until

PASSWORD = "s3cret-of-a-registry"


def test_a_registry_is_added_changed_and_removed(house: House) -> None:
    form = {"name": "corp", "url": "https://corp.test:5000/team", "username": "me", "password": PASSWORD}
    made = house.admin.post("/api/registries", form)
    path = f"/api/registries/{made.json['id']}"
    renamed = house.admin("PATCH", path, {"name": "Corp"})
    put = house.admin("PUT", path, {"isDefault": True})
    relayed = house.admin("PATCH", path, {"relay": "always"})
    wrong = house.admin("PATCH", path, {"relay": "sometimes"})
    taken = house.admin.post("/api/registries", {"name": "Corp", "url": "other.test"})
    got = house.admin.get(path)
    removed = house.admin("DELETE", path)

    assert made.status == 201
    assert made.json == {
        "id": made.json["id"],
        "name": "corp",
        "url": "https://corp.test:5000/team",
        "username": "me",
        "isDefault": False,
        "hasCredentials": True,
        "tls": "verify",
        "ca": None,
        "relay": "auto",
        "provider": "generic",
        "fields": {},
        "hasSecretFields": False,
        "validUntil": None,
    }
    assert (renamed.status, renamed.json["name"], renamed.json["hasCredentials"]) == (200, "Corp", True)
    assert put.json["isDefault"] is True
    assert (relayed.json["relay"], wrong.status) == ("always", 400)
    assert (taken.status, taken.json["code"]) == (409, "name_taken")
    assert got.json == {**renamed.json, "isDefault": True, "relay": "always", "rateLimit": None, "lastUsedAt": None}
    assert PASSWORD not in made.text + renamed.text + got.text
    assert (removed.status, removed.body) == (204, b"")
    assert house.admin.get(path).brief == (404, "Registry not found")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"name": "x"}, "the registry's url must have 1 to 500 characters"),
        ({"url": "a.test"}, "the registry's name must have 1 to 100 characters, all of them visible"),
        ({"name": "a\nb", "url": "a.test"}, "the registry's name must have 1 to 100 characters, all of them visible"),
        (
            {"name": "x", "url": "ftp://a.test"},
            "the registry's url begins with ftp://, and registries speak http:// or https://",
        ),
        (
            {"name": "x", "url": "https://me:pw@a.test"},
            "the registry's url is host[:port][/path]; a login has fields of its own",
        ),
        ({"name": "x", "url": "a.test", "password": "p"}, "the registry's username is missing beside the password"),
        ({"name": "x", "url": "a.test", "username": "a:b", "password": "p"}, None),
        (
            {"name": "x", "url": "a.test", "username": "a", "password": "p\r\nX: y"},
            "the registry's password must be one line",
        ),
        ({"name": "x", "url": "a.test", "tls": "maybe"}, "tls must be one of 'verify', 'skip' or 'http'"),
        ({"name": "x", "url": "a.test", "ca": "no pem"}, "the registry's ca must be certificates in PEM"),
        ({"name": "x", "url": "a.test", "passwort": "p"}, "passwort is not known here"),
    ],
)
def test_a_registry_that_cannot_be_is_refused(house: House, form: dict[str, object], error: str | None) -> None:
    answer = house.admin.post("/api/registries", form)

    assert answer.status == 400
    assert answer.json["error"] == error or error is None
    assert answer.json["code"] == "invalid"


@pytest.mark.parametrize(
    "edit",
    [
        {"url": "https://evil.test"},
        {"url": "http://safe.test"},
        {"tls": "http"},
        {"tls": "skip"},
        {"ca": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"},
        {"url": "safe.test:444"},
    ],
)
def test_a_password_is_not_sent_elsewhere_by_who_does_not_know_it(house: House, edit: dict[str, object]) -> None:
    name = json.dumps(edit)
    form = {"name": name, "url": "https://safe.test", "username": "me", "password": PASSWORD}
    path = f"/api/registries/{house.admin.post('/api/registries', form).json['id']}"
    refused = house.admin("PATCH", path, edit)
    known = house.admin("PATCH", path, {**edit, "password": PASSWORD})

    assert refused.status == 400
    assert "password must be given again" in refused.json["error"]
    assert known.status == 200


def steps(answer: Answer) -> list[tuple[str, bool]]:
    assert answer.status == 200, answer.text
    assert answer.json["success"] is (answer.json.get("error") is None)
    return [(step["name"], step["ok"]) for step in answer.json["steps"]]


def test_a_registry_is_tried_out_step_by_step(house: House, tmp_path: Path) -> None:
    own = house.own_registry()
    works = house.admin.post("/api/registries/test", {"id": own})
    typed = {"url": f"http://{house.running.address}", "username": "admin", "password": "wrong"}
    login = house.admin.post("/api/registries/test", typed)
    dead = house.admin.post("/api/registries/test", {"url": "127.0.0.1:1"})
    authority = Authority(tmp_path)
    with ScriptedServer(
        lambda asked: Reply(200, [], b'{"repositories":[]}'), tls=authority.context(authority.server("127.0.0.1"))
    ) as server:
        unknown_ca = house.admin.post("/api/registries/test", {"url": server.url("")})
        with_ca = {"url": server.url(""), "ca": authority.certificate.read_text()}
        known_ca = house.admin.post("/api/registries/test", with_ca)
        skipped = house.admin.post("/api/registries/test", {"url": server.url(""), "tls": "skip"})

    assert steps(works) == [(name, True) for name in ("resolve", "connect", "v2", "token", "scope")]
    assert steps(login)[-1] == ("token", False)
    assert steps(dead)[-1] == ("connect", False)
    assert dead.json["steps"][-1]["error"] == dead.json["error"]
    assert steps(unknown_ca)[-1] == ("tls", False)
    assert unknown_ca.json["steps"][-1]["hint"]
    assert (
        steps(known_ca) == steps(skipped) == [(n, True) for n in ("resolve", "connect", "tls", "v2", "token", "scope")]
    )
    assert house.admin.post("/api/registries/test", {}).status == 400
    assert house.admin.post("/api/registries/test", {"id": 99}).brief == (404, "Registry not found")


def test_a_registry_that_fails_when_it_is_asked_is_no_fault_of_ours(house: House) -> None:
    broken = house.admin.post("/api/registries", {"name": "dead", "url": "127.0.0.1:1"}).json["id"]
    with ScriptedServer(lambda asked: Reply(401, [("WWW-Authenticate", 'Basic realm="x"')])) as server:
        locked = house.admin.post("/api/registries", {"name": "locked", "url": server.url("")}).json["id"]
        refused = house.admin.get(f"/api/registry/tags?registry={locked}&repository=a")
    away = house.admin.get(f"/api/registry/tags?registry={broken}&repository=a")

    assert (away.status, away.json["code"]) == (502, "network")
    assert (refused.status, refused.json["code"]) == (502, "registry_auth")
    assert "lading " not in refused.text


def test_what_a_registry_still_allows_is_shown(house: House) -> None:
    limited = [("RateLimit-Limit", "100;w=21600"), ("RateLimit-Remaining", "76;w=21600")]
    with ScriptedServer(lambda asked: Reply(200, limited, b'{"tags":["a"]}')) as server:
        row = house.admin.post("/api/registries", {"name": "limited", "url": server.url("")}).json["id"]
        house.admin.get(f"/api/registry/tags?registry={row}&repository=team/app")
        shown = house.admin.get(f"/api/registries/{row}").json["rateLimit"]
        tested = house.admin.post("/api/registries/test", {"id": row}).json["rateLimit"]

    assert shown == tested == {"remaining": 76, "limit": 100, "seconds": 21600}


def test_a_registry_that_wants_to_be_left_alone_says_until_when(house: House) -> None:
    with ScriptedServer(lambda asked: Reply(429, [("Retry-After", "250")])) as server:
        row = house.admin.post("/api/registries", {"name": "limiting", "url": server.url("")}).json["id"]
        before = house.admin.get(f"/api/registries/{row}").json
        job = house.admin.post("/api/images/pull", {"image": f"{server.authority}/app:1"}).json["jobId"]
        until(lambda: "heldUntil" in house.admin.get(f"/api/registries/{row}").json, "the registry is left alone")
        shown = house.admin.get(f"/api/registries/{row}").json
        house.admin("DELETE", f"/api/jobs/{job}")

    assert "heldUntil" not in before
    assert 0 < (parse_instant(shown["heldUntil"]) or 0) - time.time() <= 251


def test_a_registry_is_looked_into(house: House) -> None:
    own, image = house.own_registry(), house.load("looked/app:1", label="looked")
    push = {"imageId": image, "registryId": own, "newTag": "looked/into:1"}
    digest = house.admin.post("/api/images/push", push, Accept="application/json").json["digest"]
    house.admin.post("/api/images/push", {**push, "newTag": "looked/into:2"}, Accept="application/json")
    removed = house.admin("DELETE", f"/api/registry/image?registry={own}&repository=looked/into&reference=2")
    tags = house.admin.get(f"/api/registry/tags?registry={own}&repository=looked/into").json
    gone = house.admin("DELETE", f"/api/registry/image?registry={own}&repository=looked/into&reference={digest}")
    missing = house.admin("DELETE", f"/api/registry/image?registry={own}&repository=looked/into&reference=2")
    wrong = house.admin.get(f"/api/registry/tags?registry={own}&repository=Looked")

    assert {"name": "looked/into"} in house.admin.get(f"/api/registry/catalog?registry={own}").json
    assert house.admin.get(f"/api/registry/search?registry={own}&term=into").json == [{"name": "looked/into"}]
    assert (removed.status, tags, gone.status) == (204, [{"name": "1"}], 204)
    assert missing.status == 404
    assert wrong.status == 400
    assert house.admin.get("/api/registry/catalog?registry=99").brief == (404, "Registry not found")
    assert house.admin.get("/api/registry/catalog").brief == (400, "registry is missing")


def test_a_registry_that_lists_nothing_is_asked_for_names(house: House) -> None:
    def answer(asked: object) -> Reply:
        path = getattr(asked, "path", "")
        listed = path.endswith("/team/app/tags/list")
        return Reply(200, [], b'{"tags":["1"]}') if listed else Reply(200 if path == "/v2/" else 404)

    with ScriptedServer(answer) as server:
        row = house.admin.post("/api/registries", {"name": "listless", "url": server.url("")}).json["id"]
        catalog = house.admin.get(f"/api/registry/catalog?registry={row}")
        found = house.admin.get(f"/api/registry/search?registry={row}&term=team/app")
        none = house.admin.get(f"/api/registry/search?registry={row}&term=nothing")

    assert (catalog.status, catalog.json["code"]) == (404, "no_catalog")
    assert catalog.json["hint"]
    assert (found.json, none.json) == ([{"name": "team/app"}], [])


# ── environments


def test_an_environment_is_added_changed_and_removed(house: House, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    client = authority.client()
    key = client.key.read_text()
    form = {
        "name": "docker",
        "connectionType": "direct",
        "host": "docker.test",
        "protocol": "https",
        "tlsCert": client.certificate.read_text(),
        "tlsKey": key,
    }
    made = house.admin.post("/api/environments", form)
    path = f"/api/environments/{made.json['id']}"
    changed = house.admin("PATCH", path, {"name": "dock", "port": 2377})
    default = house.admin.post(f"{path}/default")
    listed = house.admin.get("/api/environments").json
    house.admin.post("/api/environments/1/default")
    removed = house.admin("DELETE", path)

    assert made.status == 201
    assert made.json["hasTlsKey"] is True
    assert "tlsKey" not in made.json
    assert key.splitlines()[1] not in made.text + changed.text + default.text
    assert (changed.json["name"], changed.json["port"], changed.json["hasTlsKey"]) == ("dock", 2377, True)
    assert default.json["isDefault"] is True
    assert [row["isDefault"] for row in listed] == [False, True]
    assert removed.status == 204
    assert house.admin.get(path).brief == (404, "Environment not found")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (
            {},
            "connectionType must be embedded, socket, direct, hawser-standard or hawser-edge; "
            "name must have 1 to 100 characters, all of them visible",
        ),
        ({"name": "x", "connectionType": "ssh"}, None),
        (
            {"name": "x", "connectionType": "hawser-edge", "host": "h"},
            "host means nothing for connectionType hawser-edge",
        ),
        (
            {"name": "x", "connectionType": "hawser-standard", "hawserToken": "t"},
            "host must be a host name or an IP address, without scheme and port",
        ),
        (
            {"name": "x", "connectionType": "socket", "hawserToken": "t"},
            "hawserToken means nothing for connectionType socket",
        ),
        ({"name": "x", "connectionType": "socket", "host": "h"}, "host means nothing for connectionType socket"),
        ({"name": "x", "connectionType": "socket", "socketPath": "docker.sock"}, None),
        (
            {"name": "x", "connectionType": "direct", "host": "http://h"},
            "host must be a host name or an IP address, without scheme and port",
        ),
        (
            {"name": "x", "connectionType": "direct", "host": "h", "port": 0},
            "port must be at least 1",
        ),
        ({"name": "x", "connectionType": "direct", "host": "h", "tlsKey": "k"}, None),
        ({"name": "x", "connectionType": "embedded"}, None),
    ],
)
def test_an_environment_that_cannot_be_is_refused(house: House, form: dict[str, object], error: str | None) -> None:
    answer = house.admin.post("/api/environments", form)

    assert answer.status in ({400} if error else {400, 409})
    assert answer.json["error"] == error or error is None
    assert set(answer.json) <= {"error", "code", "hint", "detail"}


def test_our_own_engine_stays_what_it_is(house: House) -> None:
    assert house.admin("DELETE", "/api/environments/1").status == 409
    assert house.admin("PATCH", "/api/environments/1", {"connectionType": "socket"}).status == 409
    assert steps(house.admin.post("/api/environments/1/test")) == [("ping", True), ("version", True)]


def test_an_environment_is_tried_out_step_by_step(house: House, tmp_path: Path) -> None:
    form = {"name": "gone", "connectionType": "socket", "socketPath": str(tmp_path / "docker.sock")}
    gone = house.admin.post("/api/environments", form).json["id"]
    dead = house.admin.post(
        "/api/environments", {"name": "d", "connectionType": "direct", "host": "127.0.0.1", "port": 1}
    )

    assert steps(house.admin.post(f"/api/environments/{gone}/test")) == [("connect", False)]
    assert steps(house.admin.post(f"/api/environments/{dead.json['id']}/test")) == [
        ("resolve", True),
        ("connect", False),
    ]
    assert house.admin.post("/api/environments/99/test").brief == (404, "Environment not found")
    images = house.admin.get(f"/api/images?env={gone}")
    assert (images.status, images.json["code"]) == (503, "unreachable")


def test_only_the_environments_that_may_be_seen_are_listed(house: House) -> None:
    house.role("one environment", {"permissions": ["environments:view", "images:view"], "environments": [1]})
    hal = house.user("hal", "one environment")
    other = house.admin.post("/api/environments", {"name": "hidden", "connectionType": "socket"}).json["id"]

    assert [row["id"] for row in hal.get("/api/environments").json] == [1]
    assert hal.get(f"/api/environments/{other}").status == 403
    assert hal.get(f"/api/images?env={other}").status == 403
    assert hal.get("/api/images?env=1").status == 200
