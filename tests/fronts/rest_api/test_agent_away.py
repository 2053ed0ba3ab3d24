"""Pushes and pulls of an environment whose agent is not connected (interfaces §2, Push: edge agent away)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.fakes.stock_agent import StockAgent
from tests.fakes.stock_engine import Answer
from tests.fakes.stock_playing import playing
from tests.fronts.rest_api.caller import JSON, House, done, until

IMAGE = "sha256:" + "1" * 64
AWAY = {"status": "error", "error": "Edge agent not connected"}


@pytest.fixture(scope="module")
def edge(house: House) -> int:
    made = house.admin.post("/api/environments", {"name": "attic", "connectionType": "hawser-edge"})
    assert made.status == 201, made.text
    return int(made.json["id"])


def asked(verb: str, registry: int) -> dict[str, object]:
    return {"imageId": "team/app:1", "registryId": registry} if verb == "push" else {"image": "team/app:1"}


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_the_only_event_of_the_job_says_so_and_nothing_else(house: House, registry: int, edge: int, verb: str) -> None:
    answer = house.admin.post(f"/api/images/{verb}?env={edge}", asked(verb, registry))
    job = done(house.admin, answer.json["jobId"])

    assert (answer.status, set(answer.json)) == (200, {"jobId"})
    assert (job["status"], job["result"]) == ("error", AWAY)
    assert [line["data"] for line in job["lines"]] == [AWAY]  # type: ignore[attr-defined]  # a JSON list


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_who_waits_for_the_result_is_told_with_503(house: House, registry: int, edge: int, verb: str) -> None:
    answer = house.admin.post(f"/api/images/{verb}?env={edge}", asked(verb, registry), Accept=JSON)
    assert (answer.status, answer.json) == (503, AWAY)
    assert answer.headers["x-job-id"]


def test_it_is_on_record_as_asked_for_and_failed(house: House, registry: int, edge: int) -> None:
    form = {"imageId": "recorded:1", "registryId": registry, "imageName": "recorded:1"}
    house.admin.post(f"/api/images/push?env={edge}", form, Accept=JSON)

    rows = [row for row in house.admin.get("/api/audit?action=push").json if row["entityId"] == "recorded:1"]
    assert sorted(row["result"] for row in rows) == ["failed", "started"]
    assert {(row["entityName"], row["environmentId"]) for row in rows} == {("recorded:1", edge)}
    assert all(row["details"]["registry"] == "own" for row in rows)


def test_it_can_be_asked_for_again(house: House, registry: int, edge: int) -> None:
    first = house.admin.post(f"/api/images/push?env={edge}", asked("push", registry)).json["jobId"]
    done(house.admin, first)

    again = house.admin.post(f"/api/jobs/{first}/retry")

    assert again.status == 200, again.text
    assert done(house.admin, again.json["jobId"])["result"] == AWAY


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "Image ID and registry ID are required"),
        ({"imageId": "team/app:1", "registryId": 99}, 404, "Registry not found"),
        ({"imageId": "team/app:1", "target": "a.test/b", "platform": "no/such/thing/at/all"}, 400, None),
    ],
)
def test_what_is_wrong_whether_it_is_away_or_not_is_said_first(
    house: House, edge: int, form: dict[str, object], status: int, error: str | None
) -> None:
    answer = house.admin.post(f"/api/images/push?env={edge}", form)
    assert answer.status == status
    assert error is None or answer.json["error"] == error


def test_who_may_not_push_there_is_not_told(house: House, registry: int, edge: int) -> None:
    viewer = house.user("looks-only", "viewer")
    for accept in ("*/*", JSON):
        answer = viewer.post(f"/api/images/push?env={edge}", asked("push", registry), Accept=accept)
        assert answer.brief == (403, "Permission denied")


@dataclass(frozen=True)
class Engine:
    """It has team/app:1, and whatever it is asked to push is at the registry already, by this digest."""

    digest: str

    @asynccontextmanager
    async def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[Answer]:
        path = target.partition("?")[0]
        if path.endswith("/_ping"):
            yield Answer(200, {"api-version": "1.41"}, _pieces(b"OK"))
        elif path.endswith("/push"):
            yield Answer(200, {}, _pieces(_line({"aux": {"Tag": "1", "Digest": self.digest, "Size": 9}})))
        elif path.endswith("/json"):
            found = {"Id": IMAGE, "RepoTags": ["team/app:1"], "Os": "linux", "Architecture": "amd64"}
            yield Answer(200, {"content-type": "application/json"}, _pieces(_line(found)))
        elif path.endswith("/tag"):
            yield Answer(201, {}, _pieces(b""))
        else:
            yield Answer(404, {"content-type": "application/json"}, _pieces(_line({"message": "no such thing"})))


def _line(members: object) -> bytes:
    return json.dumps(members).encode() + b"\r\n"


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


def test_what_could_not_be_settled_is_when_it_is_asked_for_again(
    house: House, registry: int, image: str, edge: int
) -> None:
    """The job kept what was asked; the agent is there when it is tried again."""
    form = {"imageId": "team/app:1", "registryId": registry, "newTag": "again/app:1"}
    pushed = house.admin.post("/api/images/push", {**form, "imageId": image}, Accept=JSON).json
    first = house.admin.post(f"/api/images/push?env={edge}", form).json["jobId"]
    assert done(house.admin, first)["result"] == AWAY
    token = house.admin.post("/api/hawser/tokens", {"name": "t", "environmentId": edge}).json["token"]
    agent = StockAgent(house.running.api.replace("http", "ws", 1), token, Engine(pushed["digest"]))

    with playing(agent):
        assert agent.connected.wait(20), agent.refusals
        again = done(house.admin, house.admin.post(f"/api/jobs/{first}/retry").json["jobId"])

    assert again["status"] == "done", again
    assert again["result"]["digest"] == pushed["digest"]  # type: ignore[index]  # a JSON object
    assert again["result"]["targetTag"] == pushed["targetTag"]  # type: ignore[index]
    until(lambda: _away(house, edge), "the agent is gone")


def _away(house: House, edge: int) -> bool:
    return house.admin.get(f"/api/images?env={edge}").status == 503
