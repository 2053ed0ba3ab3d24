"""Docker hosts of other versions than the one that is here, asked over the API: what goes to them, to the byte.

They are scripted, for no program of these versions is here; the registries that prove their pushes are real. What a
push asks is what the Engine API documents: the name without its tag, `tag` and `platform` in the query, the login in
X-Registry-Auth.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest

from tests.fakes.scripted_server import Asked, Ending, Reply, ScriptedServer
from tests.peers.mission_place import LOGIN, Answer, Place
from tests.peers.service_process import Json, until

pytestmark = pytest.mark.peer("dockerd", "docker-registry", "htpasswd", "skopeo", "nginx")

IMAGE = "sha256:" + "1" * 64
STREAM = [("Content-Type", "application/json")]


class Daemon:
    """It speaks `version` (None: says none) and has one image, app:1; `said` is what it answers to a push."""

    def __init__(self, version: str | None, said: list[Json], ending: Ending = Ending.KEEP) -> None:
        self.version, self.said, self.ending = version, said, ending
        self.names = ["app:1"]
        self.pushed = threading.Event()
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if asked.path == "/_ping":
            return Reply(200, [("Api-Version", self.version)] if self.version else [], b"OK")
        verb = asked.path.rpartition("/")[2]
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        if verb == "push":
            self.pushed.set()
            body = "".join(json.dumps(line) + "\r\n" for line in self.said).encode()
            return Reply(200, STREAM, body, chunked=True, ending=self.ending)
        if verb == "create":
            return Reply(200, STREAM, json.dumps({"status": "Status: Downloaded newer image"}).encode())
        if verb == "tag":
            self.names.append(f"{query['repo']}:{query['tag']}")
            return Reply(201)
        if asked.method == "DELETE":
            self.names = self.names[:1]
            return Reply(200, STREAM, b"[]")
        image = {"Id": IMAGE, "RepoTags": self.names, "Os": "linux", "Architecture": "amd64"}
        return Reply(200, STREAM, json.dumps(image).encode())

    def last(self, verb: str) -> Asked:
        return [asked for asked in self.asked if asked.path.endswith(verb)][-1]


@contextmanager
def at(mission: Place, daemon: Daemon) -> Iterator[int]:
    """The id of an environment in which it answers."""
    with ScriptedServer(daemon) as server:
        row = {"connectionType": "direct", "host": "127.0.0.1", "port": server.port, "protocol": "http"}
        made = mission.ask("POST", "/api/environments", {"name": f"scripted {server.port}", **row})
        assert made.status == 201, made
        try:
            yield int(str(made.body["id"]))
        finally:
            mission.ask("DELETE", f"/api/environments/{made.body['id']}")


def finished(digest: str) -> list[Json]:
    """How a push ends that worked."""
    return [
        {"status": "The push refers to repository [registry/app]"},
        {"status": "Preparing", "progressDetail": {}, "id": "0123456789ab"},
        {"status": "Pushed", "progressDetail": {}, "id": "0123456789ab"},
        {"status": f"1: digest: {digest} size: 528"},
        {"progressDetail": {}, "aux": {"Tag": "1", "Digest": digest, "Size": 528}},
    ]


def push(mission: Place, environment: int, registry: str = "private", **fields: object) -> Answer:
    wanted = {"imageId": "app:1", "registryId": mission.registries[registry], "newTag": "other/dockers:1"}
    return mission.done("POST", f"/api/images/push?env={environment}", {**wanted, **fields})


@pytest.fixture(scope="module")
def digest(mission: Place) -> str:
    """What other/dockers:1 is at the registry."""
    image = mission.bring("embedded", "other/dockers:1")
    wanted = {"imageId": image, "newTag": "other/dockers:1"}
    pushed = [
        mission.push("embedded", registryId=mission.registries[registry], **wanted)
        for registry in ("private", "secure", "hub")
    ]
    assert [answer.status for answer in pushed] == [200] * 3
    return str(pushed[0].body["digest"])


def login(asked: Asked) -> Mapping[str, str]:
    told: Mapping[str, str] = json.loads(base64.urlsafe_b64decode(asked.headers["x-registry-auth"]))
    return told


@pytest.mark.parametrize(
    ("version", "spoken"), [(None, "1.24"), ("1.24", "1.24"), ("1.40", "1.40"), ("1.47", "1.47"), ("1.52", "1.51")]
)
def test_what_a_push_asks_of_every_version(mission: Place, digest: str, version: str | None, spoken: str) -> None:
    daemon = Daemon(version, finished(digest))
    with at(mission, daemon) as environment:
        pushed = push(mission, environment, platform="linux/amd64")

    assert (pushed.status, pushed.body["digest"]) == (200, digest), pushed
    asked = daemon.last("/push")
    assert asked.path == f"/v{spoken}/images/{mission.private.host}/other/dockers/push"
    query = parse_qs(asked.query)
    platform = [json.loads(text) for text in query.pop("platform", [])]
    assert query == {"tag": ["1"]}
    assert platform == ([{"os": "linux", "architecture": "amd64"}] if spoken >= "1.46" else [])
    assert login(asked) == {"username": LOGIN[0], "password": LOGIN[1], "serveraddress": mission.private.host}


def test_docker_hub_is_told_the_address_that_it_wants(mission: Place, digest: str) -> None:
    daemon = Daemon("1.41", finished(digest))
    with at(mission, daemon) as environment:
        pushed = push(mission, environment, "hub")

    assert (pushed.status, pushed.body["targetTag"]) == (200, "other/dockers:1"), pushed
    assert daemon.last("/push").path == "/v1.41/images/docker.io/other/dockers/push"
    assert login(daemon.last("/push"))["serveraddress"] == "https://index.docker.io/v1/"


@pytest.mark.parametrize(
    ("version", "told"), [("1.24", None), ("1.31", None), ("1.32", "linux/arm64"), ("1.48", "linux/arm64")]
)
def test_what_a_pull_asks_of_every_version(mission: Place, version: str, told: str | None) -> None:
    daemon = Daemon(version, [])
    with at(mission, daemon) as environment:
        wanted = {"image": f"{mission.private.host}/app:1", "platform": "linux/arm64"}
        mission.done("POST", f"/api/images/pull?env={environment}", wanted)

    asked = daemon.last("/create")
    query = {"fromImage": [f"{mission.private.host}/app"], "tag": ["1"]}
    assert (asked.method, asked.path) == ("POST", f"/v{version}/images/create")
    assert parse_qs(asked.query) == query | ({"platform": [told]} if told else {})
    assert login(asked)["username"] == LOGIN[0]


def failing(said: list[Json]) -> Daemon:
    return Daemon("1.41", said)


OTHER = "sha256:" + "2" * 64


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([], "unverified"),
        ([{"status": "Pushed", "progressDetail": {}, "id": "0123456789ab"}], "unverified"),
        (finished(OTHER), "unproven"),
        ([{"errorDetail": {"message": "unauthorized: no"}, "error": "unauthorized: no"}], "registry_auth"),
        ([*finished(OTHER)[:3], {"error": "denied: immutable tag"}], "registry_auth"),
        ([{"error": "received unexpected HTTP status: 500 Internal Server Error"}], "failed"),
        ([{"errorDetail": {"code": 429, "message": "slow down"}, "error": "slow down"}], "rate_limited"),
    ],
)
def test_a_daemons_word_is_no_proof(mission: Place, digest: str, said: list[Json], code: str) -> None:
    daemon = failing(said)
    with at(mission, daemon) as environment:
        pushed = push(mission, environment)

    assert (pushed.status, pushed.body["status"], pushed.body["code"]) == (500, "error", code), pushed


def test_a_registry_that_cannot_be_asked_proves_nothing(mission: Place, digest: str) -> None:
    daemon = Daemon("1.41", finished(digest))
    with at(mission, daemon) as environment:
        pushed = push(mission, environment, "strange")

    assert (pushed.status, pushed.body["code"]) == (500, "unverified")
    assert "signed by nobody" in str(pushed.body["detail"])


def test_a_daemon_that_hangs_up_in_the_middle(mission: Place, digest: str) -> None:
    daemon = Daemon(
        "1.41", [{"status": "Pushing", "progressDetail": {"current": 1, "total": 2}, "id": "0123456789ab"}], Ending.RST
    )
    with at(mission, daemon) as environment:
        pushed = push(mission, environment)

    assert (pushed.status, pushed.body["status"]) in {(503, "error"), (500, "error")}, pushed
    assert pushed.body["code"] in {"unreachable", "unverified"}


def test_a_cancelled_job_hangs_up_and_takes_its_name_back(mission: Place) -> None:
    """A real engine, and a registry that never answers."""
    asked = threading.Event()

    def answer(request: Asked) -> Reply:
        if request.path == "/v2/":
            return Reply(200, body=b"{}")
        asked.set()
        return Reply(ending=Ending.STALL, silent=True)

    image = mission.bring("socket", "cancelled/app:1")
    with ScriptedServer(answer) as server:
        registry = mission.configure("stalled", f"http://{server.authority}")
        fields = {"imageId": image, "registryId": registry, "newTag": "cancelled/app:2"}
        job = mission.ask("POST", f"/api/images/push?env={mission.environments['socket']}", fields).body["jobId"]
        until(asked.is_set, "the registry is asked")
        mission.ask("DELETE", f"/api/jobs/{job}")
        ended = mission.ended(job)

    assert ended["status"] == "cancelled"
    assert f"{server.authority}/cancelled/app" not in mission.docker("images", "--format", "{{.Repository}}")
