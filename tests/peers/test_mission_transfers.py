"""Pushes, pulls and copies over the API, on our own engine and on a Docker host alike, against real registries.

Judges are the registries themselves, and skopeo.
"""

from __future__ import annotations

import json

import pytest

from tests.peers import programs
from tests.peers.mission_place import ENVIRONMENTS, LOGIN, PLATFORMS, Place
from tests.peers.service_process import Json

pytestmark = pytest.mark.peer("dockerd", "docker-registry", "htpasswd", "skopeo", "nginx")

BOTH = pytest.mark.parametrize("kind", ENVIRONMENTS)

# ── push


@BOTH
def test_a_push_tells_in_order_what_it_does(mission: Place, kind: str) -> None:
    image = mission.bring(kind, "tells/app:1", size=3_000_000)
    wanted = {"imageId": image, "imageName": "tells/app:1", "registryId": mission.registries["private"]}

    answer = mission.push(kind, **wanted)

    lines = mission.lines(answer)
    target = f"{mission.private.host}/tells/app:1"
    assert lines[0] == {"status": "tagging", "message": "Tagging image..."}
    assert lines[1] == {"status": "pushing", "message": "Pushing to registry..."}
    assert lines[-1] == answer.body
    assert [line["status"] for line in lines].count("complete") == 1
    layers: dict[str, list[str]] = {}
    for line in lines[2:-1]:
        if "id" in line:
            assert {"id", "status", "progressDetail"} <= set(line)
            layers.setdefault(str(line["id"]), []).append(str(line["status"]))
    assert len(layers) == 2
    assert all(states[0] == "Preparing" for states in layers.values())
    ends = ("Pushed", "Layer already exists", "Mounted from ")
    assert all(states[-1].startswith(ends) for states in layers.values()), layers
    assert answer.body["targetTag"] == target
    assert answer.body["digest"] == mission.answers(mission.private, "tells/app", "1")


@BOTH
def test_a_push_and_a_pull_are_on_the_trail(mission: Place, kind: str) -> None:
    image = mission.bring(kind, "audited/app:1")
    private = mission.registries["private"]
    pushed = mission.push(
        kind, imageId=image, imageName="audited/app:1", registryId=private, newTag=f"audited/{kind}:1"
    )
    target = str(pushed.body["targetTag"])
    mission.pull(kind, image=target)

    trail = mission.rows(f"/api/audit?env={mission.environments[kind]}")
    pushes = [row for row in trail if row["action"] == "push" and row["entityId"] == image]
    pulls = [row for row in trail if row["action"] == "pull" and row["entityName"] == target]

    assert {row["result"] for row in pushes} == {row["result"] for row in pulls} == {"started", "done"}
    assert all(row["entityType"] == "image" and row["entityName"] == "audited/app:1" for row in pushes)
    assert all(row["details"] == {"targetTag": target, "registry": "private"} for row in pushes)
    assert all(row["entityId"] == target and row["environmentId"] == mission.environments[kind] for row in pulls)


TARGETS = {
    "its own name": ("names/app:1", None, "private", "{private}/names/app:1"),
    "a registry before it goes": ("old.example.com:5000/names/app:2", None, "private", "{private}/names/app:2"),
    "localhost is a registry": ("localhost/names/app:3", None, "private", "{private}/names/app:3"),
    "no tag is latest": ("names/app:4", "names/new", "private", "{private}/names/new:latest"),
    "the host is not doubled": ("names/app:5", "{private}/names/five:1", "private", "{private}/names/five:1"),
    "hub adds no host": ("names/app:6", None, "hub", "names/app:6"),
    "hub takes its own": ("names/app:7", "docker.io/names/seven:1", "hub", "names/seven:1"),
    "hub's library": ("names/app:8", "eight:1", "hub", "eight:1"),
}


@BOTH
@pytest.mark.parametrize("name", TARGETS)
def test_where_a_push_goes(mission: Place, kind: str, name: str) -> None:
    source, new, registry, target = TARGETS[name]
    image = mission.bring(kind, source)
    fields = {} if new is None else {"newTag": new.format(private=mission.private.host)}

    pushed = mission.push(kind, imageId=image, imageName=source, registryId=mission.registries[registry], **fields)

    assert pushed.status == 200, pushed
    assert pushed.body["targetTag"] == target.format(private=mission.private.host)


def test_a_registry_with_a_path_puts_it_before_the_name(mission: Place) -> None:
    me = {"username": LOGIN[0], "password": LOGIN[1]}
    registry = mission.configure("with a path", f"http://{mission.private.host}/acme/team", **me)
    image = mission.bring("embedded", "placed/app:1")

    pushed = mission.push("embedded", imageId=image, registryId=registry, newTag="app:v1")

    assert pushed.body["targetTag"] == f"{mission.private.host}/acme/team/app:v1"
    assert mission.answers(mission.private, "acme/team/app", "v1") == pushed.body["digest"]


