"""Jobs over the API: their events, their lines, keys that stand for one, and who sees them."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.fronts.rest_api.caller import DENIED, EVENTS, JSON, House, done


def test_the_events_come_in_their_order(house: House, registry: int, image: str) -> None:
    push = {"imageId": image, "registryId": registry, "newTag": "events/app:1"}
    job = house.admin.post("/api/images/push", push).json["jobId"]
    stream = house.admin.get(f"/api/jobs/{job}", Accept=EVENTS)
    events = [dict(line.split(": ", 1) for line in event.splitlines()) for event in stream.text.split("\n\n") if event]
    lines = [json.loads(event["data"])["data"] for event in events if event["event"] == "data"]
    bare = [json.loads(event["data"]) for event in events if event["event"] == "progress"]

    assert stream.headers["content-type"].startswith(EVENTS)
    assert (stream.headers["cache-control"], stream.headers["x-accel-buffering"]) == ("no-store", "no")
    assert events[0]["event"] == "snapshot"
    assert lines[0] == {"status": "tagging", "message": "Tagging image..."}
    assert lines[1] == {"status": "pushing", "message": "Pushing to registry..."}
    assert bare == lines
    assert [line["status"] for line in lines].count("complete") == 1
    assert (events[-1]["event"], json.loads(events[-1]["data"])) == ("result", lines[-1])
    assert [event["id"] for event in events if "id" in event] == [str(n + 1) for n in range(len(lines))]
    assert [line["data"] for line in house.admin.get(f"/api/jobs/{job}").json["lines"]] == lines


def test_a_stream_is_resumed_and_then_over(house: House, registry: int, image: str) -> None:
    push = {"imageId": image, "registryId": registry, "newTag": "resumed/app:1"}
    job = house.admin.post("/api/images/push", push).json["jobId"]
    lines = done(house.admin, job)["lines"]
    last = str(len(lines))  # type: ignore[arg-type]  # a JSON array
    resumed = house.admin.get(f"/api/jobs/{job}", Accept=EVENTS, Last_Event_ID="1")
    over = house.admin.get(f"/api/jobs/{job}", Accept=EVENTS, Last_Event_ID=last)
    newer = house.admin.get(f"/api/jobs/{job}?after=2").json["lines"]

    assert "id: 1\n" not in resumed.text
    assert f"id: {last}\n" in resumed.text
    assert over.status == 204
    assert len(newer) == len(lines) - 2  # type: ignore[arg-type]  # a JSON array
    for odd in ("x", "-1", "9" * 30):
        assert house.admin.get(f"/api/jobs/{job}", Accept=EVENTS, Last_Event_ID=odd).status in {200, 204}
        assert house.admin.get(f"/api/jobs/{job}?after={odd}").status in {200, 400}


def test_the_lines_of_a_job_come_in_pages(house: House, registry: int, image: str) -> None:
    push = {"imageId": image, "registryId": registry, "newTag": "paged/app:1"}
    job = house.admin.post("/api/images/push", push).json["jobId"]
    whole = done(house.admin, job)
    lines, after, more = list[object](), 0, True
    while more:
        page = house.admin.get(f"/api/jobs/{job}?after={after}&limit=2").json
        lines += page["lines"]
        after, more = page["cursor"], page.get("more", False)
        assert len(page["lines"]) <= 2

    assert lines == whole["lines"]
    assert after == whole["cursor"]
    assert "more" not in whole
    assert house.admin.get(f"/api/jobs/{job}?limit=1001").status == 400


@pytest.mark.parametrize("path", ["push", "pull", "copy"])
def test_the_same_key_is_the_same_job(house: House, registry: int, image: str, path: str) -> None:
    host = house.running.address
    forms: dict[str, tuple[dict[str, object], dict[str, object]]] = {
        "push": ({"imageId": image, "target": f"{host}/key/a:1"}, {"imageId": image, "target": f"{host}/key/a:2"}),
        "pull": ({"image": f"{host}/key/b:1"}, {"image": f"{host}/key/b:2"}),
        "copy": (
            {"source": f"{host}/key/c:1", "targets": [f"{host}/key/d:1"]},
            {"source": f"{host}/key/c:1", "targets": [f"{host}/key/d:2"]},
        ),
    }
    key, (form, another) = f"key-of-{path}", forms[path]
    first = house.admin.post(f"/api/images/{path}", form, Idempotency_Key=key)
    again = house.admin.post(f"/api/images/{path}", form, Idempotency_Key=key)
    other = house.admin.post(f"/api/images/{path}", another, Idempotency_Key=key)
    somebody = house.user(f"key-{path}", "operator").post(f"/api/images/{path}", form, Idempotency_Key=key)
    long = house.admin.post(f"/api/images/{path}", form, Idempotency_Key="k" * 256)

    assert first.status == 200
    assert again.json == first.json
    assert (other.status, other.json["code"]) == (409, "idempotency_key")
    assert somebody.json["jobId"] != first.json["jobId"]
    assert long.status == 400


def test_an_empty_key_is_none(house: House) -> None:
    form = {"image": f"{house.running.address}/key/none:1"}
    first, again = (house.admin.post("/api/images/pull", form, Idempotency_Key="") for _ in range(2))

    assert (first.status, again.status) == (200, 200)
    assert first.json["jobId"] != again.json["jobId"]


def test_a_key_stands_for_a_request_as_it_was_sent(house: House, image: str) -> None:
    """Not for what becomes of it: a pull of `a` is one of `a:latest`, and yet another request."""
    key = {"Idempotency-Key": "as-sent", "Content-Type": "application/json"}
    ask, host = house.admin, house.running.address
    body = f'{{"imageId": "{image}", "target": "{host}/sent/a:1"}}'
    turned = f'{{"target":"{host}/sent/a:1","imageId":"{image}"}}'
    first = ask("POST", "/api/images/push", raw=body.encode(), headers=key)
    token = ask.post("/api/auth/tokens", {"name": "as-sent"}).json["token"]
    same = [
        ask("POST", "/api/images/push", raw=turned.encode(), headers=key),
        house.nobody.bearing(token)("POST", "/api/images/push", raw=body.encode(), headers=key),
    ]
    others = [
        ask("POST", "/api/images/push?env=1", raw=body.encode(), headers=key),
        ask("POST", "/api/images/pull", raw=b'{"image": "a"}', headers=key),
        ask("POST", "/api/images/push", raw=body.replace("}", ', "dryRun": false}').encode(), headers=key),
        ask("POST", f"/api/jobs/{done(ask, first.json['jobId'])['id']}/retry", headers=key),
    ]

    assert [each.json for each in same] == [first.json] * 2
    refused = "this Idempotency-Key was used for another request"
    assert [each.brief for each in others] == [(409, refused)] * 4


def test_jobs_are_retried_and_cancelled(house: House, registry: int, image: str) -> None:
    failed = house.admin.post("/api/images/pull", {"image": "127.0.0.1:1/a"}).json["jobId"]
    done(house.admin, failed)
    again = house.admin.post(f"/api/jobs/{failed}/retry", None, Idempotency_Key="retry")
    same = house.admin.post(f"/api/jobs/{failed}/retry", None, Idempotency_Key="retry")
    waited = house.admin.post(f"/api/jobs/{failed}/retry", None, Accept=JSON)
    cancelled = house.admin("DELETE", f"/api/jobs/{failed}")
    unknown = house.admin.get(f"/api/jobs/{uuid.uuid4()}")

    assert again.status == 200
    assert again.json["jobId"] != failed
    assert same.json == again.json
    assert (waited.status, waited.json["status"], waited.json["code"]) == (500, "error", "network")
    assert (cancelled.status, cancelled.json["status"]) == (200, "error")  # it had ended
    assert unknown.brief == (404, "Job not found")


def test_a_user_sees_the_jobs_they_made(house: House, registry: int, image: str) -> None:
    ben, cem = house.user("ben", "publisher"), house.user("cem", "publisher")
    form = {"image": f"{house.running.address}/team/app:1"}
    job = ben.post("/api/images/pull", form).json["jobId"]
    done(ben, job)

    assert [each["id"] for each in ben.get("/api/jobs").json] == [job]
    assert cem.get("/api/jobs").json == []
    assert cem.get(f"/api/jobs/{job}").json == DENIED
    assert job in {each["id"] for each in house.admin.get("/api/jobs").json}
    assert {each["username"] for each in house.admin.get("/api/jobs?filter=ben").json} == {"ben"}
    assert house.admin.get("/api/jobs?status=done&status=error&kind=pull").status == 200
    assert house.admin.get("/api/jobs?status=finished").status == 400
