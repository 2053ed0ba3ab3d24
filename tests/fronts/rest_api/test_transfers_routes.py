"""Push, pull and copy over the API: every row of the tables in interfaces §2 that needs no
registry of somebody else's."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from lading.fronts.rest_api.refusals import status_of_line
from tests.fakes.certificates import Authority
from tests.fakes.raw_client import RawClient
from tests.fakes.scripted_server import Reply, ScriptedServer
from tests.fronts.rest_api.caller import EVENTS, JSON, House, address, done, until


def test_a_push_is_a_job(house: House, registry: int, image: str) -> None:
    answer = house.admin.post("/api/images/push", {"imageId": image, "registryId": registry})
    job = done(house.admin, answer.json["jobId"])

    assert (answer.status, set(answer.json)) == (200, {"jobId"})
    assert str(uuid.UUID(answer.json["jobId"])) == answer.json["jobId"] == answer.headers["x-job-id"]
    assert {"id", "kind", "status", "lines", "result", "createdAt", "updatedAt", "cursor", "cancelable"} <= set(job)
    assert (job["kind"], job["status"], job["cancelable"]) == ("push", "done", False)
    assert "totals" in job["progress"]  # type: ignore[operator]  # a JSON object


def test_who_wants_the_result_waits_for_it(house: House, registry: int, image: str) -> None:
    target = f"{house.running.address}/waited/app:v2"
    push = {"imageId": image, "registryId": registry, "newTag": "waited/app:v2"}
    answer = house.admin.post("/api/images/push", push, Accept=JSON)
    events = house.admin.post("/api/images/push", push, Accept=f"{JSON}, {EVENTS}")

    assert answer.status == 200
    assert answer.json["status"] == "complete"
    assert answer.json["message"] == f"Image pushed to {target}"
    assert answer.json["targetTag"] == target
    assert answer.json["digest"].startswith("sha256:")
    assert answer.json["size"] > 0
    assert answer.headers["x-job-id"]
    assert set(events.json) == {"jobId"}


def test_hanging_up_does_not_cancel(house: House, registry: int, image: str) -> None:
    body = json.dumps({"imageId": image, "registryId": registry, "newTag": "hung/up:1"})
    cookie = house.admin.headers["Cookie"]
    with RawClient(address(house.running.api)) as client:
        client.send(f"POST /api/images/push HTTP/1.1\nHost: localhost\nCookie: {cookie}\nAccept: {JSON}\n")
        client.send(f"Content-Type: {JSON}\nContent-Length: {len(body)}\n\n", body)
    until(lambda: bool(house.admin.get("/api/jobs?filter=hung/up&kind=push").json), "the job is there")
    (job,) = house.admin.get("/api/jobs?filter=hung/up&kind=push").json

    assert done(house.admin, job["id"])["status"] == "done"


PUSHES = [
    ({}, 400, "Image ID and registry ID are required"),
    ({"imageId": "a"}, 400, "Image ID and registry ID are required"),
    ({"registryId": 1}, 400, "Image ID and registry ID are required"),
    ({"imageId": "", "registryId": 1}, 400, "Image ID and registry ID are required"),
    ({"imageId": "team/app:1", "registryId": 99}, 404, "Registry not found"),
    ({"imageId": "nothing:1", "registryId": 1}, 404, "Image not found"),
    ({"imageId": "0123456789ab", "registryId": 1}, 404, "Image not found"),
    (
        {"imageId": "team/app:1", "registryId": 1, "target": "a.test/b"},
        400,
        "registryId and target both say where the image goes",
    ),
    (
        {"imageId": "team/app:1", "target": f"a.test/b@sha256:{'0' * 64}"},
        400,
        f"the target a.test/b@sha256:{'0' * 64} names a digest",
    ),
    (
        {"imageId": "team/app:1", "registryId": "1x"},
        400,
        "registryId must be a whole number",
    ),
    ({"imageId": "team/app:1", "registryId": 1, "newTagg": "x"}, 400, "newTagg is not known here"),
    ({"imageId": "team/app:1", "registryId": 1, "tags": "x"}, 400, "tags must be a list"),
    ({"imageId": "team/app:1", "registryId": 1, "relay": "always"}, 400, "relay must be true or false"),
]


@pytest.mark.parametrize(("form", "status", "error"), PUSHES)
@pytest.mark.parametrize("accept", ["*/*", JSON])
def test_a_push_that_cannot_be_is_refused_before_any_work(
    house: House, registry: int, image: str, form: dict[str, object], status: int, error: str, accept: str
) -> None:
    answer = house.admin.post("/api/images/push", form, Accept=accept)

    assert answer.brief == (status, error)
    assert set(answer.json) <= {"error", "code", "hint", "detail"}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Team/app", "the repository"),
        ("team/app:" + "t" * 129, "the tag"),
        ("a" * 256, "the repository"),
        ("a", "the repository"),
        ("team//app", "the repository"),
        ("team/app:", "the tag"),
    ],
)
def test_a_target_is_checked_by_the_grammar(house: House, registry: int, image: str, name: str, part: str) -> None:
    answer = house.admin.post("/api/images/push", {"imageId": image, "registryId": registry, "newTag": name})

    assert answer.status == 400
    assert part in answer.json["error"]


def test_an_image_without_a_tag_needs_a_new_one(house: House, registry: int, image: str) -> None:
    host = house.running.address
    target = {"imageId": house.load("bare:1", label="bare"), "target": f"{host}/bare/app:1"}
    digest = house.admin.post("/api/images/push", target, Accept=JSON).json["digest"]
    house.admin("DELETE", f"/api/images/{target['imageId']}?force=true")
    bare = house.admin.post("/api/images/pull", {"image": f"{host}/bare/app@{digest}"}, Accept=JSON).json["imageId"]
    refused = house.admin.post("/api/images/push", {"imageId": bare, "registryId": registry})
    form = {"imageId": bare, "registryId": registry, "newTag": "bare/app:2"}
    named = house.admin.post("/api/images/push", form, Accept=JSON)

    assert refused.brief == (400, "Image has no tag. Please provide a tag name.")
    assert (named.status, named.json["digest"]) == (200, digest)


def test_a_push_goes_where_its_fields_say(house: House, registry: int, image: str) -> None:
    host = house.running.address
    for form, target in [
        ({"newTag": "other/name:v2"}, f"{host}/other/name:v2"),
        ({"newTag": f"{host}/other/name:v3"}, f"{host}/other/name:v3"),
        ({"imageName": "team/app:1"}, f"{host}/team/app:1"),
        ({"newTag": "untagged/name"}, f"{host}/untagged/name:latest"),
    ]:
        dry = {"imageId": image, "registryId": registry, "dryRun": True, **form}
        answer = house.admin.post("/api/images/push", dry, Accept=JSON)
        assert (answer.status, answer.json["targetTag"], answer.json["dryRun"]) == (200, target, True), form
    by_path = house.admin.post("/api/images/push", {"imageId": image, "target": f"{host}/by/path:1"}, Accept=JSON)
    tags = {"imageId": image, "registryId": registry, "newTag": "several/app:a", "tags": ["b", "c"]}
    several = house.admin.post("/api/images/push", tags, Accept=JSON)
    ours = house.admin.post("/api/images/push", {"imageId": image, "registryId": registry, "relay": True}, Accept=JSON)
    assert (ours.status, "relayed" in ours.json) == (200, False)  # our own engine pushes by itself in any case
    assert by_path.json["targetTag"] == f"{host}/by/path:1"
    assert several.json["targets"] == [f"{host}/several/app:{tag}" for tag in "abc"]


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "Image name is required"),
        ({"image": ""}, 400, "Image name is required"),
        ({"image": "UPPER"}, 400, "'UPPER' is not an image reference: the repository 'UPPER' must be lower case"),
        ({"image": "a@sha256:12"}, 400, None),
        ({"image": "a:b:c"}, 400, None),
        ({"image": "a", "platform": "what/ever/it/is/called"}, 400, None),
        ({"image": "a", "scanAfterPull": "maybe"}, 400, None),
    ],
)
def test_a_pull_that_cannot_be_is_refused(
    house: House, form: dict[str, object], status: int, error: str | None
) -> None:
    answer = house.admin.post("/api/images/pull", form)

    assert answer.status == status
    assert answer.json["error"] == error or error is None
    assert answer.json["code"] == "invalid"


def test_a_pull_brings_an_image(house: House, registry: int, image: str) -> None:
    host = house.running.address
    house.admin.post("/api/images/push", {"imageId": image, "target": f"{host}/pulled/app:1"}, Accept=JSON)
    answer = house.admin.post("/api/images/pull", {"image": f"{host}/pulled/app:1"}, Accept=JSON)
    missing = house.admin.post("/api/images/pull", {"image": f"{host}/pulled/app:2"}, Accept=JSON)
    as_job = done(house.admin, house.admin.post("/api/images/pull", {"image": f"{host}/pulled/app:2"}).json["jobId"])

    assert (answer.status, answer.json["status"]) == (200, "complete")
    assert answer.json["image"] == f"{host}/pulled/app:1"
    assert missing.brief == (404, "Image not found or registry authentication failed")
    assert missing.json["status"] == "error"
    assert as_job["status"] == "error"
    assert as_job["result"]["error"] == missing.json["error"]  # type: ignore[index]  # a JSON object


def test_a_registry_that_refuses_the_login_is_told_by_its_code(house: House, registry: int, image: str) -> None:
    url = f"http://{house.running.address}/refused"
    wrong = {"name": "wrong", "url": url, "username": "admin", "password": "not-the-password"}
    row = house.admin.post("/api/registries", wrong).json["id"]
    target = f"{house.running.address}/refused/app:1"
    pushed = house.admin.post("/api/images/push", {"imageId": image, "registryId": row, "newTag": "app:1"}, Accept=JSON)
    pulled = house.admin.post("/api/images/pull", {"image": target}, Accept=JSON)

    assert pushed.brief == (500, "Authentication failed. Check registry credentials.")
    assert pushed.json["code"] == "registry_auth"
    assert pushed.json["status"] == "error"
    assert pulled.brief == (500, "Image not found or registry authentication failed")
    assert pulled.json["code"] == "registry_auth"


def test_a_registry_that_is_not_there_is_a_network_error(house: House, registry: int, image: str) -> None:
    answer = house.admin.post("/api/images/push", {"imageId": image, "target": "127.0.0.1:1/a/b:1"}, Accept=JSON)

    assert (answer.status, answer.json["code"]) == (500, "network")


def test_a_certificate_that_nobody_trusts_is_a_tls_error(
    house: House, registry: int, image: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    tls = authority.context(authority.server("127.0.0.1"))
    with ScriptedServer(lambda asked: Reply(401), tls=tls) as server:
        row = house.admin.post("/api/registries", {"name": "tls", "url": server.url("")}).json["id"]
        push = {"imageId": image, "registryId": row, "newTag": "own/app:1"}
        answer = house.admin.post("/api/images/push", push, Accept=JSON)

    assert answer.brief == (
        500,
        "TLS/HTTPS error. If your registry uses HTTP, add it to Docker's insecure-registries in "
        "/etc/docker/daemon.json",
    )
    assert answer.json["code"] == "tls"
    assert "In Lading, set the registry's tls" in answer.json["hint"]


def test_what_a_rule_refuses_is_a_conflict(house: House, registry: int, image: str) -> None:
    target = {"target": f"{house.running.address}/taken/app:1"}
    house.admin.post("/api/images/push", {"imageId": image, **target}, Accept=JSON)
    other = {"imageId": house.load("taken:2", label="another"), **target, "ifAbsent": True}
    answer = house.admin.post("/api/images/push", other, Accept=JSON)

    assert (answer.status, answer.json["status"]) == (409, "error")
    assert answer.json["cause"] == "refused"


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (None, 500),
        ("lading_error", 500),
        ("denied", 403),
        ("refused", 409),
        ("not_found", 404),
        ("input_invalid", 400),
        ("unreachable", 503),
        ("access_denied", 500),
        ("network_failed", 500),
        ("tls_refused", 500),
        ("rate_limited", 500),
        ("cancelled", 500),
    ],
)
def test_a_jobs_cause_chooses_the_status(cause: str | None, status: int) -> None:
    assert status_of_line({"cause": cause}) == status


def test_a_copy_goes_to_several_targets(house: House, registry: int, image: str) -> None:
    host = house.running.address
    house.admin.post("/api/images/push", {"imageId": image, "target": f"{host}/copied/app:1"}, Accept=JSON)
    form = {"source": f"{host}/copied/app:1", "targets": [f"{host}/copied/app:2", f"{host}/copied/other:1"]}
    answer = house.admin.post("/api/images/copy", form, Accept=JSON)
    incomplete = house.admin.post("/api/images/copy", {"source": f"{host}/a"})

    assert (answer.status, answer.json["targets"]) == (200, form["targets"])
    assert incomplete.brief == (400, "Source and targets are required")


def test_a_login_is_not_sent_to_where_its_registry_was_before(house: House, image: str) -> None:
    moved = house.own_registry("moved")
    pushed = house.admin.post("/api/images/push", {"imageId": image, "registryId": moved, "newTag": "moved/app:1"})
    job = pushed.json["jobId"]
    done(house.admin, job)
    house.admin("PATCH", f"/api/registries/{moved}", {"url": "http://127.0.0.1:1", "password": "of the other one"})

    again = house.admin.post(f"/api/jobs/{job}/retry", None, Accept=JSON)

    assert (
        again.brief[1]
        == f"The registry moved was changed, and does not serve {house.running.address}/moved/app:1 any more"
    )
    assert again.status == 409