@BOTH
def test_several_tags_and_a_target_of_its_own(mission: Place, kind: str) -> None:
    image = mission.bring(kind, "several/app:1")
    target = f"{mission.secure.host}/several/{kind}"

    pushed = mission.push(kind, imageId=image, target=f"{target}:1", tags=["2", "3"])

    assert pushed.body["targets"] == [f"{target}:{tag}" for tag in ("1", "2", "3")]
    digests = {mission.answers(mission.secure, f"several/{kind}", tag) for tag in ("1", "2", "3")}
    assert digests == {pushed.body["digest"]}


@BOTH
def test_a_push_that_wants_its_tag_free(mission: Place, kind: str) -> None:
    first, second = mission.bring(kind, "free/app:1"), mission.bring(kind, "free/app:2")
    wanted = {"registryId": mission.registries["private"], "newTag": f"free/{kind}:1", "ifAbsent": True}

    answers = [mission.push(kind, imageId=image, **wanted) for image in (first, first, second)]

    assert [answer.status for answer in answers] == [200, 200, 409]
    assert (answers[2].body["status"], answers[2].body["code"]) == ("error", "denied")
    assert mission.answers(mission.private, f"free/{kind}", "1") == answers[0].body["digest"]


@BOTH
def test_a_dry_run_moves_nothing(mission: Place, kind: str) -> None:
    image = mission.bring(kind, "dry/app:1")
    wanted = {"registryId": mission.registries["private"], "newTag": f"dry/{kind}:1", "dryRun": True}

    planned = mission.push(kind, imageId=image, **wanted)

    assert (planned.status, planned.body["dryRun"]) == (200, True)
    assert planned.body["message"] == f"Image would be pushed to {mission.private.host}/dry/{kind}:1"
    assert mission.answers(mission.private, f"dry/{kind}", "1") == "404"


# ── platforms


def test_platforms_of_our_own_engine(mission: Place) -> None:
    registry = {"registryId": mission.registries["private"]}
    index = mission.answers(mission.hub, "library/nginx", "latest")
    mission.ask("DELETE", mission.path("embedded", "images/nginx:latest?force=true"))
    mission.done("POST", mission.path("embedded", "prune/images"), {"dangling": True})

    one = mission.pull("embedded", image="nginx:latest", platform="linux/amd64")
    single = mission.push("embedded", imageId="nginx:latest", newTag="platforms/one:1", **registry)
    mission.pull("embedded", image="nginx:latest", platform="linux/arm64")
    some = mission.push("embedded", imageId="nginx:latest", newTag="platforms/some:1", **registry)
    have = mission.push("embedded", imageId="nginx:latest", newTag="platforms/some:1", platform="have", **registry)
    named = mission.push(
        "embedded", imageId="nginx:latest", newTag="platforms/arm:1", platform="linux/arm64", **registry
    )
    mission.pull("embedded", image="nginx:latest", platform="all")
    every = mission.push("embedded", imageId="nginx:latest", newTag="platforms/all:1", **registry)

    assert one.body["digest"] == index
    assert str(one.body["note"]).startswith("1 of 3 platforms")
    assert (single.status, _kind(mission, "platforms/one")) == (200, ["linux/amd64"])
    assert "the only one here of 3 platforms" in str(single.body["note"])
    assert (some.status, some.body["code"]) == (409, "platforms_incomplete")
    assert some.body["error"] == "Image has 2 of 3 platforms here. Use platform=have, or pull the rest."
    assert (have.status, _kind(mission, "platforms/some")) == (200, ["linux/amd64", "linux/arm64"])
    assert have.body["digest"] == mission.answers(mission.private, "platforms/some", "1") != index
    assert (named.status, _kind(mission, "platforms/arm")) == (200, ["linux/arm64"])
    assert (every.status, every.body["digest"]) == (200, index)


def _kind(mission: Place, repository: str) -> list[str]:
    """The platforms that skopeo sees there."""
    login = ["--tls-verify=false", f"--creds={':'.join(LOGIN)}"]
    source = f"docker://{mission.private.host}/{repository}:1"
    raw = json.loads(programs.skopeo("inspect", "--raw", *login, source))
    if "manifests" in raw:
        return [f"{each['platform']['os']}/{each['platform']['architecture']}" for each in raw["manifests"]]
    config = json.loads(programs.skopeo("inspect", "--config", *login, source))
    return [f"{config['os']}/{config['architecture']}"]


