"""Every way in which a push or a pull can fail, brought about for real, with the status, text and code fixed for it.

On our own engine and on a Docker host, over its socket and over TLS; a text that is fixed is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from tests.peers import programs
from tests.peers.mission_place import ENVIRONMENTS, LOGIN, Answer, Place

pytestmark = pytest.mark.peer("dockerd", "docker-registry", "htpasswd", "skopeo", "nginx")

LOGIN_FAILED = "Authentication failed. Check registry credentials."
TLS_FAILED = (
    "TLS/HTTPS error. If your registry uses HTTP, add it to Docker's insecure-registries in /etc/docker/daemon.json"
)
PULL_FAILED = "Image not found or registry authentication failed"
DOCKER = ("socket", "tls")


@pytest.fixture(scope="module")
def ill(mission: Place) -> Place:
    """The same place with rows that are wrong in every way."""
    secure, private = mission.secure.host, mission.private.host
    me: dict[str, object] = {"username": LOGIN[0], "password": LOGIN[1]}
    wrong = {"username": LOGIN[0], "password": "wrong"}
    rows = {
        "wrong password": mission.configure("wrong password", f"http://{private}/wrong", **wrong),
        "no password": mission.configure("no password", f"http://{private}/nobody"),
        "unknown host": mission.configure("unknown host", "https://no-such-host.invalid"),
        "dead": mission.configure("dead", f"http://127.0.0.1:{programs.free_port()}"),
        "http to tls": mission.configure("http to tls", f"http://{secure}/http", **me),
        "no ca": mission.configure("no ca", f"https://{secure}/no-ca", **me),
    }
    return replace(mission, registries={**mission.registries, **rows})


@pytest.fixture(scope="module")
def images(mission: Place) -> Mapping[str, str]:
    """One image in each environment, by its id."""
    return {kind: mission.bring(kind, "ill/app:1") for kind in ENVIRONMENTS}


@dataclass(frozen=True)
class Row:
    """What is asked of which registry, and what is answered. `says` is the whole text, or its beginning and …"""

    registry: str
    status: int
    code: str
    says: str
    name: str = "team/app:1"
    kinds: tuple[str, ...] = ENVIRONMENTS

    def agrees(self, answer: Answer) -> None:
        told = {"status": "error", **answer.body}
        text = str(told["error"])
        assert (answer.status, told["status"], told["code"]) == (self.status, "error", self.code), answer
        assert text.startswith(self.says[:-1]) if self.says.endswith("…") else text == self.says, answer
        assert told.get("hint") or self.code in {"network", "unproven", "not_found"}, answer


PUSHES = {
    "wrong password": Row("wrong password", 500, "registry_auth", LOGIN_FAILED),
    "no password": Row("no password", 500, "registry_auth", LOGIN_FAILED),
    "no permission there": Row("tokens", 500, "registry_auth", LOGIN_FAILED, "locked/app:1"),
    "unknown host": Row("unknown host", 500, "network", "cannot connect to no-such-…", kinds=("embedded",)),
    "unknown host to docker": Row("unknown host", 500, "network", "the Docker host says: Get …", kinds=DOCKER),
    "nobody listens": Row("dead", 500, "network", "cannot connect to 127.0.0.1…", kinds=("embedded",)),
    "nobody listens to docker": Row("dead", 500, "network", "the Docker host says: Get …", kinds=DOCKER),
    "tls against plain http": Row("plain", 500, "tls", TLS_FAILED),
    "a ca that nobody knows": Row("strange", 500, "tls", TLS_FAILED),
    "plain http against tls": Row("http to tls", 500, "tls", TLS_FAILED, kinds=("embedded",)),
    "a ca that lading does not know": Row("no ca", 500, "tls", TLS_FAILED, kinds=("embedded",)),
    "rate limited": Row("limited", 500, "rate_limited", "127.0.0.1:…", kinds=("embedded",)),
    "rate limited docker": Row(
        "limited", 500, "rate_limited", "the Docker host says: toomanyrequests: You have reached…", kinds=DOCKER
    ),
    "not there when read back": Row("two-faced", 500, "unproven", "two was pushed to 127.0.0.1:…", "x/y:two"),
    "docker is done, and lading is not answered": Row("no ca", 500, "unverified", "the push to 192…", kinds=DOCKER),
    "docker is done, and lading asks in plain http": Row(
        "http to tls", 500, "unverified", "the push to …", kinds=DOCKER
    ),
}


def cases(rows: Mapping[str, Row]) -> list[object]:
    return [pytest.param(row, kind, id=f"{name}-{kind}") for name, row in rows.items() for kind in row.kinds]


@pytest.mark.parametrize(("row", "kind"), cases(PUSHES))
def test_a_push_that_fails(ill: Place, images: Mapping[str, str], row: Row, kind: str) -> None:
    answer = ill.push(kind, imageId=images[kind], registryId=ill.registries[row.registry], newTag=row.name)

    row.agrees(answer)
    last = ill.lines(answer)[-1]
    assert last == answer.body
    assert [line["status"] for line in ill.lines(answer)[:2]] == ["tagging", "pushing"]
    assert not [line for line in ill.lines(answer) if line["status"] == "complete"]
    job = ill.ask("GET", f"/api/jobs/{answer.headers['x-job-id']}").body
    assert job["status"] == "error"
    assert LOGIN[1] not in str(job)


def test_a_failed_push_leaves_no_name_at_the_docker_host(ill: Place, images: Mapping[str, str]) -> None:
    wanted = {"imageId": images["socket"], "registryId": ill.registries["strange"], "newTag": "left/app:1"}
    ill.push("socket", **wanted)

    assert f"{ill.strange.host}/left/app" not in ill.docker("images", "--format", "{{.Repository}}")


REFUSED: dict[str, tuple[dict[str, object], int, str]] = {
    "no image": ({"registryId": 1}, 400, "Image ID and registry ID are required"),
    "no registry": ({"imageId": "ill/app:1"}, 400, "Image ID and registry ID are required"),
    "nothing": ({}, 400, "Image ID and registry ID are required"),
    "registry not there": ({"imageId": "ill/app:1", "registryId": 999}, 404, "Registry not found"),
    "image not there": ({"imageId": "not/there:1", "registryId": 1}, 404, "Image not found"),
    "id not there": ({"imageId": "sha256:" + "0" * 64, "registryId": 1}, 404, "Image not found"),
    "upper case": (
        {"imageId": "ill/app:1", "registryId": 1, "newTag": "Team/app:1"},
        400,
        "'Team/app:1' is not an image reference: the repository 'Team/app' must be lower case",
    ),
    "too short": (
        {"imageId": "ill/app:1", "registryId": 2, "newTag": "a:1"},
        400,
        "'a:1' is not an image reference: the repository 'a' needs at least 2 characters",
    ),
    "too long": (
        {"imageId": "ill/app:1", "registryId": 2, "newTag": "a" * 256},
        400,
        f"'{'a' * 256}' is not an image reference: the repository has 256 characters; 255 are allowed",
    ),
    "tag too long": (
        {"imageId": "ill/app:1", "registryId": 2, "newTag": f"app:{'t' * 129}"},
        400,
        f"'app:{'t' * 129}' is not an image reference: the tag has 129 characters; 128 are allowed",
    ),
    "a digest chosen": (
        {"imageId": "ill/app:1", "registryId": 2, "newTag": "app@sha256:" + "0" * 64},
        400,
        f"'app@sha256:{'0' * 64}' is not an image reference: "
        "the digest cannot be chosen for a push: it follows from the content",
    ),
    "two registries": (
        {"imageId": "ill/app:1", "registryId": 2, "target": "example.com/app:1"},
        400,
        "registryId and target both say where the image goes",
    ),
}


@pytest.mark.parametrize("kind", ENVIRONMENTS)
@pytest.mark.parametrize("name", REFUSED)
def test_a_push_that_makes_no_job(ill: Place, images: Mapping[str, str], name: str, kind: str) -> None:
    fields, status, text = REFUSED[name]
    for answer in (
        ill.push(kind, **fields),
        ill.ask("POST", f"/api/images/push?env={ill.environments[kind]}", fields),
    ):
        assert (answer.status, answer.body["error"]) == (status, text)
        assert "x-job-id" not in answer.headers


@pytest.mark.parametrize("kind", DOCKER)
def test_an_image_without_a_tag(ill: Place, kind: str) -> None:
    identity = ill.docker("import", "-", input=b"\0" * 10240).strip()

    answer = ill.push(kind, imageId=identity, registryId=ill.registries["private"])

    assert answer.status == 400
    assert answer.body["error"] == "Image has no tag. Please provide a tag name."


def test_who_may_not_push_or_pull(ill: Place, images: Mapping[str, str]) -> None:
    viewer = next(role["id"] for role in ill.rows("/api/roles") if role["name"] == "viewer")
    login = {"username": "viewer", "password": "a password that is long"}
    assert ill.ask("POST", "/api/users", {**login, "roles": [viewer]}).status == 201
    cookie = ill.ask("POST", "/api/auth/login", login, Authorization="").headers["set-cookie"].partition(";")[0]
    as_viewer = {"Authorization": "", "Cookie": cookie}
    push = {"imageId": images["socket"], "registryId": ill.registries["private"], "newTag": "team/app:1"}

    pushed = ill.ask("POST", f"/api/images/push?env={ill.environments['socket']}", push, **as_viewer)
    pulled = ill.ask("POST", f"/api/images/pull?env={ill.environments['socket']}", {"image": "nginx"}, **as_viewer)
    trail = ill.rows("/api/audit?result=denied")

    assert (pushed.status, pushed.body) == (403, {"error": "Permission denied"})
    assert (pulled.status, pulled.body) == (403, {"error": "Permission denied"})
    assert {row["action"] for row in trail if row["username"] == "viewer"} == {"push", "pull"}


PULLS = {
    "wrong password": Row("private", 500, "registry_auth", PULL_FAILED, "/wrong/app:1"),
    "no password": Row("private", 500, "registry_auth", PULL_FAILED, "/nobody/app:1"),
    "image not there": Row("private", 404, "not_found", PULL_FAILED, "/not/there:1"),
    "tag not there": Row("", 404, "not_found", PULL_FAILED, "nginx:not-there"),
    "digest not there": Row("", 404, "not_found", PULL_FAILED, "nginx@sha256:" + "0" * 64),
    "unknown host": Row("", 500, "network", "cannot connect …", "no-such-host.invalid/app:1", ("embedded",)),
    "unknown host to docker": Row(
        "", 500, "network", "the Docker host says: Get …", "no-such-host.invalid/a:1", DOCKER
    ),
    "tls against plain http": Row("plain", 500, "tls", "192…", "/app:1", ("embedded",)),
    "tls against plain http at docker": Row("plain", 500, "tls", "the Docker host says: Get …", "/app:1", DOCKER),
    "a ca that nobody knows": Row("strange", 500, "tls", "the certificate of …", "/app:1", ("embedded",)),
    "a ca that docker does not know": Row("strange", 500, "tls", "the Docker host says: Get …", "/app:1", DOCKER),
    "rate limited": Row("limited", 500, "rate_limited", "127.0.0.1:…", "/team/app:1", ("embedded",)),
    "rate limited docker": Row("limited", 500, "rate_limited", "the Docker host says: too…", "/team/app:1", DOCKER),
    "bad tag": Row("", 400, "invalid", "'nginx:-a' is not an image reference: the tag…", "nginx:-a"),
    "bad name": Row("", 400, "invalid", "'Nginx' is not an image reference: the repository…", "Nginx"),
    "bad digest": Row(
        "", 400, "invalid", "'nginx@sha256:12' is not an image reference: the digest…", "nginx@sha256:12"
    ),
    "no name": Row("", 400, "invalid", "Image name is required", ""),
}


@pytest.mark.parametrize(("row", "kind"), cases(PULLS))
def test_a_pull_that_fails(ill: Place, row: Row, kind: str) -> None:
    host = {"": "", "limited": ill.limited}.get(row.registry)
    host = getattr(ill, row.registry).host if host is None else host

    answer = ill.pull(kind, image=f"{host}{row.name}")

    if row.status == 400:
        assert (answer.status, answer.body["code"]) == (400, row.code)
        assert str(answer.body["error"]).startswith(row.says.removesuffix("…"))
    else:
        row.agrees(answer)
        assert ill.lines(answer)[-1] == answer.body


@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_a_platform_that_the_image_does_not_have(ill: Place, kind: str) -> None:
    pulled = ill.pull(kind, image="nginx:latest", platform="linux/riscv64")
    ill.pull(kind, image="nginx:latest")
    private = ill.registries["private"]
    pushed = ill.push(kind, imageId="nginx:latest", registryId=private, platform="linux/riscv64")

    for answer in (pulled, pushed):
        assert (answer.status, answer.body["code"]) == (404, "platform")
        assert "not found" not in str(answer.body["error"])


@pytest.mark.parametrize(("path", "status"), [("pull", 404), ("push", 404)])
def test_an_environment_that_is_not_there(ill: Place, path: str, status: int) -> None:
    fields = {"image": "nginx"} if path == "pull" else {"imageId": "nginx", "registryId": 1}
    answer = ill.done("POST", f"/api/images/{path}?env=999", fields)
    assert (answer.status, answer.body["error"]) == (status, "Environment not found")


def test_a_docker_host_that_does_not_answer(ill: Place) -> None:
    row = {"name": "away", "connectionType": "socket", "socketPath": str(ill.folder / "nobody.sock")}
    away = ill.ask("POST", "/api/environments", row).body["id"]

    pushed = ill.done("POST", f"/api/images/push?env={away}", {"imageId": "a:1", "registryId": 1})
    pulled = ill.done("POST", f"/api/images/pull?env={away}", {"image": "nginx"})

    assert (pushed.status, pushed.body["code"]) == (503, "unreachable")
    assert (pulled.status, pulled.body["code"], pulled.body["status"]) == (503, "unreachable", "error")


# ── step by step


@pytest.mark.parametrize(
    ("registry", "steps", "wrong"),
    [
        ("private", "resolve connect v2 token scope", False),
        ("secure", "resolve connect tls v2 token scope", False),
        ("hub", "resolve connect tls v2 token scope", False),
        ("unknown host", "resolve", True),
        ("dead", "resolve connect", True),
        ("strange", "resolve connect tls", True),
        ("no ca", "resolve connect tls", True),
        ("plain", "resolve connect tls", True),
        ("http to tls", "resolve connect v2", True),
        ("wrong password", "resolve connect v2 token", True),
    ],
)
def test_a_registry_is_tried_out(ill: Place, registry: str, steps: str, wrong: bool) -> None:
    answer = ill.ask("POST", "/api/registries/test", {"id": ill.registries[registry]})

    tried = answer.body["steps"]
    assert isinstance(tried, list)
    assert (answer.status, answer.body["success"], "error" in answer.body) == (200, not wrong, wrong), answer
    assert " ".join(step["name"] for step in tried) == steps
    assert [step["ok"] for step in tried] == [True] * (len(tried) - wrong) + [False] * wrong
    assert LOGIN[1] not in str(answer.body)


def test_an_environment_is_tried_out(ill: Place) -> None:
    """A daemon that wants a certificate, asked without one and without TLS, and one that is not there."""
    tls = ill.ask("GET", f"/api/environments/{ill.environments['tls']}").body
    stranger = {"connectionType": "direct", "host": tls["host"], "port": tls["port"], "tlsCa": tls["tlsCa"]}
    nobody: dict[str, object] = {"connectionType": "socket", "socketPath": str(ill.folder / "no.sock")}
    plain = {"connectionType": "direct", "host": tls["host"], "port": tls["port"], "protocol": "http"}
    reports = []
    rows: tuple[dict[str, object], ...] = (stranger, plain, nobody)
    for number, row in enumerate(rows):
        made = ill.ask("POST", "/api/environments", {"name": f"tried {number}", **row})
        assert made.status == 201, made
        reports.append(ill.ask("POST", f"/api/environments/{made.body['id']}/test").body)
        ill.ask("DELETE", f"/api/environments/{made.body['id']}")

    assert [report["success"] for report in reports] == [False] * 3
    assert [[step["name"] for step in report["steps"]] for report in reports] == [  # type: ignore[attr-defined]
        ["resolve", "connect", "tls", "ping"],
        ["resolve", "connect", "ping"],
        ["connect"],
    ]
    assert "tlsKey" not in tls