def test_platforms_of_a_docker_host(mission: Place) -> None:
    for row in mission.rows(mission.path("socket", "images?filter=nginx")):
        mission.ask("DELETE", mission.path("socket", f"images/{row['id']}?force=true"))
    arm = mission.pull("socket", image="nginx:latest", platform="linux/arm64")
    every = mission.pull("socket", image="nginx:latest", platform="all")
    found = mission.ask("GET", mission.path("socket", "images/nginx:latest")).body
    mission.pull("socket", image="nginx:latest", platform="linux/amd64")
    clash = mission.pull("socket", image=f"nginx@{mission.answers(mission.hub, 'library/nginx', 'latest')}")
    mission.ask("DELETE", mission.path("socket", f"images/{arm.body['imageId']}?force=true"))

    assert (arm.status, found["platform"]) == (200, "linux/arm64")
    assert (every.status, every.body["code"]) == (409, "platform")
    assert (clash.status, clash.body["code"]) == (409, "denied")  # docker 20.10 keeps one platform under a digest


# ── pull


@BOTH
@pytest.mark.parametrize("registry", ["private", "secure"])
def test_every_spelling_of_a_pull(mission: Place, kind: str, registry: str) -> None:
    running = mission.private if registry == "private" else mission.secure
    image = mission.bring("embedded", "spelt/app:1")
    pushed = mission.push("embedded", imageId=image, registryId=mission.registries[registry], newTag="spelt/app:1")
    mission.push("embedded", imageId=image, registryId=mission.registries[registry], newTag="spelt/app")
    digest, name = str(pushed.body["digest"]), f"{running.host}/spelt/app"

    for text in (name, f"{name}:1", f"{name}@{digest}", f"{name}:1@{digest}"):
        pulled = mission.pull(kind, image=text)
        assert (pulled.status, pulled.body["status"], pulled.body["digest"]) == (200, "complete", digest), pulled
        assert mission.lines(pulled)[-1] == pulled.body
    assert mission.pull(kind, image=name).body["image"] == f"{name}:latest"


# ── copy


def test_a_copy_goes_to_several_registries_with_all_platforms(mission: Place) -> None:
    targets = [f"{mission.private.host}/copied/nginx:1", f"{mission.secure.host}/copied/nginx:1"]
    wanted = {"source": "nginx:latest", "targets": targets}
    planned = mission.done("POST", "/api/images/copy", {**wanted, "dryRun": True})
    before = mission.answers(mission.private, "copied/nginx", "1")

    copied = mission.done("POST", "/api/images/copy", wanted)

    index = mission.answers(mission.hub, "library/nginx", "latest")
    assert (planned.status, planned.body["dryRun"], before) == (200, True, "404")
    assert (copied.status, copied.body["status"]) == (200, "complete"), copied
    assert copied.body["targets"] == targets
    assert mission.answers(mission.private, "copied/nginx", "1") == index
    assert mission.answers(mission.secure, "copied/nginx", "1") == index
    assert _kind(mission, "copied/nginx") == [f"linux/{each}" for each in PLATFORMS]


def test_a_copy_of_one_platform(mission: Place) -> None:
    wanted = {"source": "nginx", "targets": [f"{mission.private.host}/copied/arm:1"], "platform": "linux/arm64"}

    copied = mission.done("POST", "/api/images/copy", wanted)

    assert (copied.status, _kind(mission, "copied/arm")) == (200, ["linux/arm64"])


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({}, 400, "Source and targets are required"),
        ({"source": "nginx"}, 400, "Source and targets are required"),
        ({"source": "not/there", "targets": ["{private}/x/y:1"]}, 404, "Image not found"),
        ({"source": "nginx", "targets": ["{strange}/x/y:1"]}, 500, "TLS/HTTPS error."),
        ({"source": "nginx", "targets": ["{private}/wrong/y:1"]}, 500, "Authentication failed."),
    ],
)
def test_a_copy_that_fails(mission: Place, fields: Json, status: int, text: str) -> None:
    if "wrong" in str(fields) and not any(row["name"] == "w" for row in mission.rows("/api/registries")):
        mission.configure("w", f"http://{mission.private.host}/wrong", username="me", password="no")
    hosts = {"private": mission.private.host, "strange": mission.strange.host}
    targets = fields.get("targets")
    sent = fields if targets is None else {**fields, "targets": [each.format(**hosts) for each in targets]}  # type: ignore[attr-defined]

    copied = mission.done("POST", "/api/images/copy", sent)

    assert copied.status == status, copied
    assert str(copied.body["error"]).startswith(text)
